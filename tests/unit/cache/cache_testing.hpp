#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "schema/cache_item.hpp"

namespace tandem::test {

/// Well spread, as real keys are.
inline cache_key key_of(std::uint64_t n) {
  cache_key key;
  std::uint64_t x = n;
  for (std::size_t i = 0; i < key.bytes.size(); i += sizeof x) {
    x += 0x9E3779B97F4A7C15;
    auto y = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    y = (y ^ (y >> 27)) * 0x94D049BB133111EB;
    y ^= y >> 31;
    std::memcpy(key.bytes.data() + i, &y, sizeof y);
  }
  return key;
}

/// `bytes`: a multiple of 8. Every word is `mark`.
inline message_words words_of(std::size_t bytes, std::uint64_t mark = 0) {
  auto words = std::make_shared_for_overwrite<capnp::word[]>(bytes / sizeof(capnp::word));
  for (std::size_t i = 0; i < bytes; i += sizeof mark)
    std::memcpy(reinterpret_cast<char*>(words.get()) + i, &mark, sizeof mark);
  return {std::move(words), bytes / sizeof(capnp::word)};
}

inline constexpr std::uint64_t never = ~std::uint64_t{0};

inline cache_item item_of(std::size_t bytes, std::uint64_t mark = 0, std::uint64_t created_ms = 0,
                          std::uint64_t expires_ms = never) {
  return {words_of(bytes, mark), created_ms, expires_ms, 1000};
}

inline std::uint64_t mark_of(const cache_item& item) {
  std::uint64_t mark = 0;
  std::memcpy(&mark, item.value.bytes().data(), sizeof mark);
  return mark;
}

}  // namespace tandem::test
