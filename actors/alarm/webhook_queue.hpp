#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "actors/alarm/alarm_book.hpp"
#include "actors/alarm/alarm_rules.hpp"

namespace tandem {

/// An alarm that has begun, or (`until_ms` not 0) ended.
struct alarm_news {
  alarm what;
  std::uint64_t until_ms = 0;
};

/// What Alertmanager sends to a webhook (its format's version 4; see "webhook_config" in
/// Prometheus' documentation), as JSON. Of one status: Alertmanager's messages are `firing` while
/// one of their alerts is. `news` is not empty.
[[nodiscard]] std::string webhook_body(std::string_view node, const std::vector<alarm_news>& news);

/// What a webhook is still to be told, in order. Bounded: the oldest are dropped, and counted.
class webhook_queue {
 public:
  static constexpr std::size_t waiting_max = 256;
  static constexpr std::size_t batch_max = 64;
  static constexpr std::chrono::milliseconds pause_min{1000};
  static constexpr std::chrono::milliseconds pause_max{60'000};

  void push(const alarm_changes& changes);
  /// What goes next, empty: nothing is to be sent now. From here on it is under way until on_end().
  [[nodiscard]] std::vector<alarm_news> begin();

  enum class outcome : std::uint8_t { taken, again, refused };
  /// Taken: HTTP 2xx. Again: no answer, 429 or 5xx. Refused: any other status, the same would be
  /// refused again.
  [[nodiscard]] static outcome outcome_of(int status);
  /// How long to wait before resume(); until then begin() has nothing. After `again` what was under
  /// way comes first.
  [[nodiscard]] std::chrono::milliseconds on_end(outcome how);
  void resume() { busy_ = false; }

  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  std::deque<alarm_news> waiting_;
  /// At the front of `waiting_`; 0: nothing is.
  std::size_t under_way_ = 0;
  /// Something is under way, or has failed a moment ago.
  bool busy_ = false;
  std::uint32_t failures_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace tandem
