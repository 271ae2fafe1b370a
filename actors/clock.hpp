#pragma once

#include <chrono>
#include <cstdint>

namespace tandem {

/// What a simulation's thread takes for the time (see actors/virtual_time); null everywhere else:
/// the machine's clocks.
inline constinit thread_local const std::chrono::steady_clock::time_point* virtual_now = nullptr;

/// Unix time of virtual time's beginning: 2026-01-01.
inline constexpr std::uint64_t virtual_epoch_ms = 1'767'225'600'000;

/// For measuring how long something took.
[[nodiscard]] inline std::chrono::steady_clock::time_point steady_now() {
  return virtual_now != nullptr ? *virtual_now : std::chrono::steady_clock::now();
}

/// Wall-clock time as records and messages carry it.
[[nodiscard]] inline std::uint64_t unix_ms() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  if (virtual_now != nullptr)
    return virtual_epoch_ms +
           static_cast<std::uint64_t>(
               duration_cast<milliseconds>(virtual_now->time_since_epoch()).count());
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

}  // namespace tandem
