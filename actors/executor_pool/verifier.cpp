#include "actors/executor_pool/verifier.hpp"

#include <memory>

#include <re2/re2.h>

#include "actors/executor_pool/json_schema_check.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::string_view all_kinds =
    "number, exact, contains, regex, json_schema, judge and command";

std::string differs(std::string_view what, std::string_view output) {
  return valid_utf8("the reply '" + std::string{cut(output, 80)} + "' " + std::string{what});
}

std::string unknown_kind(std::string_view kind) {
  return valid_utf8("unknown check '" + std::string{cut(kind, 40)} + "'; there are " +
                    std::string{all_kinds});
}

re2::StringPiece piece(std::string_view s) {
  return {s.data(), s.size()};
}

std::string unusable_expression(const std::string& why) {
  return valid_utf8("the check's regular expression is not usable: " + std::string{cut(why, 200)});
}

/// Linear in the output, and in a bounded memory: no expression takes for ever.
std::string match(std::string_view expression, const std::string_view* output) {
  if (expression.size() > regex_bytes_max)
    return unusable_expression("longer than " + std::to_string(regex_bytes_max) + " bytes");
  // Most checks of one kind of step are the same.
  thread_local std::unique_ptr<re2::RE2> last;
  if (!last || last->pattern() != expression) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(1 << 20);
    last = std::make_unique<re2::RE2>(piece(expression), options);
  }
  if (!last->ok()) return unusable_expression(last->error());
  if (output == nullptr || re2::RE2::FullMatch(piece(trimmed(*output)), *last)) return {};
  return differs("does not match the check's regular expression", *output);
}

}  // namespace

check_sort sort_of_check(std::string_view kind) {
  if (kind.empty()) return check_sort::none;
  if (kind == "judge") return check_sort::judge;
  if (kind == "command") return check_sort::command;
  for (auto known : {"number", "exact", "contains", "regex", "json_schema"})
    if (kind == known) return check_sort::text;
  return check_sort::unknown;
}

std::string check_problem(std::string_view kind, std::string_view argument) {
  switch (sort_of_check(kind)) {
    case check_sort::none:
      return {};
    case check_sort::unknown:
      return unknown_kind(kind);
    case check_sort::judge:
      if (trimmed(argument).empty())
        return "a judge needs a rubric: say in the check's argument what makes an output good";
      if (argument.size() > rubric_bytes_max)
        return "the judge's rubric has more than " + std::to_string(rubric_bytes_max) + " bytes";
      return {};
    case check_sort::command:
      return argument.empty() ? "a command check needs the name of a [[check]] in its argument"
                              : std::string{};
    case check_sort::text:
      break;
  }
  if (kind == "regex") return match(argument, nullptr);
  if (kind == "json_schema") {
    auto schema = json_schema::compile(argument);
    return schema ? std::string{} : message_of(schema.error());
  }
  if (kind != "number" && trimmed(argument).empty())
    return "the check '" + std::string{kind} + "' needs a text in its argument";
  return {};
}

std::string blank_misfit(std::string_view output) {
  return trimmed(output).empty() ? "the reply is empty" : std::string{};
}

std::string misfit(schema::Check::Reader check, std::string_view output) {
  static const re2::RE2 number{R"([+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?)"};
  auto kind = view(check.getKind());
  auto argument = view(check.getArgument());
  auto sort = sort_of_check(kind);
  if (sort == check_sort::none) return {};
  if (sort == check_sort::unknown) return unknown_kind(kind);
  if (auto blank = blank_misfit(output); !blank.empty()) return blank;
  if (sort != check_sort::text)
    return "the check '" + std::string{kind} + "' is not decided by the text alone";
  auto bare = trimmed(output);
  if (kind == "number")
    return re2::RE2::FullMatch(piece(bare), number) ? std::string{}
                                                    : differs("is no number", output);
  if (kind == "exact")
    return bare == trimmed(argument) ? std::string{} : differs("is not as checked", output);
  if (kind == "contains")
    return output.find(argument) != std::string_view::npos
               ? std::string{}
               : differs("lacks what is checked for", output);
  if (kind == "regex") return match(argument, &output);
  return json_schema_misfit(argument, output);
}

}  // namespace tandem
