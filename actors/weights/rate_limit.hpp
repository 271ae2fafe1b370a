#pragma once

#include <chrono>
#include <cstdint>

namespace tandem {

/// A token bucket that may go into debt: what is asked for passes as long as nothing is owed, and
/// is owed from then on, so that pieces of any size pass and the mean holds. Bytes a second; 0: no
/// limit. Not thread-safe.
class rate_limit {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// `burst`: what may pass at once after a rest.
  rate_limit(std::uint64_t bytes_per_s, std::uint64_t burst)
      : bytes_per_s_{bytes_per_s}, burst_{burst} {}

  /// False: not before ready_at().
  [[nodiscard]] bool take(std::uint64_t bytes, time_point now);
  /// What has passed already.
  void owe(std::uint64_t bytes, time_point now);
  [[nodiscard]] time_point ready_at() const { return ready_at_; }
  [[nodiscard]] bool is_limited() const { return bytes_per_s_ != 0; }

 private:
  [[nodiscard]] std::chrono::nanoseconds time_of(std::uint64_t bytes) const;

  std::uint64_t bytes_per_s_;
  std::uint64_t burst_;
  /// When nothing will be owed; never further back than a burst takes.
  time_point ready_at_{};
};

}  // namespace tandem
