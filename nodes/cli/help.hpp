#pragma once

#include <string>

#include "nodes/cli/command_line.hpp"

namespace tandem::cli {

/// What the program can do, how it finds its node, what its exit codes mean.
[[nodiscard]] std::string overview_text();
[[nodiscard]] std::string command_help(const command_spec& command);
/// The completion script for bash, made from the commands' tables.
[[nodiscard]] std::string bash_completion();

}  // namespace tandem::cli
