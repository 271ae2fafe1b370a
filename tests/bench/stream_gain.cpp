// What is gained by starting steps while the plan is still being written: a planner of 40 tokens/s,
// plans of 8 steps of 25 tokens each, steps of 1 s; all ten times as fast. The peer of the same
// run: the same plans in the same time, but all of their text at the end.

#include <atomic>
#include <cstdio>
#include <mutex>

#include <caf/actor_system.hpp>

#include "tests/bench/bench.hpp"
#include "tests/bench/http_bench.hpp"
#include "tests/bench/load.hpp"
#include "tests/support/stub_engine.hpp"

namespace tandem::bench {
namespace {

using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr double tokens_per_s = 400;
constexpr std::uint32_t step_tokens = 25;
constexpr auto step_time = 100ms;
constexpr std::uint64_t jobs = 5;

struct shape {
  const char* name;
  /// What each of the 8 steps needs.
  std::vector<std::vector<unsigned>> needs;
};

const std::vector<shape>& shapes() {
  static const std::vector<shape> all{
      {"chain of 8", {{}, {1}, {2}, {3}, {4}, {5}, {6}, {7}}},
      {"two chains of 4", {{}, {}, {1}, {2}, {3}, {4}, {5}, {6, 7}}},
      {"1, 3, 3, 1", {{}, {1}, {1}, {1}, {2}, {3}, {4}, {5, 6, 7}}},
      {"4, 3, 1", {{}, {}, {}, {}, {1, 2}, {2, 3}, {3, 4}, {5, 6, 7}}},
  };
  return all;
}

/// Steps of equal length, so that tokens fall on their ends.
std::string plan_of(const shape& form) {
  constexpr std::size_t step_bytes = 120;
  std::string plan = R"({"steps":[)";
  for (std::size_t i = 0; i < form.needs.size(); ++i) {
    std::string needs;
    for (auto id : form.needs[i]) needs += (needs.empty() ? "" : ",") + std::to_string(id);
    auto step = (i == 0 ? "" : ",") + (R"({"id":)" + std::to_string(i + 1)) + R"(,"depends_on":[)" +
                needs + R"(],"prompt":"step )" + std::to_string(i + 1);
    step.resize(step_bytes - 2, '.');
    plan += step + R"("})";
  }
  return plan + "]}";
}

/// Written by the stub's thread, read when it is idle.
struct trace {
  std::mutex mutex;
  clock::time_point planned;
  std::vector<double> first_steps;
  bool waits_for_step = false;

  void on_plan() {
    std::lock_guard lock{mutex};
    planned = clock::now();
    waits_for_step = true;
  }
  void on_step() {
    std::lock_guard lock{mutex};
    if (waits_for_step) first_steps.push_back(seconds_since(planned));
    waits_for_step = false;
  }
};

test::stub_answer answer_of(const std::string& plan, bool streamed, bool is_plan) {
  if (!is_plan) {
    auto step = test::stub_answer::say("42");
    step.first_token = step_time;
    return step;
  }
  auto tokens = 8 * step_tokens;
  auto answer = test::stub_answer::say(plan, streamed ? tokens : 1, streamed ? tokens_per_s : 0);
  answer.usage = R"({"prompt_tokens":10,"completion_tokens":)" + std::to_string(tokens) + "}";
  if (!streamed)
    answer.first_token = std::chrono::microseconds{static_cast<long>(1e6 * tokens / tokens_per_s)};
  return answer;
}

/// Median seconds of a job.
double time_jobs(test::stub_engine& stub, node& node, const std::string& plan, bool streamed,
                 trace& seen) {
  stub.set_handler([&, streamed](const test::stub_request& request) {
    auto is_plan = request.system == "plan";
    if (is_plan) {
      seen.on_plan();
    } else {
      seen.on_step();
    }
    return answer_of(plan, streamed, is_plan);
  });
  auto load = run_load(node.system(), node.planner(), {make_submit("a goal")}, jobs, 1);
  if (load.failed != 0) std::exit(2);
  return percentile(load.latencies, 0.5);
}

int run() {
  temp_folder folder{"stream-gain"};
  test::stub_engine stub{{.count_prompts = false}};
  auto node = start_node(http_engines(folder.path() / "node", stub.url()));
  trace ignored;
  static_cast<void>(time_jobs(stub, *node, plan_of(shapes()[3]), false, ignored));
  report result{.bench = "stream_gain"};
  trace seen;
  double sum = 0;
  for (const auto& form : shapes()) {
    auto plan = plan_of(form);
    auto streamed = time_jobs(stub, *node, plan, true, seen);
    auto whole = time_jobs(stub, *node, plan, false, ignored);
    auto gain = 1 - streamed / whole;
    sum += gain;
    std::printf("%-16s streamed %.2f s, after the plan's end %.2f s: %.0f%% shorter\n", form.name,
                10 * streamed, 10 * whole, 100 * gain);
  }
  node->stop();
  auto gain = sum / static_cast<double>(shapes().size());
  // From the request for the plan; step 1 is written when its 25 tokens are.
  auto first = percentile(seen.first_steps, 0.5);
  auto allowed = 2 * step_tokens / tokens_per_s;
  result.figures = {{"gain_mean", gain},
                    {"first_step_s", 10 * first},
                    {"first_step_written_s", 10 * step_tokens / tokens_per_s},
                    {"first_step_allowed_s", 10 * allowed}};
  result.ratio = 1 - gain;
  result.goal = goal("stream_gain", "gain_min");
  result.ok = gain >= result.goal && first <= allowed;
  std::printf("mean %.0f%% shorter; step 1 starts %.0f ms after its last token was written\n",
              100 * gain, 1e4 * (first - step_tokens / tokens_per_s));
  return finish(result);
}

}  // namespace
}  // namespace tandem::bench

int main() {
  return tandem::bench::run();
}
