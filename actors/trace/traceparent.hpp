#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "actors/trace/trace_context.hpp"

namespace tandem {

/// The value of a `traceparent` header (W3C Trace Context, level 2). Nothing: it is none, and a new
/// trace begins. Of a version to come, what is known is read, as the specification says; `ff` is
/// none.
[[nodiscard]] std::optional<trace_context> parse_traceparent(std::string_view value);

/// Precondition: `from` is set, and has a span.
[[nodiscard]] std::string format_traceparent(const trace_context& from);

/// 16 digits.
[[nodiscard]] std::string hex16(std::uint64_t number);

}  // namespace tandem
