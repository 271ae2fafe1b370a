#include "actors/router/engines/engine_fleet.hpp"

#include <algorithm>

namespace tandem {

void engine_fleet::reset(engine_slot slot) {
  auto life = engines_[slot].life + 1;
  engines_[slot] = engine{};
  engines_[slot].life = life;
  rates_[slot].reset();
  unreported_[slot].clear();
}

void engine_fleet::restart(engine_slot slot) {
  ++engines_[slot].life;
  rates_[slot].reset();
  take_rates(slot);
}

void engine_fleet::learn(engine_slot slot, const engine_rates::call& done) {
  rates_[slot].learn(done);
  take_rates(slot);
}

void engine_fleet::take_rates(engine_slot slot) {
  const auto& rates = rates_[slot];
  auto& e = engines_[slot];
  e.token_s = 1 / rates.prefill();
  e.call_s = rates.call_s();
  e.trust = rates.trust();
}

void engine_fleet::assign(engine_slot slot, double tokens, double now_s) {
  auto& e = engines_[slot];
  e.free_at_s = std::max(e.free_at_s, now_s) + tokens * e.token_s;
  ++e.own;
  auto& since = unreported_[slot];
  if (since.size() == unreported_max) since.erase(since.begin());
  since.push_back({now_s, tokens});
}

void engine_fleet::finish(engine_slot slot, double now_s) {
  auto& e = engines_[slot];
  if (e.own == 0) return;
  --e.own;
  // Whatever was estimated: it has nothing to do.
  if (e.in_flight() == 0) e.free_at_s = std::min(e.free_at_s, now_s);
}

void engine_fleet::on_report(engine_slot slot, const report& said, double now_s) {
  auto& e = engines_[slot];
  auto& since = unreported_[slot];
  std::erase_if(since, [&](const sent& call) { return call.at_s <= said.as_of_s; });
  e.free_at_s = std::min(said.as_of_s, now_s) + std::max(said.backlog_tokens, 0.0) * e.token_s;
  for (const auto& call : since)
    e.free_at_s = std::max(e.free_at_s, call.at_s) + call.tokens * e.token_s;
  auto own_counted =
      e.own - std::min<std::uint32_t>(e.own, static_cast<std::uint32_t>(since.size()));
  e.others = said.in_flight - std::min(said.in_flight, own_counted);
}

}  // namespace tandem
