#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <caf/error.hpp>

#include "nodes/cli/exit_code.hpp"
#include "nodes/cli/style.hpp"

namespace tandem::cli {

/// Reads one environment variable; empty when it is not set.
using environment = std::function<std::string(const char*)>;
[[nodiscard]] environment process_environment();

/// stdout and stderr of this program. Not for two threads at once.
class console {
 public:
  explicit console(const environment& env, int out_fd = 1, int err_fd = 2);

  /// Whether stdout is a terminal that understands cursor movement.
  [[nodiscard]] bool is_terminal() const { return is_terminal_; }
  /// Whether a person reads stderr.
  [[nodiscard]] bool has_reader() const { return has_reader_; }
  /// How stdout wants its text; the width is looked up at each call.
  [[nodiscard]] style out_style() const;
  [[nodiscard]] style err_style() const;
  /// Lines of the terminal.
  [[nodiscard]] std::size_t height() const;
  void no_colour();

  /// To stdout, at once and as it is. After the reader has gone nothing is written any more.
  void write(std::string_view text);
  /// One line.
  void line(std::string_view text) { write(std::string{text} + '\n'); }
  /// Whether stdout still takes text.
  [[nodiscard]] bool is_open() const { return !closed_; }

  /// On a terminal, replaces the lines that the last call has drawn; elsewhere writes nothing.
  void redraw(const std::vector<std::string>& lines);
  /// Lines drawn so far stay.
  void end_drawing() { drawn_ = 0; }

  /// To stderr: a remark for a person.
  void note(std::string_view text);
  /// `tandem: <what>`, and what to do next on a line of its own.
  exit_code fail(exit_code code, std::string_view what, std::string_view next = {});
  /// An error of the client or the node.
  exit_code fail(const caf::error& err, std::string_view next = {});

  /// `code`, or local_failure when stdout could not be written for another reason than its reader's
  /// end.
  [[nodiscard]] exit_code finish(exit_code code);

 private:
  int out_;
  int err_;
  bool is_terminal_ = false;
  bool has_reader_ = false;
  bool out_colour_ = false;
  bool err_colour_ = false;
  bool unicode_ = false;
  bool closed_ = false;
  int write_error_ = 0;
  std::size_t drawn_ = 0;
};

/// While it lives, SIGINT and SIGTERM write `text` to stderr and end the program with exit code
/// 130: whoever waits for a job must be able to leave at once, and the job goes on. One at a time.
class interrupt_notice {
 public:
  explicit interrupt_notice(std::string_view text);
  ~interrupt_notice();
  interrupt_notice(const interrupt_notice&) = delete;
  interrupt_notice& operator=(const interrupt_notice&) = delete;
};

}  // namespace tandem::cli
