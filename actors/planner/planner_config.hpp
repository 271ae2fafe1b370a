#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tandem {

/// What holds for steps of one kind: `[[kind]]`. Negative numbers: as `[jobs]` says.
struct kind_config {
  /// As plans name it.
  std::string name;
  std::int32_t small_attempts_max = -1;
  std::int32_t other_models_max = -1;
  std::int32_t large_attempts_max = -1;
  std::int32_t tokens_max = -1;
  /// 0: as `[jobs]` says.
  std::chrono::milliseconds attempt_timeout{0};
  /// Verifies each result of this kind that the plan itself names no check for; empty: none.
  std::string check;
  std::string check_argument;
  bool hedge = true;
};

/// Limits of what a planner accepts and of what one job may do. `[jobs]` in the config file.
struct planner_config {
  /// Jobs that run at once; more wait in the queue.
  std::uint32_t running_max = 1024;
  /// Jobs that wait; more are refused with `overloaded`.
  std::uint32_t queued_max = 100'000;
  std::size_t goal_bytes_max = std::size_t{128} * 1024;
  std::uint32_t messages_max = 256;
  /// From acknowledgement to the end, where the client names none.
  std::chrono::milliseconds timeout{std::chrono::minutes{10}};
  std::chrono::milliseconds timeout_max{std::chrono::hours{24}};
  std::uint32_t steps_max = 256;
  /// Bytes of one step as the planner writes it.
  std::size_t step_bytes_max = std::size_t{32} * 1024;
  std::size_t plan_bytes_max = std::size_t{512} * 1024;
  /// Steps of one job at work at once.
  std::uint32_t steps_in_flight_max = 64;
  /// Tries of one step by small models before the large tier is asked.
  std::uint32_t small_attempts_max = 2;
  /// Other models of its tier that a step is given to, once each, before the large tier is asked.
  std::uint32_t other_models_max = 1;
  /// Tries of one step by the large tier before a new plan is asked for.
  std::uint32_t large_attempts_max = 1;
  /// Tries of one plan request within an epoch.
  std::uint32_t plan_attempts_max = 3;
  /// A job whose actor crashes as often fails.
  std::uint32_t crashes_max = 3;
  /// Plans of one job; after the last the job fails.
  std::uint32_t epochs_max = 2;
  /// One attempt, from pool to reply.
  std::chrono::milliseconds attempt_timeout{std::chrono::seconds{60}};
  std::uint32_t plan_tokens_max = 800;
  std::uint32_t step_tokens_max = 256;
  /// A result longer than this fails its attempt.
  std::size_t result_bytes_max = std::size_t{64} * 1024;
  /// Ended jobs are purged after this; 0: never.
  std::chrono::hours retention{std::chrono::hours{24 * 30}};
  /// Of a job whose client names none; 0: no limit.
  std::uint64_t budget_tokens = 0;
  double budget_usd = 0;
  /// Of a job whose client says nothing: it goes on with other weights than it began with, once no
  /// engine serves those.
  bool mix_weights = false;
  std::vector<kind_config> kinds;
};

}  // namespace tandem
