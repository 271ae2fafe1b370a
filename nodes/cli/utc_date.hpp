#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::cli {

/// The first moment of a UTC day in Unix time: `2026-11-01`, `today`, `yesterday`, or `7d`, so many
/// days before today. Years from 1970 to 9999. Nothing: it is none of these.
[[nodiscard]] std::optional<std::uint64_t> parse_day(std::string_view text, std::uint64_t now_ms);
/// `2026-11-01`, of any moment of that day.
[[nodiscard]] std::string day_text(std::uint64_t unix_ms);

}  // namespace tandem::cli
