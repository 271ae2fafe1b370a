// Prompts with holes. A hole is exactly `{{digits}}` (no spaces, no leading zero, at most
// step_id_max) or, for a planner's own templates, `{{name}}`. Matches are taken leftmost, so
// `{{{1}}}` is a brace, the hole
// `{{1}}` and a brace. All functions make one pass and never look again at what they put in: a
// result that contains `{{2}}` or `$3` stays as it is. Time is linear in what goes in plus what
// comes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/job/plan/plan.hpp"

namespace tandem::plan {

// The result of a step; none where it has no result yet. Views must live until the call returns.
using result_lookup = std::function<std::optional<std::string_view>(std::uint32_t id)>;

// Fills the holes of the declared steps; other braces are text.
// Errors: missing_result (a declared hole without a result), text_too_large (over `bytes_max`).
[[nodiscard]] result<std::string> substitute(std::string_view text,
                                             std::span<const std::uint32_t> declared,
                                             const result_lookup& lookup, std::size_t bytes_max);

// The ids of all holes, in order of first appearance, each once.
[[nodiscard]] std::vector<std::uint32_t> references(std::string_view text);

// Adds `shift` to the holes of the declared steps.
// Errors: ambiguous_placeholder (undeclared `{{n}}` that is text today would become a reference,
// since n is the new number of a declared step), text_too_large.
[[nodiscard]] result<std::string> renumber(std::string_view text,
                                           std::span<const std::uint32_t> declared,
                                           std::uint32_t shift, std::size_t bytes_max);

using named_values = std::map<std::string, std::string, std::less<>>;

// Fills `{{name}}` (a-z, 0-9 and _, starting with a letter, at most 64); unknown names stay text.
// Errors: text_too_large.
[[nodiscard]] result<std::string> expand(std::string_view text, const named_values& values,
                                         std::size_t bytes_max);

}  // namespace tandem::plan
