#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "actors/trace/trace_context.hpp"

namespace tandem {

/// The numbers are OTLP's.
enum class span_kind : std::uint8_t { internal = 1, server = 2, client = 3 };

using span_value = std::variant<std::string, std::int64_t, double, bool>;
using span_attribute = std::pair<std::string, span_value>;

struct span_event {
  std::string name;
  std::uint64_t at_ns = 0;
};

/// One thing that was done, from begin to end. Times are Unix nanoseconds.
struct span {
  /// Its trace and its own id.
  trace_context self;
  /// 0: the root of its trace.
  std::uint64_t parent = 0;
  std::string name;
  span_kind kind = span_kind::internal;
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
  std::vector<span_attribute> attributes;
  std::vector<span_event> events;
  /// Why it failed; empty: it did not.
  std::string error;

  /// An empty text is left out.
  void add(std::string_view key, std::string_view text) {
    if (!text.empty()) attributes.emplace_back(key, std::string{text});
  }
  void add(std::string_view key, const char* text) { add(key, std::string_view{text}); }
  void add(std::string_view key, std::uint64_t number) {
    attributes.emplace_back(key, static_cast<std::int64_t>(number));
  }
  void add(std::string_view key, double number) { attributes.emplace_back(key, number); }
  void add(std::string_view key, bool truth) { attributes.emplace_back(key, truth); }
};

/// Now, as spans have it.
[[nodiscard]] inline std::uint64_t unix_ns() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

}  // namespace tandem
