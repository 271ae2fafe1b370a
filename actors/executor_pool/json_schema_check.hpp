#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <caf/expected.hpp>

#include "schema/errc.hpp"

namespace tandem {

/// A JSON schema (draft 7, and what draft 2020-12 only renamed) that outputs are checked against.
/// Immutable; any thread may use it. Schemas come from plans and are hostile: only references into
/// the schema itself (`#/...`), regular expressions by RE2, and bounds on size, depth, memory and
/// work. `format` is checked for date, time and date-time; unknown keywords are ignored, as the
/// standard says.
class json_schema {
 public:
  static constexpr std::size_t schema_bytes_max = 64 * 1024;
  static constexpr std::size_t output_bytes_max = std::size_t{1} << 20;
  static constexpr std::size_t nesting_max = 64;
  static constexpr std::size_t subschemas_max = 2048;
  static constexpr std::size_t patterns_max = 16;
  static constexpr std::size_t pattern_bytes_max = 1024;

  struct compiled;

  /// `invalid_argument` says where the schema is wrong, or what in it is not supported.
  [[nodiscard]] static caf::expected<json_schema> compile(std::string_view text);

  /// Why `output` does not fit: where (a JSON pointer) and what; empty: it fits.
  [[nodiscard]] std::string misfit(std::string_view output) const;

 private:
  explicit json_schema(std::shared_ptr<const compiled> ready) : compiled_{std::move(ready)} {}

  std::shared_ptr<const compiled> compiled_;
};

/// The same as compiling `schema` and asking it; the latest schemas are kept compiled. An unusable
/// schema is a misfit that says so.
[[nodiscard]] std::string json_schema_misfit(std::string_view schema, std::string_view output);

}  // namespace tandem
