#pragma once

#include <chrono>
#include <cstddef>

namespace tandem {

/// How fast an engine gets through its calls, from the latest ones: what Retry-After is computed
/// from, and whether a call can begin before its time is over. An estimate; no clock.
class service_pace {
 public:
  /// A call ended well after so long at work.
  void on_done(std::chrono::steady_clock::duration took) {
    auto seconds = std::chrono::duration<double>(took).count();
    if (seconds < 0) return;
    seconds_ = calls_ == 0 ? seconds : seconds_ + step * (seconds - seconds_);
    ++calls_;
  }

  /// Until a call begins that has `ahead` before it, where `places` are at work at once; 0: nothing
  /// was measured yet.
  [[nodiscard]] std::chrono::milliseconds wait_behind(std::size_t ahead, std::size_t places) const {
    if (calls_ == 0 || places == 0) return std::chrono::milliseconds{0};
    auto seconds = static_cast<double>(ahead + 1) * seconds_ / static_cast<double>(places);
    return std::chrono::ceil<std::chrono::milliseconds>(
        std::chrono::duration<double>(seconds < wait_max ? seconds : wait_max));
  }

 private:
  static constexpr double step = 0.1;
  /// Nothing that is told is longer: a day.
  static constexpr double wait_max = 86'400;

  double seconds_ = 0;
  std::size_t calls_ = 0;
};

}  // namespace tandem
