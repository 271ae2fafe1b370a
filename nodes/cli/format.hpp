#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace tandem::cli {

/// `850 us`, `12 ms`, `1.23 s`, `12.3 s`, `2 min 5 s`, `3 h 12 min`, `2 d 3 h`.
[[nodiscard]] std::string human_duration(std::chrono::microseconds duration);

/// From 1e-9 US dollars: `$0.000123`; below a millionth with all nine digits, from a dollar on with
/// four.
[[nodiscard]] std::string human_money(std::int64_t nanousd);

/// How much of `all_large` was saved, in percent; negative when it was dearer. Nothing when there
/// is nothing to compare with.
[[nodiscard]] std::optional<double> saving_percent(std::int64_t cost, std::int64_t all_large);
/// `97.3% saved`, `12.0% dearer`; empty for nothing.
[[nodiscard]] std::string human_saving(std::int64_t cost, std::int64_t all_large);

/// `1,234,567`
[[nodiscard]] std::string human_count(std::uint64_t number);
/// `512 B`, `1.5 MiB`
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);

/// Local time with its offset from UTC: `2026-01-31 12:00:00 +0100`.
[[nodiscard]] std::string human_time(std::uint64_t unix_ms);
/// `3 min ago`, `just now`; `in 5 s` for the future.
[[nodiscard]] std::string human_age(std::uint64_t unix_ms, std::uint64_t now_ms);

/// Now, in Unix time.
[[nodiscard]] std::uint64_t now_ms();

/// "1 answer", "1,234 answers"
[[nodiscard]] std::string plural(std::uint64_t count, const std::string& noun);

}  // namespace tandem::cli
