#include "nodes/cli/console.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <sys/ioctl.h>
#include <unistd.h>

#include "nodes/cli/plain_text.hpp"
#include "schema/errc.hpp"

namespace tandem::cli {
namespace {

constexpr std::size_t width_default = 80;
constexpr std::size_t height_default = 24;

/// 0 when everything was written, else errno.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    auto count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

winsize size_of(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0) size = {};
  return size;
}

bool is_utf8_locale(const environment& env) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    auto value = env(name);
    if (value.empty()) continue;
    std::transform(value.begin(), value.end(), value.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

// What the signal handler may touch.
std::array<char, 512> notice_text{};
volatile std::sig_atomic_t notice_size = 0;

extern "C" void on_interrupt(int) {
  [[maybe_unused]] auto ignored =
      ::write(2, notice_text.data(), static_cast<std::size_t>(notice_size));
  ::_exit(static_cast<int>(exit_code::interrupted));
}

void handle_interrupts(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  for (int number : {SIGINT, SIGTERM}) ::sigaction(number, &action, nullptr);
}

}  // namespace

environment process_environment() {
  return [](const char* name) {
    const char* value = std::getenv(name);
    return std::string{value == nullptr ? "" : value};
  };
}

console::console(const environment& env, int out_fd, int err_fd) : out_{out_fd}, err_{err_fd} {
  auto term = env("TERM");
  auto can_move = !term.empty() && term != "dumb";
  auto wants_colour = env("NO_COLOR").empty();
  is_terminal_ = ::isatty(out_) == 1 && can_move && wants_colour;
  has_reader_ = ::isatty(err_) == 1;
  out_colour_ = is_terminal_;
  err_colour_ = has_reader_ && can_move && wants_colour;
  unicode_ = is_terminal_ && is_utf8_locale(env);
}

void console::no_colour() {
  is_terminal_ = out_colour_ = err_colour_ = unicode_ = false;
}

style console::out_style() const {
  if (::isatty(out_) != 1) return {};
  auto columns = size_of(out_).ws_col;
  return {
      .colour = out_colour_, .unicode = unicode_, .width = columns == 0 ? width_default : columns};
}

style console::err_style() const {
  return {.colour = err_colour_};
}

std::size_t console::height() const {
  auto rows = size_of(out_).ws_row;
  return rows == 0 ? height_default : rows;
}

void console::write(std::string_view text) {
  if (closed_) return;
  auto error = write_all(out_, text);
  if (error == 0) return;
  closed_ = true;
  if (error != EPIPE) write_error_ = error;
}

void console::redraw(const std::vector<std::string>& lines) {
  if (!is_terminal_) return;
  std::string frame;
  if (drawn_ > 0) frame += "\x1b[" + std::to_string(drawn_) + "A";
  for (const auto& line : lines) frame += "\r\x1b[2K" + line + '\n';
  // What a longer frame left below.
  if (drawn_ > lines.size()) frame += "\x1b[J";
  drawn_ = lines.size();
  write(frame);
}

void console::note(std::string_view text) {
  (void)write_all(err_, printable_text(text) + '\n');
}

exit_code console::fail(exit_code code, std::string_view what, std::string_view next) {
  auto text = err_style().paint(tint::red, "tandem:") + ' ' + printable_text(what) + '\n';
  if (!next.empty()) text += printable_text(next) + '\n';
  (void)write_all(err_, text);
  return code;
}

exit_code console::fail(const caf::error& err, std::string_view next) {
  return fail(exit_code_of(err), message_of(err), next);
}

exit_code console::finish(exit_code code) {
  if (write_error_ == 0) return code;
  auto reason = std::string{std::strerror(write_error_)};
  return fail(exit_code::local_failure, "cannot write the output: " + reason,
              "what was asked for may have been done all the same; look with `tandem jobs`");
}

interrupt_notice::interrupt_notice(std::string_view text) {
  handle_interrupts(SIG_IGN);
  auto shown = "\n" + printable_text(text) + "\n";
  auto size = std::min(shown.size(), notice_text.size());
  std::memcpy(notice_text.data(), shown.data(), size);
  notice_size = static_cast<std::sig_atomic_t>(size);
  handle_interrupts(on_interrupt);
}

interrupt_notice::~interrupt_notice() {
  handle_interrupts(SIG_DFL);
}

}  // namespace tandem::cli
