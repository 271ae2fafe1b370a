#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/client/client.hpp"
#include "schema/errc.hpp"
#include "tests/support/node_process.hpp"

namespace tandem::test {

/// Where `node` listens, with the client certificate that it made. Precondition: it was ready.
[[nodiscard]] client_options options_of(const node_process& node);

/// A client of `node`; throws with the reason when it cannot connect.
[[nodiscard]] client connect(const node_process& node);

/// One step of a plan that a test words itself.
struct scripted_step {
  std::uint32_t id = 0;
  std::string prompt;
  std::vector<std::uint32_t> depends_on;
};

/// A goal whose `@sim` directive makes the simulated planner write `plan`, whatever it is.
[[nodiscard]] std::string goal_with_plan(std::string_view plan);
/// The same with a sound plan of these steps.
[[nodiscard]] std::string goal_with_steps(const std::vector<scripted_step>& steps);
/// `text` as a JSON string, with its quotes.
[[nodiscard]] std::string json_string(std::string_view text);

/// Submits `goal` in the default mode; throws with the reason when it is refused.
[[nodiscard]] job_id submit(client& to, std::string_view goal);

/// A job's summary in plain words, so that failed expectations print well.
struct outcome {
  std::string state;
  std::string reason;
  std::string answer;
  std::uint32_t epoch = 0;
  std::uint32_t steps_done = 0;
  std::uint32_t steps_total = 0;
  std::uint32_t calls = 0;
  std::int64_t cost = 0;
  std::int64_t cost_all_large = 0;
};

[[nodiscard]] outcome outcome_of(schema::JobSummary::Reader summary);

/// Waits until the job has ended; throws with the reason when it has not within `limit`.
outcome wait_end(client& of, job_id job,
                 std::chrono::milliseconds limit = std::chrono::seconds{60});
/// Where the job stands now.
[[nodiscard]] outcome look(client& of, job_id job);

/// The whole answer; throws with the reason when there is none.
[[nodiscard]] std::string result_of(client& of, job_id job);

/// Follows the job until `seen` is true of one of its events; false when it ended first.
[[nodiscard]] bool wait_event(client& of, job_id job,
                              const std::function<bool(schema::JobEvent::Reader)>& seen);

}  // namespace tandem::test
