#include "actors/router/engines/prefix_index.hpp"

#include <algorithm>
#include <bit>

#include "actors/router/engines/prompt_blocks.hpp"

namespace tandem {
namespace {

/// Beyond it a chain is cut: what is asked that deep has been found by what is above.
constexpr std::size_t chain_max = prompt_hasher::blocks_max;
/// Of all memory, for blocks that many engines have.
/// Blocks whose place in memory is asked for before they are needed.
constexpr std::size_t ahead = 8;
constexpr std::size_t bitmap_share = 16;
/// Engines whose oldest block is looked at when one has to leave.
constexpr std::size_t looked_at = 8;
/// That leave for one that comes, where the index is full.
constexpr std::size_t leave_at_once = 16;
constexpr std::size_t pairs_min = 2 * chain_max;
/// What the allocator adds to each of the arrays, at the most, with the object itself.
constexpr std::size_t other_bytes = 24 * 1024;

bool is_before(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) < 0;
}

/// Whatever the number of pairs is.
std::size_t fixed_bytes(std::uint32_t engines_max) {
  return other_bytes + chain_max * sizeof(std::uint32_t) + std::size_t{engines_max} * 36;
}

std::size_t pair_bytes(std::size_t pairs, std::size_t size) {
  return pairs * size + slot_table::bytes(slot_table::slots_for(pairs)) +
         block_engines::bytes(pairs, 0, 0);
}

}  // namespace

std::size_t prefix_index::bytes_min(std::uint32_t engines_max) {
  return fixed_bytes(engines_max) + pair_bytes(pairs_min, sizeof(pair)) * 17 / 16 + 4096;
}

