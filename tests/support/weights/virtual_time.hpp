#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace tandem::testing {

/// Time that passes from one event to the next. Events of one time happen in the order in which
/// they were asked for.
class virtual_time {
 public:
  using us = std::chrono::microseconds;
  using deed = std::function<void()>;

  [[nodiscard]] us now() const { return now_; }
  [[nodiscard]] std::uint64_t now_ms() const {
    return static_cast<std::uint64_t>(now_.count()) / 1000;
  }
  /// As the engine's own classes count it.
  [[nodiscard]] std::chrono::steady_clock::time_point clock() const {
    return std::chrono::steady_clock::time_point{now_};
  }

  void at(us when, deed what) {
    events_.push_back({std::max(when, now_), ++numbers_, std::move(what)});
    std::push_heap(events_.begin(), events_.end());
  }
  void after(us pause, deed what) { at(now_ + pause, std::move(what)); }

  /// False: nothing is to come.
  bool step() {
    if (events_.empty()) return false;
    std::pop_heap(events_.begin(), events_.end());
    auto next = std::move(events_.back());
    events_.pop_back();
    now_ = next.when;
    next.what();
    return true;
  }
  void run_until(us when) {
    while (!events_.empty() && events_.front().when <= when) step();
    now_ = std::max(now_, when);
  }

 private:
  struct event {
    us when;
    std::uint64_t number;
    deed what;

    bool operator<(const event& other) const {
      return when != other.when ? when > other.when : number > other.number;
    }
  };

  // Not the epoch: zero means "never" to those who keep times.
  us now_{std::chrono::seconds{1000}};
  std::uint64_t numbers_ = 0;
  std::vector<event> events_;
};

}  // namespace tandem::testing
