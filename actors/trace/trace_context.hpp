#pragma once

#include <cstdint>

#include "schema/common.capnp.h"

namespace tandem {

/// Where a span belongs: its trace, and its own id or that of its parent. All zeros: nothing is
/// traced.
struct trace_context {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::uint64_t span = 0;
  /// Somebody wants it recorded.
  bool sampled = false;

  [[nodiscard]] bool is_set() const { return (high | low) != 0; }
  /// The same trace, below another span.
  [[nodiscard]] trace_context with_span(std::uint64_t id) const { return {high, low, id, sampled}; }
  friend bool operator==(const trace_context&, const trace_context&) = default;
};

[[nodiscard]] inline trace_context read_trace(schema::TraceContext::Reader from) {
  return {from.getTraceHigh(), from.getTraceLow(), from.getSpan(), from.getSampled()};
}
inline void write_trace(schema::TraceContext::Builder out, const trace_context& from) {
  out.setTraceHigh(from.high);
  out.setTraceLow(from.low);
  out.setSpan(from.span);
  out.setSampled(from.sampled);
}

/// The id of a span that whoever knows `of` and `number` can say again, after a restart too
/// (splitmix64's finaliser). Never 0.
[[nodiscard]] constexpr std::uint64_t derived_span(std::uint64_t of, std::uint64_t number) {
  auto x = of + (number + 1) * 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  x ^= x >> 31;
  return x == 0 ? 1 : x;
}

/// Of the span of a whole job, from its id.
[[nodiscard]] constexpr std::uint64_t job_span(std::uint64_t journal, std::uint64_t number) {
  return derived_span(journal, number);
}

}  // namespace tandem
