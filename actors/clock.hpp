#pragma once

#include <chrono>
#include <cstdint>

namespace tandem {

/// Wall-clock time as records and messages carry it.
[[nodiscard]] inline std::uint64_t unix_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

}  // namespace tandem
