#include "actors/cache/flight_table.hpp"

#include <iterator>

namespace tandem {

flight_table::flight_table(flight_limits limits) : limits_(limits) {}

flight_role flight_table::join(const cache_key& key, flight_waiter who, std::uint64_t deadline_ms) {
  const auto at = flights_.find(key);
  const bool is_full = waiters_ >= limits_.waiters_max;
  if (at == flights_.end()) {
    if (is_full || flights_.size() >= limits_.keys_max) return flight_role::alone;
    auto& made = flights_[key];
    made.leader = who;
    made.leader_deadline_ms = deadline_ms;
    deadlines_.emplace(deadline_ms, party_of{key, who});
    ++waiters_;
    return flight_role::lead;
  }
  auto& f = at->second;
  if (f.leader == who) {
    deadlines_.erase({f.leader_deadline_ms, {key, who}});
    deadlines_.emplace(deadline_ms, party_of{key, who});
    f.leader_deadline_ms = deadline_ms;
    f.leader_waits = true;
    return flight_role::lead;
  }
  if (const auto waiter = f.waiters.find(who); waiter != f.waiters.end()) {
    remove_waiter(at, waiter);
  } else if (is_full) {
    return flight_role::alone;
  }
  f.waiters.emplace(who, deadline_ms);
  f.by_deadline.emplace(deadline_ms, who);
  deadlines_.emplace(deadline_ms, party_of{key, who});
  ++waiters_;
  return flight_role::wait;
}

void flight_table::remove_waiter(flights::iterator at,
                                 std::map<flight_waiter, std::uint64_t>::iterator who) {
  deadlines_.erase({who->second, {at->first, who->first}});
  at->second.by_deadline.erase({who->second, who->first});
  at->second.waiters.erase(who);
  --waiters_;
}

void flight_table::end_flight(flights::iterator at) {
  auto& f = at->second;
  while (!f.waiters.empty()) remove_waiter(at, f.waiters.begin());
  deadlines_.erase({f.leader_deadline_ms, {at->first, f.leader}});
  --waiters_;
  flights_.erase(at);
}

std::optional<flight_promotion> flight_table::replace_leader(flights::iterator at) {
  auto& f = at->second;
  if (f.waiters.empty()) {
    end_flight(at);
    return std::nullopt;
  }
  deadlines_.erase({f.leader_deadline_ms, {at->first, f.leader}});
  --waiters_;
  const auto next = std::prev(f.by_deadline.end());
  f.leader_deadline_ms = next->first;
  f.leader = next->second;
  f.leader_waits = true;
  f.waiters.erase(next->second);
  f.by_deadline.erase(next);
  return flight_promotion{at->first, f.leader, ++f.failures};
}

flight_completion flight_table::complete(const cache_key& key, flight_waiter by) {
  flight_completion result;
  const auto at = flights_.find(key);
  if (at == flights_.end()) return result;
  auto& f = at->second;
  for (const auto& [who, deadline] : f.waiters)
    if (who != by) result.answer.push_back(who);
  if (f.leader != by) {
    if (f.leader_waits) result.answer.push_back(f.leader);
    result.superseded = f.leader;
  }
  end_flight(at);
  return result;
}

std::optional<flight_promotion> flight_table::fail(const cache_key& key, flight_waiter leader) {
  const auto at = flights_.find(key);
  if (at == flights_.end() || at->second.leader != leader) return std::nullopt;
  return replace_leader(at);
}

std::optional<flight_waiter> flight_table::leave(const cache_key& key, flight_waiter who) {
  const auto at = flights_.find(key);
  if (at == flights_.end()) return std::nullopt;
  auto& f = at->second;
  if (f.leader == who) {
    f.leader_waits = false;
  } else if (const auto waiter = f.waiters.find(who); waiter != f.waiters.end()) {
    remove_waiter(at, waiter);
  }
  if (!is_idle(f)) return std::nullopt;
  const auto leader = f.leader;
  end_flight(at);
  return leader;
}

flight_changes flight_table::expire(std::uint64_t now_ms) {
  flight_changes changes;
  std::vector<party_of> leaders;
  // Waiters first, so that nobody is promoted whose own time is over.
  while (!deadlines_.empty() && deadlines_.begin()->first <= now_ms) {
    const auto due = deadlines_.begin()->second;
    const auto at = flights_.find(due.first);
    if (at->second.leader == due.second) {
      leaders.push_back(due);
      deadlines_.erase(deadlines_.begin());
      continue;
    }
    remove_waiter(at, at->second.waiters.find(due.second));
    changes.expired.push_back(due);
    if (!is_idle(at->second)) continue;
    changes.cancelled.emplace_back(due.first, at->second.leader);
    end_flight(at);
  }
  for (const auto& due : leaders) {
    const auto at = flights_.find(due.first);
    if (at == flights_.end() || at->second.leader != due.second) continue;
    if (at->second.leader_waits) changes.expired.push_back(due);
    if (const auto next = replace_leader(at)) changes.promoted.push_back(*next);
  }
  return changes;
}

flight_changes flight_table::lose(std::uint64_t party) {
  flight_changes changes;
  for (auto next = flights_.begin(); next != flights_.end();) {
    const auto at = next++;
    auto& f = at->second;
    for (auto who = f.waiters.lower_bound({party, 0});
         who != f.waiters.end() && who->first.party == party;)
      remove_waiter(at, who++);
    if (f.leader.party == party) {
      if (const auto promoted = replace_leader(at)) changes.promoted.push_back(*promoted);
    } else if (is_idle(f)) {
      changes.cancelled.emplace_back(at->first, f.leader);
      end_flight(at);
    }
  }
  return changes;
}

std::optional<std::uint64_t> flight_table::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

}  // namespace tandem
