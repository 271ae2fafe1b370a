#include "actors/warm_up/prefix_memory.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <unordered_set>
#include <utility>

namespace tandem {
namespace {

constexpr std::size_t block_bytes = prompt_hasher::block_bytes;
/// Tags of blocks that were seen once take so much of all bytes, four each.
constexpr std::size_t once_share = 32;
/// Links and headers of the tree, the list and the heap, generously.
constexpr std::size_t overhead_bytes = 128;
/// No role and no text has it: not valid in UTF-8.
constexpr char mark = '\xff';
/// Less is not worth a call.
constexpr std::uint64_t tokens_min = 32;

std::uint32_t tag_of(std::uint64_t id) {
  return static_cast<std::uint32_t>(id >> 32) | 1u;
}

/// The bytes of one block, as prompt_hasher cuts them: role, mark, text, mark of each message.
void copy_block(std::span<const prompt_part> parts, std::size_t number, char* out) {
  auto skip = number * block_bytes;
  std::size_t filled = 0;
  auto add = [&](std::string_view text) {
    if (skip >= text.size()) {
      skip -= text.size();
      return;
    }
    text.remove_prefix(std::exchange(skip, 0));
    auto size = std::min(text.size(), block_bytes - filled);
    std::memcpy(out + filled, text.data(), size);
    filled += size;
  };
  for (const auto& part : parts) {
    for (auto text : {part.role, std::string_view{&mark, 1}, part.text, std::string_view{&mark, 1}})
      add(text);
    if (filled == block_bytes) return;
  }
}

/// Without a character that was cut at its end.
void trim(std::string& text) {
  auto end = text.size();
  std::size_t following = 0;
  while (end > 0 && following < 3 && (static_cast<unsigned char>(text[end - 1]) & 0xc0) == 0x80) {
    --end;
    ++following;
  }
  if (end == 0) return;
  auto lead = static_cast<unsigned char>(text[end - 1]);
  std::size_t needed = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
  if (following < needed) text.resize(end - 1);
}

std::vector<prefix_memory::turn> turns_of(std::string_view bytes) {
  std::vector<prefix_memory::turn> turns;
  while (bytes.size() > 2 && bytes[1] == mark) {
    auto end = bytes.find(mark, 2);
    auto whole = end != std::string_view::npos;
    turns.push_back({bytes[0], std::string{bytes.substr(2, whole ? end - 2 : end)}});
    if (!whole) trim(turns.back().text);
    bytes.remove_prefix(whole ? end + 1 : bytes.size());
  }
  while (!turns.empty() && turns.back().text.empty()) turns.pop_back();
  return turns;
}

}  // namespace

prefix_memory::prefix_memory(const limits& bounds, std::uint64_t seed)
    : limits_{bounds},
      hasher_{seed},
      seed_{spread_bits(seed)},
      once_(std::max<std::size_t>(bounds.bytes_max / once_share / 4, 1)) {}

std::size_t prefix_memory::bytes() const {
  return nodes_.size() * (block_bytes + sizeof(node) + overhead_bytes) +
         roots_.size() * (sizeof(root) + overhead_bytes) + once_.size() * sizeof once_[0];
}

void prefix_memory::hit(count& hits, double now_s) const {
  hits.seen = hits.seen * std::exp(-std::max(now_s - hits.at_s, 0.0) / limits_.life_s) + 1;
  hits.at_s = now_s;
}

double prefix_memory::chance(const count& hits, std::size_t engines, double now_s) const {
  // Calls come as a Poisson process, spread over the engines.
  auto seen = hits.seen * std::exp(-std::max(now_s - hits.at_s, 0.0) / limits_.life_s);
  return 1 - std::exp(-seen / static_cast<double>(std::max<std::size_t>(engines, 1)));
}

bool prefix_memory::make_root(double now_s) {
  auto worst = roots_.end();
  for (auto at = roots_.begin(); at != roots_.end(); ++at) {
    if (at->second.blocks != 0) continue;
    if (worst == roots_.end() ||
        chance(at->second.hits, 1, now_s) < chance(worst->second.hits, 1, now_s))
      worst = at;
  }
  if (worst == roots_.end()) return false;
  roots_.erase(worst);
  return true;
}

bool prefix_memory::note_root(name id, const call& seen, double now_s) {
  auto found = roots_.find(id);
  if (found == roots_.end()) {
    if (roots_.size() >= limits_.roots_max && !make_root(now_s)) return false;
    found = roots_
                .emplace(id, root{.model = std::string{seen.model},
                                  .purpose = seen.purpose,
                                  .steps_max = seen.steps_max})
                .first;
  }
  found->second.head_tokens = seen.head_tokens;
  hit(found->second.hits, now_s);
  return true;
}

void prefix_memory::cut(const call& seen) {
  auto left = limits_.blocks_max * block_bytes;
  parts_.clear();
  for (const auto& part : seen.messages) {
    if (left == 0) break;
    parts_.push_back({part.role, part.text.substr(0, left)});
    left -= parts_.back().text.size();
  }
  hasher_.from_text(parts_, blocks_);
  if (blocks_.hashes.size() > limits_.blocks_max) blocks_.hashes.resize(limits_.blocks_max);
}

void prefix_memory::note(const call& seen, double now_s, std::vector<std::uint64_t>& chain) {
  chain.clear();
  auto id = std::hash<std::string_view>{}(seen.model) ^ seed_;
  id = spread_bits(spread_bits(id + seen.purpose) + seen.steps_max) | 1;
  if (!note_root(id, seen, now_s)) return;
  chain.push_back(id);
  cut(seen);
  std::size_t known = 0;
  for (auto block : blocks_.hashes) {
    auto named = block ^ id;
    auto before = chain.size() == 1 ? 0 : chain.back();
    chain.push_back(named);
    auto found = nodes_.find(named);
    if (found == nodes_.end()) {
      auto& tag = once_[named % once_.size()];
      auto again = tag == tag_of(named);
      tag = tag_of(named);
      // Behind one that is not kept nothing is.
      if (!again || known + 2 != chain.size()) continue;
      node made{.root = id, .before = before, .depth = static_cast<std::uint32_t>(known + 1)};
      made.hits = {.seen = 1, .at_s = now_s};
      found = nodes_.emplace(named, std::move(made)).first;
      found->second.text.reset(new char[block_bytes]);
      copy_block(parts_, known, found->second.text.get());
      found->second.place = order_.insert(order_.begin(), named);
      ++roots_.at(id).blocks;
    }
    hit(found->second.hits, now_s);
    ++known;
  }
  // From the last to the first, so that a prefix's end leaves before its beginning.
  for (auto i = known; i > 0; --i) order_.splice(order_.begin(), order_, nodes_.at(chain[i]).place);
  while (bytes() > limits_.bytes_max && !order_.empty()) {
    auto oldest = nodes_.find(order_.back());
    --roots_.at(oldest->second.root).blocks;
    nodes_.erase(oldest);
    order_.pop_back();
  }
}

std::vector<prefix_memory::candidate> prefix_memory::candidates(std::string_view model,
                                                                std::size_t engines,
                                                                double now_s) const {
  std::vector<candidate> all;
  auto consider = [&](name id, std::uint32_t depth, const count& hits) {
    auto expected = chance(hits, engines, now_s);
    if (expected >= limits_.chance_min) all.push_back({id, depth, expected});
  };
  for (const auto& [id, each] : roots_)
    if (each.model == model) consider(id, 0, each.hits);
  for (const auto& [id, each] : nodes_)
    if (roots_.at(each.root).model == model) consider(id, each.depth, each.hits);
  // A block costs what any other does, so the chance alone orders them. A beginning has been seen
  // whenever what follows it was, so it comes first.
  std::sort(all.begin(), all.end(), [](const candidate& a, const candidate& b) {
    if (a.chance != b.chance) return a.chance > b.chance;
    return a.depth != b.depth ? a.depth < b.depth : a.id < b.id;
  });
  return all;
}

std::vector<prefix_memory::prefix> prefix_memory::pick(std::string_view model,
                                                       std::uint64_t budget_tokens,
                                                       std::size_t engines, double now_s) const {
  std::vector<name> taken;
  std::unordered_set<name> is_taken;
  std::unordered_set<name> inner;
  auto left = budget_tokens;
  for (const auto& each : candidates(model, engines, now_s)) {
    auto first = each.depth == 0;
    auto cost = first ? roots_.at(each.id).head_tokens : prompt_hasher::block_tokens;
    if (cost > left) continue;
    if (!first) {
      const auto& in = nodes_.at(each.id);
      auto before = in.before == 0 ? in.root : in.before;
      if (!is_taken.contains(before)) continue;
      inner.insert(before);
    }
    left -= cost;
    taken.push_back(each.id);
    is_taken.insert(each.id);
  }
  std::vector<prefix> picked;
  std::unordered_set<name> claimed;
  for (auto leaf : taken) {
    if (inner.contains(leaf)) continue;
    std::vector<name> path;
    for (auto at = leaf; at != 0;) {
      path.push_back(at);
      auto in = nodes_.find(at);
      at = in == nodes_.end() ? 0 : in->second.before == 0 ? in->second.root : in->second.before;
    }
    std::size_t own = 0;
    while (own < path.size() && claimed.insert(path[own]).second) ++own;
    auto made = replay(path, own);
    if (made.tokens >= tokens_min) picked.push_back(std::move(made));
  }
  return picked;
}

std::optional<prefix_memory::prefix> prefix_memory::prefix_of(
    std::span<const std::uint64_t> chain) const {
  if (chain.empty() || !roots_.contains(chain[0])) return std::nullopt;
  std::vector<name> path{chain[0]};
  for (auto each : chain.subspan(1)) {
    if (!nodes_.contains(each)) break;
    path.push_back(each);
  }
  std::reverse(path.begin(), path.end());
  auto made = replay(path, path.size());
  if (made.tokens < tokens_min) return std::nullopt;
  return made;
}

prefix_memory::prefix prefix_memory::replay(const std::vector<name>& path, std::size_t own) const {
  const auto& from = roots_.at(path.back());
  prefix out{.purpose = from.purpose, .steps_max = from.steps_max};
  std::string bytes;
  for (auto i = path.size() - 1; i-- > 0;) bytes.append(nodes_.at(path[i]).text.get(), block_bytes);
  out.turns = turns_of(bytes);
  // Something has to follow the model's own words.
  if (out.turns.empty()) out.turns.push_back({'2', "."});
  out.mark = path[(own - 1) / 2];
  auto whole = own == path.size();
  out.tokens = (own - (whole ? 1 : 0)) * prompt_hasher::block_tokens;
  if (whole) out.tokens += from.head_tokens;
  return out;
}

}  // namespace tandem
