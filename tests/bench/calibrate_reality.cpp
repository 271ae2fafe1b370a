// Whether a calibrated simulation tells the truth: calibrates a real engine, sends it Poisson
// traffic of mixed sizes at three loads, and lets the simulated engine of the profile take the very
// same calls in virtual time.
//   bench_calibrate_reality [--config FILE] [--engine NAME] [--seconds N] [--load-seconds N]
//   bench_calibrate_reality --url URL [--concurrency N] ...
// See reality.hpp. A goal of issue 9: mean and p95 of the latency within 15%.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <queue>
#include <string>

#include "actors/engine/calibrate/prompt_maker.hpp"
#include "actors/engine/sim/sim_backend.hpp"
#include "schema/errc.hpp"
#include "tests/bench/reality.hpp"

namespace tandem::bench {
namespace {

using std::chrono::microseconds;

/// Sizes evenly spread over orders of magnitude.
std::vector<planned_call> traffic(prompt_maker& prompts, const reality_settings& with,
                                  double seconds, double gap_us) {
  std::vector<planned_call> calls;
  for (double at = 0; at < seconds * 1e6;) {
    auto prompt = 8 * std::pow(with.prompt_tokens_max / 8.0, prompts.text().share());
    auto answer = std::pow(with.answer_tokens_max, prompts.text().share());
    calls.push_back(
        {at, prompts.of_tokens(prompt), static_cast<std::uint32_t>(std::lround(answer))});
    at -= gap_us * std::log(1 - prompts.text().share());
  }
  return calls;
}

/// The same calls at the simulated engine, as an engine actor would send them.
class simulation {
 public:
  explicit simulation(const engine_config& engine, const sim_config& sim)
      : at_once_{engine.concurrency},
        server_{{.name = "sim", .kind = "sim", .sim = sim}, {}, [this] {
                  return std::chrono::steady_clock::time_point{now_};
                }} {}

  measured_round take(const measured_round& calls) {
    out_ = calls;
    for (std::size_t next = 0; next < calls.size() || !wakes_.empty();) {
      auto arrives =
          next < calls.size() ? microseconds{std::llround(calls[next].at_us)} : microseconds::max();
      if (wakes_.empty() || arrives < wakes_.top().first) {
        now_ = arrives;
        waiting_.push(next++);
      } else {
        auto [at, call] = wakes_.top();
        wakes_.pop();
        now_ = at;
        hear(call, server_.resume(call + 1));
      }
      while (at_work_ < at_once_ && !waiting_.empty()) {
        auto call = waiting_.front();
        waiting_.pop();
        begin(call);
      }
    }
    return out_;
  }

 private:
  void begin(std::size_t call) {
    ++at_work_;
    auto tokens = std::llround(out_[call].prompt_tokens - out_[call].cached_tokens);
    hear(call, server_.start({.id = call + 1,
                              .messages = {{schema::Role::USER, "@sim {\"prompt_tokens\":" +
                                                                    std::to_string(tokens) + "}"}},
                              .max_tokens = static_cast<std::uint32_t>(out_[call].written_tokens),
                              .stream = false,
                              .ignore_end = true}));
  }
  void hear(std::size_t call, progress news) {
    if (auto* pause = std::get_if<microseconds>(&news)) {
      wakes_.emplace(now_ + *pause, call);
    } else if (std::holds_alternative<generation>(news)) {
      out_[call].end_us = static_cast<double>(now_.count());
      --at_work_;
    }
  }

  using wake = std::pair<microseconds, std::size_t>;
  std::size_t at_once_;
  microseconds now_{0};
  sim_backend server_;
  std::priority_queue<wake, std::vector<wake>, std::greater<>> wakes_;
  std::queue<std::size_t> waiting_;
  std::size_t at_work_ = 0;
  measured_round out_;
};

void add_latencies(const measured_round& calls, std::vector<double>& to) {
  for (const auto& call : calls)
    if (call.code == errc::unknown) to.push_back((call.end_us - call.at_us) / 1e3);
}

/// Microseconds a call when there is always one waiting, as the simulation has it.
double capacity(const reality_settings& with, const sim_config& sim, prompt_maker& prompts) {
  auto calls = traffic(prompts, with, 1, 1e6 / 500);
  measured_round crowd;
  for (const auto& call : calls)
    crowd.push_back({.prompt_tokens = static_cast<double>(prompts.tokens_in(call.prompt)),
                     .written_tokens = static_cast<double>(call.tokens)});
  double last = 0;
  for (const auto& call : simulation{with.engine, sim}.take(crowd))
    last = std::max(last, call.end_us);
  return last / static_cast<double>(crowd.size());
}

struct comparison {
  double load = 0;
  /// Within a turn.
  std::size_t number = 0;
  /// Of each turn, from an idle engine to an idle engine.
  std::vector<measured_round> real;
};

void compare(const comparison& one, const engine_config& engine,
             const calibration_turns& calibrated, report& into) {
  std::vector<double> measured;
  std::vector<double> simulated;
  for (std::size_t turn = 0; turn < reality_turns; ++turn) {
    auto sim = calibrated.at(turn * reality_loads.size() + one.number);
    add_latencies(one.real[turn], measured);
    add_latencies(simulation{engine, sim}.take(one.real[turn]), simulated);
  }
  add_reality(one.load, std::move(measured), std::move(simulated), into);
}

int run(const reality_settings& with) {
  calibration_turns calibrated{with};
  prompt_maker prompts{99};
  if (auto err = prompts.learn_size(calibrated.meter())) give_up(message_of(err));
  std::vector<comparison> taken;
  for (auto load : reality_loads) taken.push_back({load, taken.size(), {}});
  double each_us = 0;
  for (std::size_t turn = 0; turn < reality_turns; ++turn)
    for (auto& one : taken) {
      calibrated.measure();
      if (each_us == 0) each_us = capacity(with, calibrated.guess(), prompts);
      one.real.push_back(calibrated.meter().measure(
          traffic(prompts, with, with.load_seconds / reality_turns, each_us / one.load)));
    }
  calibrated.measure();
  calibrated.fit();
  print_reality_head(&calibrated, "calls");
  report result{.bench = "calibrate_reality", .figures = {}, .goal = reality_goal, .ok = true};
  for (const auto& one : taken) compare(one, with.engine, calibrated, result);
  result.ok = result.ratio <= reality_goal;
  std::printf("\n");
  return finish(result);
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  return tandem::bench::run(tandem::bench::read_reality_settings(argc, argv));
}
