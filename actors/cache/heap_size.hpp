#pragma once

#include <algorithm>
#include <cstddef>

#include "schema/message.hpp"

namespace tandem {

/// What glibc's malloc takes for a block of `size` bytes: its header of 8, multiples of 16, at
/// least 32; from 128 KiB on whole pages.
[[nodiscard]] constexpr std::size_t heap_size(std::size_t size) {
  constexpr std::size_t header = 8, step = 16, least = 32;
  constexpr std::size_t mapped_from = std::size_t{128} << 10, page = 4096;
  if (size >= mapped_from) return (size + 2 * header + page - 1) / page * page;
  return std::max((size + header + step - 1) / step * step, least);
}

/// The same for a message: its words and libstdc++'s counters lie in one block.
[[nodiscard]] inline std::size_t heap_size(const message_words& words) {
  constexpr std::size_t counters = 40;
  return words.empty() ? 0 : heap_size(counters + words.bytes().size());
}

}  // namespace tandem
