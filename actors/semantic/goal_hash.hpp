#pragma once

#include <cstdint>
#include <string_view>

namespace tandem {

/// FNV-1a with a last mixing (splitmix64), so that all bits can be used. The same everywhere: what
/// is stored depends on it.
[[nodiscard]] constexpr std::uint64_t goal_hash(std::string_view text, std::uint64_t seed = 0) {
  std::uint64_t h = 14695981039346656037ULL ^ (seed * 0x9E3779B97F4A7C15ULL);
  for (char c : text) {
    h ^= static_cast<unsigned char>(c);
    h *= 1099511628211ULL;
  }
  h ^= h >> 30;
  h *= 0xBF58476D1CE4E5B9ULL;
  h ^= h >> 27;
  h *= 0x94D049BB133111EBULL;
  return h ^ (h >> 31);
}

}  // namespace tandem
