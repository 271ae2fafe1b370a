#pragma once

#include "nodes/cli/command_line.hpp"

namespace tandem::cli {

// Each defined beside what it does.
extern const command_spec submit_command;
extern const command_spec jobs_command;
extern const command_spec job_command;
extern const command_spec result_command;
extern const command_spec follow_command;
extern const command_spec cancel_command;
extern const command_spec pause_command;
extern const command_spec resume_command;
extern const command_spec retry_command;
extern const command_spec feedback_command;
extern const command_spec purge_command;
extern const command_spec topology_command;
extern const command_spec drain_command;
extern const command_spec engine_command;
extern const command_spec calibrate_command;
extern const command_spec route_command;
extern const command_spec cache_command;
extern const command_spec cost_command;
extern const command_spec weights_command;
extern const command_spec keys_command;
extern const command_spec simulate_command;
extern const command_spec tune_command;
extern const command_spec assess_command;
extern const command_spec certs_command;
extern const command_spec help_command;
extern const command_spec version_command;
extern const command_spec completion_command;

}  // namespace tandem::cli
