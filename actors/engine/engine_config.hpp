#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace tandem {

/// Prompt templates and prices of one model: `[[model]]` in the config file. In templates
/// `{{goal}}`,
/// `{{error}}`, `{{finished}}` and `{{steps_max}}` are replaced.
struct model_config {
  std::string name;
  /// The role: `large`, `small`, or any other name.
  std::string tier;
  /// US dollars per million tokens.
  double input_price = 0;
  double output_price = 0;
  /// System and user message of a plan request, of a step, and of a whole answer without a plan.
  std::string plan_system;
  std::string plan_prompt = "{{goal}}";
  /// User message of a plan request after a failed plan.
  std::string replan_prompt = "{{goal}}";
  std::string step_system;
  std::string answer_system;
  std::string compose_system;
};

/// How a simulated engine behaves: time per call = time to first token + tokens × time per token.
struct sim_config {
  std::uint64_t seed = 1;
  std::chrono::microseconds first_token{0};
  std::chrono::microseconds per_token{0};
  /// Share of calls that fail with `engine_failed`, 0 to 1.
  double error_rate = 0;
  /// Independent steps in the plans that it makes.
  std::uint32_t plan_steps = 8;
  /// Durations named by a prompt's `@sim {"ms":...}` are multiplied by this.
  double time_scale = 1;
};

/// One inference server: `[[engine]]` in the config file.
struct engine_config {
  std::string name;
  /// `embedded` or `sim`.
  std::string kind;
  /// A `[[model]]`'s name.
  std::string model;
  /// Requests at work at once; the engine's own batch.
  std::uint32_t concurrency = 4;
  /// Requests that wait in the engine; more are refused with `overloaded`.
  std::uint32_t queue_max = 4096;
  /// `embedded`: a GGUF file; relative paths start at the config file's folder.
  std::filesystem::path path;
  /// Empty: what the engine says itself.
  std::string weight_version;
  sim_config sim;
};

}  // namespace tandem