prefix_index::sizes prefix_index::divide(const limits& bounds) {
  auto bytes = std::max(bounds.bytes_max, bytes_min(bounds.engines_max));
  auto left = bytes - fixed_bytes(bounds.engines_max);
  auto bitmap = (std::size_t{bounds.engines_max} + 63) / 64 * sizeof(std::uint64_t);
  sizes room;
  room.bitmaps = left / bitmap_share / bitmap;
  left -= room.bitmaps * bitmap;
  // A block of its own for each pair: more are never needed.
  room.pairs =
      std::min<std::size_t>(left / (pair_bytes(1'000, sizeof(pair)) / 1'000 + 1), UINT32_MAX / 2);
  room.bytes = fixed_bytes(bounds.engines_max) + room.bitmaps * bitmap +
               pair_bytes(room.pairs, sizeof(pair));
  return room;
}

prefix_index::prefix_index(const limits& bounds) : prefix_index{bounds, divide(bounds)} {}

prefix_index::prefix_index(const limits& bounds, const sizes& room)
    : bytes_{room.bytes},
      pairs_max_{room.pairs},
      blocks_{room.pairs, room.bitmaps, bounds.engines_max},
      table_{slot_table::slots_for(room.pairs)},
      pairs_{room.pairs},
      engines_(bounds.engines_max),
      alive_(blocks_.words()) {
  few_.reserve(std::size_t{64} * blocks_.words());
  found_.reserve(bounds.engines_max);
  had_.reserve(chain_max);
}

void prefix_index::set_capacity(engine_slot engine, std::uint32_t blocks) {
  auto& order = engines_[engine];
  order.capacity = blocks;
  while (blocks != 0 && order.count > blocks) remove(order.oldest - 1);
}

std::uint64_t prefix_index::hash_of(std::uint32_t block, engine_slot engine) {
  return spread_bits(std::uint64_t{block} << 16 | engine);
}

std::uint32_t prefix_index::find_pair(std::uint32_t block, engine_slot engine) const {
  return table_.find(hash_of(block, engine), [&](auto number) {
    return pairs_[number].block == block && pairs_[number].engine == engine;
  });
}

std::span<const prefix_index::match> prefix_index::find(std::span<const std::uint64_t> chain) {
  found_.clear();
  chain = chain.first(std::min(chain.size(), chain_max));
  if (chain.empty()) return {};
  auto block = blocks_.find(chain[0]);
  if (block == none) return {};
  if (blocks_.bits(block).empty()) {
    auto all = blocks_.few(block);
    few_.assign(all.begin(), all.end());
    find_among_few(chain, 1);
  } else {
    find_among_many(chain, block);
  }
  return found_;
}

void prefix_index::emit_lost(std::size_t word, std::uint64_t lost, std::uint32_t depth) {
  for (; lost != 0; lost &= lost - 1)
    found_.push_back({static_cast<engine_slot>(word * 64 + std::countr_zero(lost)), depth});
}

void prefix_index::find_among_many(std::span<const std::uint64_t> chain, std::uint32_t block) {
  auto first = blocks_.bits(block);
  std::copy(first.begin(), first.end(), alive_.begin());
  for (std::size_t depth = 1;; ++depth) {
    auto next = depth == chain.size() ? none : blocks_.find(chain[depth]);
    auto bits = next == none ? std::span<const std::uint64_t>{} : blocks_.bits(next);
    auto all = static_cast<std::uint32_t>(depth);
    if (!bits.empty()) {
      for (std::size_t w = 0; w < alive_.size(); ++w) {
        if (auto lost = alive_[w] & ~bits[w]; lost != 0) emit_lost(w, lost, all);
        alive_[w] &= bits[w];
      }
      continue;
    }
    few_.clear();
    if (next != none)
      for (auto engine : blocks_.few(next)) {
        auto& word = alive_[engine / 64];
        auto bit = std::uint64_t{1} << engine % 64;
        if ((word & bit) == 0) continue;
        word &= ~bit;
        few_.push_back(engine);
      }
    for (std::size_t w = 0; w < alive_.size(); ++w)
      if (alive_[w] != 0) emit_lost(w, alive_[w], all);
    if (!few_.empty()) find_among_few(chain, depth + 1);
    return;
  }
}

void prefix_index::find_among_few(std::span<const std::uint64_t> chain, std::size_t depth) {
  for (; depth < chain.size() && !few_.empty(); ++depth) {
    auto block = blocks_.find(chain[depth]);
    if (block == none) break;
    std::erase_if(few_, [&](auto engine) {
      if (blocks_.has(block, engine)) return false;
      found_.push_back({engine, static_cast<std::uint32_t>(depth)});
      return true;
    });
  }
  for (auto engine : few_) found_.push_back({engine, static_cast<std::uint32_t>(depth)});
}

void prefix_index::append(pair& p, std::uint32_t number) {
  auto& order = engines_[p.engine];
  p.used = now_;
  p.newer = 0;
  p.older = order.newest;
  if (order.newest != 0) {
    pairs_[order.newest - 1].newer = number + 1;
  } else {
    order.oldest = number + 1;
    order.oldest_used = now_;
  }
  order.newest = number + 1;
}

void prefix_index::unlink(const pair& p) {
  auto& order = engines_[p.engine];
  if (p.older != 0) {
    pairs_[p.older - 1].newer = p.newer;
  } else {
    order.oldest = p.newer;
    if (p.newer != 0) order.oldest_used = pairs_[p.newer - 1].used;
  }
  (p.newer != 0 ? pairs_[p.newer - 1].older : order.newest) = p.older;
}

void prefix_index::remove(std::uint32_t number) {
  auto& p = pairs_[number];
  unlink(p);
  --engines_[p.engine].count;
  table_.erase(hash_of(p.block, p.engine), number);
  blocks_.erase(p.block, p.engine);
  p.older = free_;
  free_ = number + 1;
  --used_;
}

bool prefix_index::make_room(engine_slot engine) {
  auto& order = engines_[engine];
  if (order.capacity != 0 && order.count >= order.capacity) {
    remove(order.oldest - 1);
    return true;
  }
  if (used_ < pairs_max_) return true;
  const engine_order* idlest = nullptr;
  std::size_t seen = 0;
  for (std::size_t i = 0; i < engines_top_ && seen < looked_at; ++i) {
    hand_ = hand_ + 1 >= engines_top_ ? 0 : hand_ + 1;
    const auto& each = engines_[hand_];
    // What is being learned now stays.
    if (each.oldest == 0 || each.oldest_used == now_) continue;
    ++seen;
    if (idlest == nullptr || is_before(each.oldest_used, idlest->oldest_used)) idlest = &each;
  }
  if (idlest == nullptr) return false;
  // Several at once: what was learned together lies together.
  for (std::size_t i = 0; i < leave_at_once && idlest->oldest != 0; ++i) {
    if (idlest->oldest_used == now_) break;
    remove(idlest->oldest - 1);
    ++crowded_out_;
  }
  return true;
}

bool prefix_index::add(engine_slot engine, std::uint64_t hash) {
  if (!make_room(engine)) return false;
  auto block = blocks_.find(hash);
  if (block == none) block = blocks_.add(hash);
  if (!blocks_.insert(block, engine)) return false;
  auto number = free_ != 0 ? free_ - 1 : touched_++;
  auto& p = pairs_[number];
  if (free_ != 0) free_ = p.older;
  p.block = block;
  p.engine = engine;
  table_.insert(hash_of(block, engine), number);
  append(p, number);
  ++engines_[engine].count;
  ++used_;
  return true;
}

prefix_index::stamp prefix_index::learn(engine_slot engine, std::span<const std::uint64_t> chain) {
  ++now_;
  engines_top_ = std::max<std::size_t>(engines_top_, engine + std::size_t{1});
  auto most = engines_[engine].capacity;
  auto size =
      std::min(chain.size(), most == 0 ? chain_max : std::min<std::size_t>(most, chain_max));
  chain = chain.first(size);
  had_.clear();
  for (std::size_t i = 0; i < chain.size(); ++i) {
    blocks_.prefetch(chain[std::min(i + ahead, chain.size() - 1)]);
    auto block = blocks_.find(chain[i]);
    auto number = block == none ? none : find_pair(block, engine);
    if (number == none) break;
    had_.push_back(number);
  }
  auto before = had_.empty() ? now_ : pairs_[had_.back()].used;
  auto touch = [this](std::uint32_t number) {
    unlink(pairs_[number]);
    append(pairs_[number], number);
  };
  // Leaves first, as engines do it: what is used by more stays longer. What it has goes twice, so
  // that it does not leave while the rest comes.
  for (auto i = had_.size(); i-- > 0;) touch(had_[i]);
  for (auto i = chain.size(); i-- > had_.size();) {
    blocks_.prefetch(chain[i - std::min(i, ahead)]);
    auto block = blocks_.find(chain[i]);
    auto number = block == none ? none : find_pair(block, engine);
    if (number != none)
      touch(number);
    else if (!add(engine, chain[i]))
      break;
  }
  for (auto i = had_.size(); i-- > 0;) touch(had_[i]);
  return before;
}

void prefix_index::forget_until(engine_slot engine, stamp then) {
  auto& order = engines_[engine];
  while (order.oldest != 0 && !is_before(then, pairs_[order.oldest - 1].used))
    remove(order.oldest - 1);
}

void prefix_index::forget(engine_slot engine) {
  auto& order = engines_[engine];
  while (order.oldest != 0) remove(order.oldest - 1);
  order.capacity = 0;
}

}  // namespace tandem
