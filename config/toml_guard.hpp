#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tandem {

inline constexpr std::size_t toml_key_parts_max = 16;

/// toml++ bounds how deep arrays and inline tables nest, but each part of a dotted key makes a
/// table of its own, and its recursion overflows the stack at some hundred thousand. Returns the
/// line of the first key with more than 16 parts, or 0.
[[nodiscard]] std::size_t find_deep_key(std::string_view text);

}  // namespace tandem
