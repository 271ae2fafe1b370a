#include "actors/engine/admission/deficit_rounds.hpp"

namespace tandem {
namespace {

std::uint64_t rounds_for(std::uint64_t tokens) {
  return (tokens + deficit_rounds::quantum - 1) / deficit_rounds::quantum;
}

}  // namespace

void deficit_rounds::join(std::string_view who, std::uint64_t cost) {
  auto at = slots_.try_emplace(std::string{who}).first;
  // At the end of the round under way, which is its first.
  auto rounds = rounds_for(cost);
  at->second = {turns_++, cost, round_ + rounds - (rounds == 0 ? 0 : 1), rounds * quantum};
  order_.emplace(at->second.round, at->second.turn, &at->first);
}

void deficit_rounds::served(std::optional<std::uint64_t> cost) {
  auto at = slots_.find(next());
  round_ = at->second.round;
  order_.erase(order_.begin());
  at->second.tokens -= at->second.cost;
  go_on(at, cost);
}

void deficit_rounds::left(std::string_view who, std::optional<std::uint64_t> cost) {
  auto at = slots_.find(std::string{who});
  if (at == slots_.end()) return;
  auto& of = at->second;
  order_.erase({of.round, of.turn, &at->first});
  // What it would have got in the rounds to come.
  of.tokens -= (of.round - round_) * quantum;
  go_on(at, cost);
}

void deficit_rounds::go_on(slots::iterator at, std::optional<std::uint64_t> cost) {
  if (!cost) {
    slots_.erase(at);
    return;
  }
  auto& of = at->second;
  auto rounds = *cost <= of.tokens ? 0 : rounds_for(*cost - of.tokens);
  of.cost = *cost;
  of.round = round_ + rounds;
  of.tokens += rounds * quantum;
  order_.emplace(of.round, of.turn, &at->first);
}

}  // namespace tandem
