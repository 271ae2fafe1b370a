#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <caf/expected.hpp>

#include "nodes/cli/exit_code.hpp"

namespace tandem::cli {

class console;
struct invocation;

struct option_spec {
  std::string_view name;
  /// What stands for the value in the help; empty: a flag without one.
  std::string_view value;
  std::string_view doc;
  bool may_repeat = false;
};

/// One command: its help, its options, what it does.
struct command_spec {
  std::string_view name;
  /// As the help writes them: `ID`.
  std::string_view arguments;
  std::string_view summary;
  /// More of the help; lines as they are printed.
  std::string_view details;
  /// Lines without indentation.
  std::string_view example;
  std::span<const option_spec> options;
  std::size_t arguments_min = 0;
  std::size_t arguments_max = 0;
  exit_code (*run)(const invocation&, console&) = nullptr;
};

/// Every command, in the order of the help.
[[nodiscard]] std::span<const command_spec* const> all_commands();
[[nodiscard]] const command_spec* find_command(std::string_view name);
/// Options that every command takes.
[[nodiscard]] std::span<const option_spec> global_options();

/// A parsed command line.
struct invocation {
  /// Nothing: no command was named.
  const command_spec* command = nullptr;
  bool wants_help = false;
  std::vector<std::string> arguments;
  /// Options of the command by name.
  std::map<std::string, std::vector<std::string>, std::less<>> options;
  /// Options of the program. Where a command has an option of the same name, the one after the
  /// command is the command's.
  std::map<std::string, std::vector<std::string>, std::less<>> globals;

  [[nodiscard]] bool has(std::string_view name) const { return options.contains(name); }
  [[nodiscard]] std::optional<std::string> value(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> values(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> global(std::string_view name) const;
  [[nodiscard]] bool wants_json() const { return globals.contains("json"); }
};

/// `arguments` without the program's name: options and arguments in any order, `--name value` or
/// `--name=value`; after `--` everything is an argument. `invalid_argument` says what is wrong and
/// names the nearest command or option.
[[nodiscard]] caf::expected<invocation> parse_command_line(std::span<const char* const> arguments);

/// Where the help for such a command line is: `see `tandem help jobs``.
[[nodiscard]] std::string help_hint(std::span<const char* const> arguments);

/// Values of options; nothing when the option was not given. `invalid_argument` names the option
/// and what it takes.
[[nodiscard]] caf::expected<std::optional<std::int64_t>> integer_option(const invocation& from,
                                                                        std::string_view name,
                                                                        std::int64_t min,
                                                                        std::int64_t max);
[[nodiscard]] caf::expected<std::optional<double>> number_option(const invocation& from,
                                                                 std::string_view name, double min,
                                                                 double max);
/// At least a millisecond.
[[nodiscard]] caf::expected<std::optional<std::chrono::milliseconds>> duration_option(
    const invocation& from, std::string_view name);
/// The program's `--timeout`.
[[nodiscard]] caf::expected<std::optional<std::chrono::milliseconds>> call_timeout(
    const invocation& from);

/// Prints `text`, and where the command's help is.
exit_code usage_error(console& io, const invocation& from, std::string_view text);
exit_code usage_error(console& io, const invocation& from, const caf::error& err);

}  // namespace tandem::cli
