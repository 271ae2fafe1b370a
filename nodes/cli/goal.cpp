#include "nodes/cli/goal.hpp"

#include <utility>

#include "nodes/cli/text_file.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

constexpr std::string_view what = "the goal";

caf::error bad_goal(std::string text) {
  return make_error(errc::invalid_argument, std::move(text));
}

caf::error check_goal(const std::string& goal) {
  if (!is_valid_utf8(goal)) {
    return bad_goal(
        "the goal is not UTF-8 text; convert it first, for example with iconv -t UTF-8");
  }
  if (goal.find('\0') != std::string::npos)
    return bad_goal("the goal has a zero byte: it is no text");
  if (goal.find_first_not_of(" \t\r\n\v\f") == std::string::npos) {
    return bad_goal(
        "the goal is empty; say what is to be done, name a file with --file, or - for stdin");
  }
  return {};
}

}  // namespace

caf::expected<std::string> read_goal(const std::vector<std::string>& words,
                                     const std::optional<std::string>& file, int stdin_fd) {
  if (file && !words.empty()) return bad_goal("the goal is given twice: as words and with --file");
  caf::expected<std::string> goal{std::string{}};
  if (file) {
    goal = *file == "-" ? read_all(stdin_fd, "stdin", goal_bytes_max, what)
                        : read_text_file(*file, goal_bytes_max, what);
  } else if (words.size() == 1 && words.front() == "-") {
    goal = read_all(stdin_fd, "stdin", goal_bytes_max, what);
  } else {
    for (const auto& word : words) *goal += (goal->empty() ? "" : " ") + word;
  }
  if (!goal) return goal;
  while (goal->ends_with('\n') || goal->ends_with('\r')) goal->pop_back();
  if (auto err = check_goal(*goal)) return err;
  return goal;
}

}  // namespace tandem::cli
