#include "nodes/cli/goal.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "config/words.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

caf::error wrong(std::string text) {
  return make_error(errc::invalid_argument, std::move(text));
}

caf::expected<std::string> read_all(int fd, const std::string& name) {
  std::string text;
  std::array<char, 65536> buffer{};
  while (true) {
    auto count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return make_error(errc::not_found, "cannot read the goal from " + name + ": " +
                                             std::string{std::strerror(errno)});
    }
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > goal_bytes_max) {
      return wrong("the goal in " + name + " is larger than 16 MiB; give the job less text");
    }
  }
}

caf::expected<std::string> read_file(const std::string& path) {
  auto name = quote_word(path);
  auto fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return make_error(errc::not_found, "cannot read the goal from " + name + ": " +
                                           std::string{std::strerror(errno)});
  }
  auto text = read_all(fd, name);
  ::close(fd);
  return text;
}

caf::error check_goal(const std::string& goal) {
  if (!is_valid_utf8(goal)) {
    return wrong("the goal is not UTF-8 text; convert it first, for example with iconv -t UTF-8");
  }
  if (goal.find('\0') != std::string::npos) return wrong("the goal has a zero byte: it is no text");
  if (goal.find_first_not_of(" \t\r\n\v\f") == std::string::npos) {
    return wrong(
        "the goal is empty; say what is to be done, name a file with --file, or - for stdin");
  }
  return {};
}

}  // namespace

caf::expected<std::string> read_goal(const std::vector<std::string>& words,
                                     const std::optional<std::string>& file, int stdin_fd) {
  if (file && !words.empty()) return wrong("the goal is given twice: as words and with --file");
  caf::expected<std::string> goal{std::string{}};
  if (file) {
    goal = *file == "-" ? read_all(stdin_fd, "stdin") : read_file(*file);
  } else if (words.size() == 1 && words.front() == "-") {
    goal = read_all(stdin_fd, "stdin");
  } else {
    for (const auto& word : words) *goal += (goal->empty() ? "" : " ") + word;
  }
  if (!goal) return goal;
  while (goal->ends_with('\n') || goal->ends_with('\r')) goal->pop_back();
  if (auto err = check_goal(*goal)) return err;
  return goal;
}

}  // namespace tandem::cli
