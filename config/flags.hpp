#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include <caf/expected.hpp>

#include "config/node_config.hpp"

namespace tandem {

enum class node_action : std::uint8_t {
  run,
  /// The config is valid: say so and exit.
  check,
  /// Print `text` and exit.
  print,
};

/// What a command line of tandem-node asks for.
struct node_options {
  node_action action = node_action::run;
  node_config config;
  /// Where `config` came from.
  std::filesystem::path config_file;
  /// For `print`: the help, the version, or the effective config as TOML.
  std::string text;
};

/// `arguments` without the program's name; `executable` is where the default config is looked for
/// (see `find_default_config`). Flags override the file. `invalid_argument` names everything that
/// is wrong with the command line and the config, and the nearest known flag for an unknown one.
[[nodiscard]] caf::expected<node_options> parse_flags(std::span<const char* const> arguments,
                                                      const std::filesystem::path& executable);

/// This process's program file.
[[nodiscard]] std::filesystem::path current_executable();

}  // namespace tandem
