#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "schema/cache_item.hpp"

namespace tandem {

/// Somebody who wants an answer: a node's (or an actor's) number, and its own name for the request.
struct flight_waiter {
  std::uint64_t party = 0;
  std::uint64_t id = 0;
  friend auto operator<=>(const flight_waiter&, const flight_waiter&) = default;
};

enum class flight_role : std::uint8_t {
  /// Compute it, and say how it ended.
  lead,
  /// Somebody does: wait for complete(), a promotion, or one's own deadline.
  wait,
  /// The table is full: compute it, and tell nobody.
  alone,
};

/// The computation that was under way ended without an answer; this one who waited leads now.
struct flight_promotion {
  cache_key key;
  flight_waiter leader;
  /// Leaders that have gone before it.
  std::uint32_t failures = 0;
};

struct flight_completion {
  /// To be given the answer; not the one who brought it.
  std::vector<flight_waiter> answer;
  /// Among them, one who leads by now and need not go on.
  std::optional<flight_waiter> superseded;
};

/// What time, or the loss of a party, has changed.
struct flight_changes {
  /// Their own deadline has passed: to be told so. Leaders too.
  std::vector<std::pair<cache_key, flight_waiter>> expired;
  std::vector<flight_promotion> promoted;
  /// Computations that nobody waits for any more: to be cancelled.
  std::vector<std::pair<cache_key, flight_waiter>> cancelled;
};

struct flight_limits {
  std::size_t keys_max = 10'000;
  /// All keys together, leaders included.
  std::size_t waiters_max = 100'000;
};

/// One computation per key, however many ask. Each who asks keeps a deadline of their own (Unix
/// milliseconds); a leader whose computation fails, is lost, or outlives its own deadline is
/// followed by the waiter that has most time left. A leader that no longer wants the answer stays
/// responsible while others wait.
///
/// Late words of a leader that has been replaced change nothing, but an answer is an answer: it
/// ends the flight whoever brings it.
class flight_table {
 public:
  explicit flight_table(flight_limits limits = {});

  /// Who has joined before gets the same role again, and the new deadline.
  [[nodiscard]] flight_role join(const cache_key& key, flight_waiter who,
                                 std::uint64_t deadline_ms);
  [[nodiscard]] flight_completion complete(const cache_key& key, flight_waiter by);
  /// The leader's computation has failed: who leads now. Nothing: nobody waits, or `leader` is not
  /// the leader.
  [[nodiscard]] std::optional<flight_promotion> fail(const cache_key& key, flight_waiter leader);
  /// `who` no longer wants it. Returns the leader whose computation must be cancelled, since nobody
  /// waits any more; it may be `who`.
  [[nodiscard]] std::optional<flight_waiter> leave(const cache_key& key, flight_waiter who);
  [[nodiscard]] flight_changes expire(std::uint64_t now_ms);
  /// All of a node's waiters and leaderships at once; nothing of it is in `cancelled`.
  [[nodiscard]] flight_changes lose(std::uint64_t party);

  /// When expire() has something to do next.
  [[nodiscard]] std::optional<std::uint64_t> next_deadline() const;
  [[nodiscard]] std::size_t keys() const { return flights_.size(); }
  [[nodiscard]] std::size_t waiters() const { return waiters_; }

 private:
  struct flight {
    flight_waiter leader;
    std::uint64_t leader_deadline_ms = 0;
    /// The leader itself wants the answer.
    bool leader_waits = true;
    std::uint32_t failures = 0;
    std::map<flight_waiter, std::uint64_t> waiters;
    std::set<std::pair<std::uint64_t, flight_waiter>> by_deadline;
  };
  using party_of = std::pair<cache_key, flight_waiter>;
  using flights = std::map<cache_key, flight>;

  /// The leader is gone: the waiter with most time left follows, or the flight ends.
  [[nodiscard]] std::optional<flight_promotion> replace_leader(flights::iterator at);
  void remove_waiter(flights::iterator at, std::map<flight_waiter, std::uint64_t>::iterator who);
  void end_flight(flights::iterator at);
  /// Nobody wants the answer.
  [[nodiscard]] static bool is_idle(const flight& of) {
    return of.waiters.empty() && !of.leader_waits;
  }

  flight_limits limits_;
  flights flights_;
  std::size_t waiters_ = 0;
  /// Of all leaders and waiters.
  std::set<std::pair<std::uint64_t, party_of>> deadlines_;
};

}  // namespace tandem
