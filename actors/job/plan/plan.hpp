// The plan language as data: what a planner model may write, its limits, and what is said when it
// errs.
//
//   {"steps":[{"id":1,"kind":"calc","prompt":"add 12 7","depends_on":[]},
//             {"id":2,"kind":"cmp","prompt":"max {{1}} 9","depends_on":[1],"check":{...}}],
//    "answer":2}
//
// Everything here is plain values: no actors, no clock, no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tandem::plan {

// Ids are 1..step_id_max, unique in a job over all of its epochs; 0 means "no step".
inline constexpr std::uint32_t step_id_max = 1'000'000;

// One instruction to one model, or to one tool. Ids are final: unique in the job.
struct step {
  std::uint32_t id = 0;
  std::string kind;                       // free text that routing learns from; may be empty
  std::string prompt;                     // `{{n}}` stands for the result of n, if n is declared
  std::vector<std::uint32_t> depends_on;  // declared references, without repeats, as written
  std::string check_json;                 // raw text of the verification object; empty: none
  std::string tool;                       // empty: a model does it

  bool operator==(const step&) const = default;
};

// What the job answers with: the result of `step_id`, or else what a model makes of `compose`.
struct answer {
  std::optional<std::uint32_t> step_id;
  std::string compose;
  std::vector<std::uint32_t> depends_on;  // every step whose result the answer needs

  bool operator==(const answer&) const = default;
};

struct limits {
  std::size_t steps_max = 256;             // of one epoch
  std::size_t job_steps_max = 2048;        // kept over all epochs of one job
  std::size_t step_bytes_max = 65'536;     // JSON text of one step; its prompt in final ids too
  std::size_t plan_bytes_max = 1'048'576;  // from the first byte fed to the closing brace
  std::size_t prose_bytes_max = 65'536;    // text before the opening brace
  std::size_t compose_bytes_max = 65'536;  // JSON text of `answer`; its prompt in final ids too
  std::size_t kind_bytes_max = 64;
  std::size_t depends_max = 64;     // entries in one `depends_on`
  std::size_t json_depth_max = 32;  // nesting within one step or one top-level value
};

enum class plan_errc : std::uint8_t {
  not_a_plan = 1,         // no JSON object was found
  truncated,              // the text ended before the plan did
  malformed_json,         // not JSON, or not the shape of a plan
  invalid_utf8,           // bytes that are not UTF-8
  nul_character,          // U+0000, raw or escaped
  too_deep,               // nested beyond json_depth_max
  plan_too_large,         // longer than plan_bytes_max
  step_too_large,         // a step longer than step_bytes_max
  text_too_large,         // a kind, key, answer or substituted text beyond its limit
  too_many_steps,         // more than steps_max
  too_many_dependencies,  // more than depends_max
  no_steps,               // `steps` missing or empty
  duplicate_key,          // a known key written twice
  missing_field,          // a step without id or prompt
  wrong_type,             // a field of another JSON type than the language says
  bad_id,                 // not within 1..step_id_max
  duplicate_id,           // an id that another step has, or that an earlier epoch used
  cycle,                  // a step that depends on itself
  forward_reference,      // a dependency on a later step: the way to every longer cycle
  unknown_reference,      // a dependency on a step that does not exist or never finished
  empty_prompt,           // nothing but white space
  unknown_tool,           // `tool` names none that this job may use
  bad_answer,             // `answer` names no step, or is of another shape
  ambiguous_placeholder,  // text that renumbering would turn into a reference
  missing_result,         // substitution: a declared step without a result
};

[[nodiscard]] std::string_view to_string(plan_errc code);

// `message` says what is wrong, where, and how to mend it, in valid UTF-8 of bounded length: it
// goes back to the planner when it replans, and to the user. It names ids as the planner wrote
// them.
struct plan_error {
  plan_errc code = plan_errc::malformed_json;
  std::string message;
  std::size_t offset = 0;  // bytes from the start of the stream (of the template, in substitution)
  std::uint32_t step_id = 0;  // as the planner wrote it; 0 where none is known

  bool operator==(const plan_error&) const = default;
};

// Prefixes `text` with the place ("step 3, byte 120: ").
[[nodiscard]] plan_error make_error(plan_errc code, std::size_t offset, std::uint32_t step_id,
                                    std::string_view text);

// A value, or why there is none.
template <class T>
using result = std::variant<T, plan_error>;

// At most `bytes_max` bytes of `text` for use in a message: valid UTF-8, cut between characters, no
// control characters.
[[nodiscard]] std::string excerpt(std::string_view text, std::size_t bytes_max = 60);

}  // namespace tandem::plan
