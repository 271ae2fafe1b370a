#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "actors/engine/admission/deficit_rounds.hpp"
#include "actors/fence.hpp"

namespace tandem {

/// Attempts that wait for room: higher priority first; within one priority tenants take turns by
/// tokens (deficit_rounds), so that each gets the same share whatever the others send; first come
/// first served within a tenant. Bounded; one tenant has three quarters of the places at most, so
/// it cannot fill it. All is O(log n). No clock: time is an argument.
template <class Value>
class fair_line {
 public:
  using clock = std::chrono::steady_clock;

  struct ticket {
    std::int8_t priority = 0;
    std::string_view tenant;
    fence_key fence;
    /// Estimated, read and written.
    std::uint64_t tokens = 1;
    /// After it nobody waits for it any more.
    clock::time_point deadline = clock::time_point::max();
  };
  enum class outcome : std::uint8_t { waits, full, tenant_full, twice };

  /// Whatever is estimated: nobody's turn is further away.
  static constexpr std::uint64_t tokens_max = 1u << 20;
  /// So few places are not divided.
  static constexpr std::size_t undivided_max = 16;

  explicit fair_line(std::size_t size_max = 0)
      : size_max_{size_max}, tenant_max_{std::max(size_max - size_max / 4, undivided_max)} {}

  /// `value` is moved from where it `waits`, and else left as it is.
  [[nodiscard]] outcome push(const ticket& of, Value&& value) {
    if (entries_.count(of.fence) != 0) return outcome::twice;
    if (entries_.size() >= size_max_) return outcome::full;
    std::string tenant{of.tenant};
    auto& held = held_[tenant];
    if (held >= tenant_max_) return outcome::tenant_full;
    ++held;
    auto& at = levels_[-of.priority];
    auto& line = at.lines[tenant];
    auto cost = std::clamp<std::uint64_t>(of.tokens, 1, tokens_max);
    if (line.empty()) at.rounds.join(tenant, cost);
    line.push_back({of.fence, cost});
    entries_.emplace(of.fence,
                     entry{std::move(value), -of.priority, std::move(tenant), std::prev(line.end()),
                           deadlines_.emplace(of.deadline, of.fence)});
    return outcome::waits;
  }

  /// Whose turn it is.
  [[nodiscard]] std::optional<Value> pop() {
    if (levels_.empty()) return std::nullopt;
    auto& first = levels_.begin()->second;
    auto fence = first.lines.at(first.rounds.next()).front().fence;
    return remove(entries_.find(fence), true);
  }

  [[nodiscard]] std::optional<Value> take(const fence_key& fence) {
    auto found = entries_.find(fence);
    if (found == entries_.end()) return std::nullopt;
    return remove(found, false);
  }

  /// One whose deadline is over, as long as there is any.
  [[nodiscard]] std::optional<Value> take_late(clock::time_point now) {
    if (deadlines_.empty() || deadlines_.begin()->first > now) return std::nullopt;
    return remove(entries_.find(deadlines_.begin()->second), false);
  }

  /// Nothing: none of them has one.
  [[nodiscard]] std::optional<clock::time_point> next_deadline() const {
    if (deadlines_.empty() || deadlines_.begin()->first == clock::time_point::max())
      return std::nullopt;
    return deadlines_.begin()->first;
  }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] std::size_t size_max() const { return size_max_; }

 private:
  struct place {
    fence_key fence;
    std::uint64_t cost = 0;
  };
  using line = std::list<place>;
  struct level {
    std::unordered_map<std::string, line> lines;
    deficit_rounds rounds;
  };
  struct entry {
    Value value;
    int level = 0;
    std::string tenant;
    typename line::iterator at;
    std::multimap<clock::time_point, fence_key>::iterator deadline;
  };
  using entries = std::unordered_map<fence_key, entry>;

  Value remove(typename entries::iterator found, bool begins) {
    auto of = std::move(found->second);
    entries_.erase(found);
    deadlines_.erase(of.deadline);
    if (auto held = held_.find(of.tenant); --held->second == 0) held_.erase(held);
    auto at_level = levels_.find(of.level);
    auto& at = at_level->second;
    auto lines = at.lines.find(of.tenant);
    auto was_first = lines->second.begin() == of.at;
    lines->second.erase(of.at);
    if (was_first) {
      std::optional<std::uint64_t> next;
      if (!lines->second.empty()) next = lines->second.front().cost;
      if (begins)
        at.rounds.served(next);
      else
        at.rounds.left(of.tenant, next);
    }
    if (lines->second.empty()) at.lines.erase(lines);
    if (at.lines.empty()) levels_.erase(at_level);
    return std::move(of.value);
  }

  std::size_t size_max_;
  std::size_t tenant_max_;
  std::map<int, level> levels_;
  entries entries_;
  std::unordered_map<std::string, std::size_t> held_;
  std::multimap<clock::time_point, fence_key> deadlines_;
};

}  // namespace tandem
