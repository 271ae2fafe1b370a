#include "actors/executor_pool/verifier.hpp"

#include <re2/re2.h>

#include "schema/text.hpp"

namespace tandem {
namespace {

std::string_view trimmed(std::string_view s) {
  constexpr std::string_view space = " \t\r\n";
  auto first = s.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(space) - first + 1);
}

std::string differs(std::string_view what, std::string_view output) {
  return "the reply '" + std::string{cut(output, 80)} + "' " + std::string{what};
}

std::string match(std::string_view expression, std::string_view output) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  re2::RE2 compiled{re2::StringPiece{expression.data(), expression.size()}, options};
  if (!compiled.ok()) return "the check's regular expression is not usable: " + compiled.error();
  if (re2::RE2::FullMatch(re2::StringPiece{output.data(), output.size()}, compiled)) return {};
  return differs("does not match the check's regular expression", output);
}

}  // namespace

std::string misfit(schema::Check::Reader check, std::string_view output) {
  static const re2::RE2 number{R"([+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?)"};
  auto kind = view(check.getKind());
  auto argument = view(check.getArgument());
  auto bare = trimmed(output);
  if (kind.empty()) return {};
  if (kind == "number")
    return re2::RE2::FullMatch(re2::StringPiece{bare.data(), bare.size()}, number)
               ? std::string{}
               : differs("is no number", output);
  if (kind == "exact")
    return bare == trimmed(argument) ? std::string{} : differs("is not as checked", output);
  if (kind == "contains")
    return output.find(argument) != std::string_view::npos
               ? std::string{}
               : differs("lacks what is checked for", output);
  if (kind == "regex") return match(argument, bare);
  return "unknown check '" + std::string{cut(kind, 40)} +
         "'; there are number, exact, contains and regex";
}

}  // namespace tandem
