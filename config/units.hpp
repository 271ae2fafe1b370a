#pragma once

#include <chrono>
#include <cstddef>

namespace tandem {

/// Bounds of settings are given in these.
inline constexpr std::size_t kib = 1024;
inline constexpr std::size_t mib = 1024 * kib;
inline constexpr std::size_t gib = 1024 * mib;
inline constexpr auto day = std::chrono::hours{24};
inline constexpr auto year = 365 * day;

}  // namespace tandem
