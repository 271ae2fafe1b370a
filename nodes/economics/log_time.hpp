#pragma once

#include <optional>
#include <string_view>

namespace tandem {

/// Seconds since 1970 of a time as logs write it: `2023-11-16 18:17:03.9799600`,
/// `2026-01-31T12:00:00Z`, `...+02:00` (without a zone: UTC), or digits alone, see `log_seconds`.
[[nodiscard]] std::optional<double> parse_log_time(std::string_view text);

/// A number of seconds, milliseconds, microseconds or nanoseconds since 1970, by its size; a small
/// one is taken for seconds since some start.
[[nodiscard]] std::optional<double> log_seconds(double number);

}  // namespace tandem
