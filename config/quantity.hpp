#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tandem {

/// `250us` `250ms` `10s` `5min` `4h` `30d`: digits and a unit, nothing else, at most 100 years.
[[nodiscard]] std::optional<std::chrono::microseconds> parse_duration(std::string_view text);

/// In the largest unit that loses nothing.
[[nodiscard]] std::string format_duration(std::chrono::microseconds duration);

/// `512B` `64KiB` `1MiB` `2GiB`: digits and a unit, at most 2^53 bytes.
[[nodiscard]] std::optional<std::size_t> parse_size(std::string_view text);

[[nodiscard]] std::string format_size(std::size_t bytes);

}  // namespace tandem
