#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <caf/expected.hpp>

namespace tandem::cli {

/// Of a file or stdin.
inline constexpr std::size_t goal_bytes_max = 16u << 20;

/// The goal from the command line's words (joined by spaces; a single `-` is stdin) or from `file`.
/// Line ends at its end are dropped. Errors, all before anybody is asked: `invalid_argument` (none
/// or two sources, empty, no UTF-8 text, too large), `not_found` (the file cannot be read).
[[nodiscard]] caf::expected<std::string> read_goal(const std::vector<std::string>& words,
                                                   const std::optional<std::string>& file,
                                                   int stdin_fd = 0);

}  // namespace tandem::cli
