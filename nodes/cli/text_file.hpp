#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <caf/expected.hpp>

namespace tandem::cli {

/// All of an open file, named `name` in errors. `what` is being read: `the goal`.
/// `invalid_argument`: it is larger than `bytes_max`; `not_found`: it cannot be read.
[[nodiscard]] caf::expected<std::string> read_all(int fd, const std::string& name,
                                                  std::size_t bytes_max, std::string_view what);

/// The same for a file at `path`.
[[nodiscard]] caf::expected<std::string> read_text_file(const std::string& path,
                                                        std::size_t bytes_max,
                                                        std::string_view what);

}  // namespace tandem::cli
