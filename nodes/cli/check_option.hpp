#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <caf/expected.hpp>

namespace tandem::cli {

inline constexpr std::size_t check_bytes_max = 64u << 10;

/// A verification; no kind: none.
struct check_choice {
  std::string kind;
  std::string argument;
};

/// `KIND` or `KIND=ARGUMENT`, or the argument from a file. `invalid_argument` says what is wrong
/// and how to write it; `not_found`: the file cannot be read.
[[nodiscard]] caf::expected<check_choice> read_check(const std::optional<std::string>& check,
                                                     const std::optional<std::string>& file);

}  // namespace tandem::cli
