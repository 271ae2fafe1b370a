#include "actors/warm_up/engine_warmer.hpp"

#include <algorithm>
#include <iterator>

#include "actors/router/engines/prompt_blocks.hpp"

namespace tandem {

engine_warmer::engine_warmer(const settings& how, std::uint64_t seed)
    : settings_{how}, memory_{how.memory, seed}, kinds_{how.kinds} {}

warm_budget& engine_warmer::budget_of(const std::string& model) {
  return budgets_.try_emplace(model, settings_.budget_tokens).first->second;
}

std::uint64_t engine_warmer::budget(std::string_view model) const {
  auto found = budgets_.find(model);
  return found == budgets_.end() ? settings_.budget_tokens : found->second.tokens();
}

std::size_t engine_warmer::engines_of(std::string_view model) const {
  return static_cast<std::size_t>(std::count_if(
      engines_.begin(), engines_.end(),
      [&](const auto& each) { return each.second.model == model && each.second.serves; }));
}

bool engine_warmer::begin(engine& on, double now_s) {
  on.cold = false;
  on.begun_s = now_s;
  auto picked = memory_.pick(on.model, budget_of(on.model).tokens(), engines_of(on.model), now_s);
  on.queue.assign(std::make_move_iterator(picked.begin()), std::make_move_iterator(picked.end()));
  return !on.queue.empty();
}

void engine_warmer::close(engine& on) {
  if (on.replayed.empty()) return;
  counts_.wasted += on.unused;
  budget_of(on.model).on_window(on.replayed.size() - on.unused, on.unused);
  on.replayed.clear();
  on.unused = 0;
}

bool engine_warmer::on_engine(const engine_news& news, double now_s) {
  if (is_off()) return false;
  auto found = engines_.find(news.name);
  if (found == engines_.end()) found = engines_.emplace(std::string{news.name}, engine{}).first;
  auto& on = found->second;
  if (on.life != news.life || on.model != news.model) {
    // What it had is gone before its time: neither used nor wasted.
    kinds_.forget_engine(news.name);
    on = engine{.model = std::string{news.model}, .life = std::string{news.life}, .cold = true};
  }
  on.serves = news.serves;
  if (!on.serves || on.under_way) return false;
  return on.cold ? begin(on, now_s) : !on.queue.empty();
}

bool engine_warmer::is_warming(std::string_view name) const {
  auto found = engines_.find(name);
  return found != engines_.end() && (found->second.under_way || !found->second.queue.empty());
}

void engine_warmer::on_gone(std::string_view name) {
  if (auto found = engines_.find(name); found != engines_.end()) engines_.erase(found);
}

const std::string* engine_warmer::idle_for(const call_kinds::follower& next, std::string_view busy,
                                           double now_s) const {
  const std::string* found = nullptr;
  for (const auto& [name, on] : engines_) {
    if (!on.serves || on.model != next.model) continue;
    auto read_s = kinds_.read_at(next.kind, name);
    if (read_s >= 0 && now_s - read_s < settings_.memory.life_s) return nullptr;
    if (on.cold || on.under_way || !on.queue.empty()) continue;
    if (found == nullptr || *found == busy) found = &name;
  }
  return found;
}

std::vector<std::string> engine_warmer::on_call(const call_kinds::call& seen, double now_s) {
  std::vector<std::string> begun;
  if (is_off() || !kinds_.note(seen, now_s)) return begun;
  for (const auto& next : kinds_.followers()) {
    const auto* name = idle_for(next, seen.engine, now_s);
    if (name == nullptr) continue;
    auto prefix = memory_.prefix_of(next.chain);
    auto& on = engines_.find(*name)->second;
    if (!prefix || prefix->tokens > budget_of(on.model).tokens()) continue;
    kinds_.set_read(next.kind, *name, now_s);
    on.begun_s = now_s;
    on.queue.push_back(std::move(*prefix));
    begun.push_back(*name);
  }
  return begun;
}

bool engine_warmer::warm_again(std::string_view name, double now_s) {
  auto found = engines_.find(name);
  if (is_off() || found == engines_.end()) return false;
  auto& on = found->second;
  if (!on.serves || on.under_way) return false;
  close(on);
  return begin(on, now_s);
}

std::optional<prefix_memory::prefix> engine_warmer::next(std::string_view name, double now_s) {
  auto found = engines_.find(name);
  if (found == engines_.end()) return std::nullopt;
  auto& on = found->second;
  if (now_s > on.begun_s + settings_.patience_s) on.queue.clear();
  if (on.under_way || !on.serves || on.queue.empty()) return std::nullopt;
  on.under_way = true;
  return on.queue.front();
}

void engine_warmer::on_reply(std::string_view name, std::string_view life, outcome how,
                             std::uint64_t tokens, double now_s) {
  counts_.tokens += tokens;
  auto found = engines_.find(name);
  if (found == engines_.end() || found->second.life != life) return;
  auto& on = found->second;
  on.under_way = false;
  if (how == outcome::busy || on.queue.empty()) return;
  auto mark = on.queue.front().mark;
  on.queue.pop_front();
  if (how != outcome::read) return;
  ++counts_.replayed;
  on.replayed_s = now_s;
  if (on.replayed.emplace(mark, false).second) ++on.unused;
}

std::vector<engine_warmer::awaited> engine_warmer::expected(
    std::string_view name, std::span<const std::uint64_t> chain) const {
  std::vector<awaited> replays;
  auto found = engines_.find(name);
  if (found == engines_.end() || found->second.unused == 0) return replays;
  const auto& replayed = found->second.replayed;
  for (std::size_t i = 0; i < chain.size(); ++i)
    if (auto at = replayed.find(chain[i]); at != replayed.end() && !at->second)
      replays.push_back({chain[i], i * prompt_hasher::block_tokens});
  return replays;
}

void engine_warmer::on_used(std::string_view name, std::span<const awaited> replays,
                            std::uint64_t cached_tokens) {
  auto found = engines_.find(name);
  if (found == engines_.end() || cached_tokens == 0) return;
  auto& on = found->second;
  for (const auto& each : replays) {
    auto at = on.replayed.find(each.mark);
    if (at == on.replayed.end() || at->second || 2 * cached_tokens < each.tokens) continue;
    at->second = true;
    --on.unused;
    ++counts_.used;
  }
}

void engine_warmer::expire(double now_s) {
  for (auto& [name, on] : engines_) {
    if (on.under_way) continue;
    if (now_s > on.begun_s + settings_.patience_s) on.queue.clear();
    if (on.queue.empty() && now_s > on.replayed_s + settings_.window_s) close(on);
  }
}

}  // namespace tandem
