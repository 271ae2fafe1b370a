#include "nodes/cli/check_option.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "config/sections.hpp"
#include "config/words.hpp"
#include "nodes/cli/text_file.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

caf::error bad_check(std::string text) {
  return make_error(errc::invalid_argument, std::move(text));
}

/// What stands for the argument in a message; empty for a kind without one.
std::string_view argument_of(std::string_view kind) {
  if (kind == "number") return {};
  if (kind == "regex") return "EXPRESSION";
  if (kind == "json_schema") return "SCHEMA";
  if (kind == "judge") return "RUBRIC";
  if (kind == "command") return "NAME";
  return "TEXT";
}

caf::error check_kind(const std::string& kind) {
  if (std::find(check_kinds.begin(), check_kinds.end(), kind) != check_kinds.end()) return {};
  auto nearest = nearest_word(kind, check_kinds);
  return bad_check("--check is " + quote_word(kind) + ", but must be " + list_words(check_kinds) +
                   (nearest.empty() ? "" : "; did you mean " + std::string{nearest} + "?"));
}

caf::error check_argument(const check_choice& check) {
  auto form = argument_of(check.kind);
  if (form.empty() && !check.argument.empty()) {
    return bad_check(
        "--check " + check.kind +
        " takes no argument; to compare the answer with a text, write --check exact=TEXT");
  }
  if (!form.empty() && check.argument.empty()) {
    return bad_check("--check " + check.kind + " needs an argument: write --check " + check.kind +
                     "=" + std::string{form} + ", or name a file that has it with --check-file");
  }
  if (check.argument.size() > check_bytes_max) {
    return bad_check("the argument of --check has " + std::to_string(check.argument.size()) +
                     " bytes; 64 KiB is the most");
  }
  if (!is_valid_utf8(check.argument) || check.argument.find('\0') != std::string::npos) {
    return bad_check("the argument of --check is not UTF-8 text, or has a zero byte");
  }
  return {};
}

}  // namespace

caf::expected<check_choice> read_check(const std::optional<std::string>& check,
                                       const std::optional<std::string>& file) {
  if (!check) {
    if (file) return bad_check("--check-file needs --check, which says what the file is for");
    return check_choice{};
  }
  auto equals = check->find('=');
  check_choice result{.kind = check->substr(0, equals), .argument = {}};
  if (auto err = check_kind(result.kind)) return err;
  if (equals != std::string::npos) result.argument = check->substr(equals + 1);
  if (file) {
    if (equals != std::string::npos) {
      return bad_check("the argument of --check is given twice: behind = and with --check-file");
    }
    auto text = read_text_file(*file, check_bytes_max, "the argument of --check");
    if (!text) return std::move(text.error());
    // Editors end files with a line end that nobody means.
    while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
    result.argument = std::move(*text);
  }
  if (auto err = check_argument(result)) return err;
  return result;
}

}  // namespace tandem::cli
