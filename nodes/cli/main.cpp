#include <csignal>
#include <span>

#include "nodes/cli/command_line.hpp"
#include "nodes/cli/console.hpp"
#include "nodes/cli/help.hpp"
#include "schema/errc.hpp"

namespace {

tandem::cli::exit_code run(std::span<const char* const> arguments, tandem::cli::console& io) {
  using namespace tandem::cli;
  auto parsed = parse_command_line(arguments);
  if (!parsed) {
    return io.fail(exit_code::usage, tandem::message_of(parsed.error()), help_hint(arguments));
  }
  if (parsed->globals.contains("no-color")) io.no_colour();
  if (parsed->wants_help) {
    io.write(parsed->command == nullptr ? overview_text() : command_help(*parsed->command));
    return exit_code::ok;
  }
  if (parsed->command == nullptr) {
    return io.fail(exit_code::usage, "no command was given", overview_text());
  }
  return parsed->command->run(*parsed, io);
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that goes away early, as in `tandem jobs | head`, is no reason to die.
  std::signal(SIGPIPE, SIG_IGN);
  auto arguments = std::span{const_cast<const char* const*>(argv), static_cast<std::size_t>(argc)};
  tandem::cli::console io{tandem::cli::process_environment()};
  auto code = run(arguments.subspan(argc > 0 ? 1 : 0), io);
  return static_cast<int>(io.finish(code));
}
