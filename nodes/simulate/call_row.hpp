#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "nodes/simulate/work.hpp"

namespace tandem::simulation {

inline constexpr std::uint64_t tokens_max = 1'000'000;

[[nodiscard]] inline std::uint32_t bounded_tokens(std::uint64_t tokens) {
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(tokens, 1, tokens_max));
}

/// Unix seconds of `2023-11-16 18:17:03.97` or `2023-11-16T18:17:03Z`, taken as UTC.
[[nodiscard]] std::optional<double> seconds_of_stamp(std::string_view text);

/// One line of a log of calls; see trace_source.hpp. False: `problem`
/// says why.
[[nodiscard]] bool read_call_row(simdjson::dom::parser& parser, std::string_view line,
                                 work_item& out, std::string& problem);

}  // namespace tandem::simulation
