#include "actors/weights/rate_limit.hpp"

#include <algorithm>

namespace tandem {

bool rate_limit::take(std::uint64_t bytes, time_point now) {
  if (!is_limited()) return true;
  if (ready_at_ > now) return false;
  owe(bytes, now);
  return true;
}

void rate_limit::owe(std::uint64_t bytes, time_point now) {
  if (is_limited()) ready_at_ = std::max(ready_at_, now - time_of(burst_)) + time_of(bytes);
}

std::chrono::nanoseconds rate_limit::time_of(std::uint64_t bytes) const {
  auto seconds = static_cast<double>(bytes) / static_cast<double>(bytes_per_s_);
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>{seconds});
}

}  // namespace tandem
