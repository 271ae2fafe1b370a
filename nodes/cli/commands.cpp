#include "nodes/cli/commands.hpp"

#include <algorithm>
#include <array>

namespace tandem::cli {
namespace {

constexpr std::array commands{
    &submit_command,   &jobs_command,      &job_command,       &result_command, &follow_command,
    &cancel_command,   &pause_command,     &resume_command,    &retry_command,  &feedback_command,
    &purge_command,    &topology_command,  &drain_command,     &engine_command, &route_command,
    &cache_command,    &weights_command,   &keys_command,      &cost_command,   &assess_command,
    &simulate_command, &tune_command,      &calibrate_command, &certs_command,  &help_command,
    &version_command,  &completion_command};

}  // namespace

std::span<const command_spec* const> all_commands() {
  return commands;
}

const command_spec* find_command(std::string_view name) {
  auto found = std::find_if(commands.begin(), commands.end(),
                            [name](const command_spec* command) { return command->name == name; });
  return found == commands.end() ? nullptr : *found;
}

}  // namespace tandem::cli
