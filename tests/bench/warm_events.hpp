#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <vector>

#include "actors/router/engines/engine_chooser.hpp"

namespace tandem::bench {

enum class warm_event_kind { ended, leaves, changes, loaded, admitted, replayed, asks_again };

struct warm_event {
  double at_s = 0;
  warm_event_kind kind{};
  std::uint32_t engine = 0;
  /// Of `ended` the engine's life, of `replayed` the number of the replay.
  std::uint64_t stamp = 0;
  /// Of `ended`.
  std::uint64_t call = 0;
  engine_chooser::outcome outcome = {};
  /// What was added first comes first.
  std::uint64_t order = 0;

  bool operator>(const warm_event& other) const {
    return at_s != other.at_s ? at_s > other.at_s : order > other.order;
  }
};

/// What is to come in virtual time, soonest first.
class warm_events {
 public:
  void add(warm_event one) {
    one.order = ++order_;
    queue_.push(one);
  }
  /// The next one that is due by then.
  [[nodiscard]] std::optional<warm_event> take(double now_s) {
    if (queue_.empty() || queue_.top().at_s > now_s) return std::nullopt;
    auto due = queue_.top();
    queue_.pop();
    return due;
  }
  /// Another engine begins to serve at that very time.
  [[nodiscard]] bool admits_next(double now_s) const {
    return !queue_.empty() && queue_.top().at_s <= now_s &&
           (queue_.top().kind == warm_event_kind::admitted ||
            queue_.top().kind == warm_event_kind::loaded);
  }

 private:
  std::priority_queue<warm_event, std::vector<warm_event>, std::greater<>> queue_;
  std::uint64_t order_ = 0;
};

}  // namespace tandem::bench
