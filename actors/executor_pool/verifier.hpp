#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "schema/common.capnp.h"

namespace tandem {

/// Who decides whether an output fits a check.
enum class check_sort {
  /// No check: everything fits.
  none,
  /// The text alone, by misfit(): number, exact, contains, regex, json_schema.
  text,
  /// A model with a rubric, see judge.hpp.
  judge,
  /// A user's program, see command_check.hpp.
  command,
  /// No kind that there is.
  unknown,
};

constexpr std::size_t regex_bytes_max = 4096;
constexpr std::size_t rubric_bytes_max = 16 * 1024;

[[nodiscard]] check_sort sort_of_check(std::string_view kind);

/// Why a check can never be used, for whoever accepts it (config, submit, plan): an unknown kind, a
/// bad regular expression or schema, a judge without a rubric; empty: it can. Whether a command's
/// name is in the config is the caller's to say.
[[nodiscard]] std::string check_problem(std::string_view kind, std::string_view argument);

/// Why `output` does not fit `check`; empty: it does. An output of nothing but white space fits no
/// check. Kinds: `number` (a decimal number and nothing else), `exact`, `contains`, `regex` (RE2,
/// matched against the whole), `json_schema`. An unusable check is a misfit that says so; so are
/// `judge` and `command`, which the text alone does not decide. Any thread.
[[nodiscard]] std::string misfit(schema::Check::Reader check, std::string_view output);

/// For judge and command, before anybody is asked: why an output of nothing but white space fits no
/// check; empty: it has text.
[[nodiscard]] std::string blank_misfit(std::string_view output);

}  // namespace tandem
