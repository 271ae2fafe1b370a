#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "actors/openai/openai_error.hpp"

namespace tandem::dialect {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

/// Where a value lies; spelt out only when something is wrong with it. Each lives in the frame that
/// looks at the value, and the one above it outlives it.
struct place {
  static constexpr std::size_t no_index = static_cast<std::size_t>(-1);

  const place* above = nullptr;
  std::string_view name = {};
  std::size_t index = no_index;
};

/// `messages[2].content`.
[[nodiscard]] std::string to_string(const place& at);
[[nodiscard]] inline place at_index(const place& above, std::size_t index) {
  return {&above, {}, index};
}

/// Reads values of given types. Each function is false when the value is wrong; error() says how.
class field_reader {
 public:
  [[nodiscard]] bool boolean(element value, const place& at, bool& out);
  /// Whole numbers, also where they are written as 5.0.
  [[nodiscard]] bool integer(element value, const place& at, std::int64_t low, std::int64_t high,
                             std::int64_t& out);
  [[nodiscard]] bool number(element value, const place& at, double low, double high, double& out);
  [[nodiscard]] bool string(element value, const place& at, std::string_view& out);
  [[nodiscard]] bool fields(element value, const place& at, object& out);
  [[nodiscard]] bool items(element value, const place& at, array& out);
  /// A required member of an object.
  [[nodiscard]] bool member(const object& fields, std::string_view name, const place& at,
                            element& out);

  /// Keeps the error, a 400; always false.
  bool refuse(const place& at, std::string_view why, std::string_view code = "invalid_value");
  bool wrong_type(const place& at, std::string_view expected, element got);
  bool wrong_range(const place& at, double low, double high);

  [[nodiscard]] openai_error& error() { return error_; }

 private:
  openai_error error_;
};

/// A member that is there and not null.
[[nodiscard]] bool find(const object& fields, std::string_view name, element& out);

/// What a client wrote, for an error's text or a header: cut, and without what steers either.
[[nodiscard]] std::string quotable(std::string_view text, std::size_t bytes_max = 64);

}  // namespace tandem::dialect
