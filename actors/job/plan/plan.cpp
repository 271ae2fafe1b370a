#include "actors/job/plan/plan.hpp"

#include <simdjson.h>

namespace tandem::plan {

std::string_view to_string(plan_errc code) {
  switch (code) {
    case plan_errc::not_a_plan:
      return "not_a_plan";
    case plan_errc::truncated:
      return "truncated";
    case plan_errc::malformed_json:
      return "malformed_json";
    case plan_errc::invalid_utf8:
      return "invalid_utf8";
    case plan_errc::nul_character:
      return "nul_character";
    case plan_errc::too_deep:
      return "too_deep";
    case plan_errc::plan_too_large:
      return "plan_too_large";
    case plan_errc::step_too_large:
      return "step_too_large";
    case plan_errc::text_too_large:
      return "text_too_large";
    case plan_errc::too_many_steps:
      return "too_many_steps";
    case plan_errc::too_many_dependencies:
      return "too_many_dependencies";
    case plan_errc::no_steps:
      return "no_steps";
    case plan_errc::duplicate_key:
      return "duplicate_key";
    case plan_errc::missing_field:
      return "missing_field";
    case plan_errc::wrong_type:
      return "wrong_type";
    case plan_errc::bad_id:
      return "bad_id";
    case plan_errc::duplicate_id:
      return "duplicate_id";
    case plan_errc::cycle:
      return "cycle";
    case plan_errc::forward_reference:
      return "forward_reference";
    case plan_errc::unknown_reference:
      return "unknown_reference";
    case plan_errc::empty_prompt:
      return "empty_prompt";
    case plan_errc::unknown_tool:
      return "unknown_tool";
    case plan_errc::bad_answer:
      return "bad_answer";
    case plan_errc::ambiguous_placeholder:
      return "ambiguous_placeholder";
    case plan_errc::missing_result:
      return "missing_result";
  }
  return "unknown";
}

plan_error make_error(plan_errc code, std::size_t offset, std::uint32_t step_id,
                      std::string_view text) {
  std::string message;
  if (step_id != 0) message += "step " + std::to_string(step_id) + ", ";
  message += "byte " + std::to_string(offset) + ": ";
  message += text;
  return {code, std::move(message), offset, step_id};
}

std::string excerpt(std::string_view text, std::size_t bytes_max) {
  const bool cut = text.size() > bytes_max;
  if (cut) {
    std::size_t end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text = text.substr(0, end);
  }
  const bool utf8 = simdjson::validate_utf8(text.data(), text.size());
  std::string out;
  out.reserve(text.size() + 3);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool printable = byte >= 0x20 && byte != 0x7F && (byte < 0x80 || utf8);
    out += printable ? c : '?';
  }
  if (cut) out += "...";
  return out;
}

}  // namespace tandem::plan
