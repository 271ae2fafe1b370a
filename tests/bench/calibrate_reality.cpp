// Whether a calibrated simulation tells the truth: calibrates a real engine, sends it Poisson
// traffic of mixed sizes at three loads, and lets the simulated engine of the profile take the very
// same calls in virtual time.
//   bench_calibrate_reality --config FILE --engine NAME [--seconds N] [--load-seconds N]
//   bench_calibrate_reality --url URL [--concurrency N] ...
// --seconds: to calibrate in; --load-seconds: of each load. A goal of issue 9: mean and p95 of the
// latency within 15%.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <queue>
#include <string>

#include "actors/engine/calibrate/backend_meter.hpp"
#include "actors/engine/calibrate/calibration.hpp"
#include "actors/engine/calibrate/prompt_maker.hpp"
#include "actors/engine/sim/sim_backend.hpp"
#include "actors/http/http_loop.hpp"
#include "config/load.hpp"
#include "schema/errc.hpp"
#include "tests/bench/bench_report.hpp"

namespace tandem::bench {
namespace {

using std::chrono::microseconds;

constexpr double goal_error = 0.15;
constexpr std::array loads{0.3, 0.6, 0.85};
constexpr double prompt_tokens_max = 400;
constexpr double answer_tokens_max = 64;
/// A machine with other work is now faster and now slower: calibration and loads take short turns.
constexpr std::size_t turns = 48;

struct settings {
  engine_config engine;
  double seconds = 30;
  double load_seconds = 20;
};

settings read_settings(int argc, char** argv) {
  std::map<std::string, std::string> given;
  for (int i = 1; i + 1 < argc; i += 2) given[argv[i]] = argv[i + 1];
  settings out;
  if (given.contains("--url")) {
    out.engine = {.name = "server", .kind = "http", .model = "default"};
    out.engine.http.url = given["--url"];
  } else if (given.contains("--config")) {
    auto config = load_config(given["--config"]);
    if (!config) give_up(message_of(config.error()));
    auto found = std::find_if(config->engines.begin(), config->engines.end(),
                              [&](const auto& each) { return each.name == given["--engine"]; });
    if (found == config->engines.end()) give_up("no such engine: " + given["--engine"]);
    out.engine = *found;
  } else {
    give_up("say --config FILE --engine NAME, or --url URL");
  }
  if (given.contains("--concurrency"))
    out.engine.concurrency = static_cast<std::uint32_t>(std::stoul(given["--concurrency"]));
  if (given.contains("--seconds")) out.seconds = std::stod(given["--seconds"]);
  if (given.contains("--load-seconds")) out.load_seconds = std::stod(given["--load-seconds"]);
  return out;
}

/// Sizes evenly spread over orders of magnitude.
std::vector<planned_call> traffic(prompt_maker& prompts, double seconds, double gap_us) {
  std::vector<planned_call> calls;
  for (double at = 0; at < seconds * 1e6;) {
    auto prompt = 8 * std::pow(prompt_tokens_max / 8, prompts.text().share());
    auto answer = std::pow(answer_tokens_max, prompts.text().share());
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

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (auto value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

/// Microseconds a call when there is always one waiting, as the simulation has it.
double capacity(const engine_config& engine, const sim_config& sim, prompt_maker& prompts) {
  auto calls = traffic(prompts, 1, 1e6 / 500);
  measured_round crowd;
  for (const auto& call : calls)
    crowd.push_back({.prompt_tokens = static_cast<double>(prompts.tokens_in(call.prompt)),
                     .written_tokens = static_cast<double>(call.tokens)});
  double last = 0;
  for (const auto& call : simulation{engine, sim}.take(crowd)) last = std::max(last, call.end_us);
  return last / static_cast<double>(crowd.size());
}

/// Before each load and after the last.
struct calibration_turns {
  std::vector<measured_round> all;
  std::vector<std::vector<measured_round>> each;
  /// By all of them.
  sim_config sim;

  /// The engine as fast as it was just before and after the load of that number.
  [[nodiscard]] sim_config at(std::size_t number) const {
    auto near = each.at(number);
    near.insert(near.end(), each.at(number + 1).begin(), each.at(number + 1).end());
    return slowed(sim, slowness(near, sim));
  }
};

/// Measures for a while.
void calibrate_more(backend_meter& meter, const settings& with, double seconds,
                    calibration_turns& into) {
  auto found = calibrate(meter, {.seconds = seconds,
                                 .requests_max = 1'000'000,
                                 .concurrency = with.engine.concurrency,
                                 .is_limited = true,
                                 .prompt_tokens = static_cast<std::uint32_t>(prompt_tokens_max),
                                 .answer_tokens = static_cast<std::uint32_t>(answer_tokens_max),
                                 .context_tokens = meter.status().context_tokens,
                                 .seed = into.each.size()});
  if (!found) give_up(message_of(found.error()));
  into.all.insert(into.all.end(), found->measured.begin(), found->measured.end());
  into.each.push_back(std::move(found->measured));
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
  for (std::size_t turn = 0; turn < turns; ++turn) {
    auto sim = calibrated.at(turn * loads.size() + one.number);
    add_latencies(one.real[turn], measured);
    add_latencies(simulation{engine, sim}.take(one.real[turn]), simulated);
  }
  auto p95 = percentile(measured, 0.95);
  auto sim_p95 = percentile(simulated, 0.95);
  auto mean_off = mean(simulated) / mean(measured) - 1;
  auto p95_off = sim_p95 / p95 - 1;
  std::printf("| %.0f%% | %zu | %.1f ms | %.1f ms | %+.1f%% | %.1f ms | %.1f ms | %+.1f%% |\n",
              one.load * 100, measured.size(), mean(measured), mean(simulated), mean_off * 100, p95,
              sim_p95, p95_off * 100);
  auto name = "load_" + std::to_string(std::lround(one.load * 100));
  into.figures[name + "_mean_off"] = mean_off;
  into.figures[name + "_p95_off"] = p95_off;
  into.ratio = std::max({into.ratio, std::abs(mean_off), std::abs(p95_off)});
}

int run(const settings& with) {
  const auto& engine = with.engine;
  auto meter =
      backend_meter::open(engine, {.http = std::make_shared<http_loop>()}, engine.concurrency);
  if (!meter) give_up(message_of(meter.error()));
  calibration_turns calibrated;
  calibrated.sim.slots = engine.concurrency;
  prompt_maker prompts{99};
  if (auto err = prompts.learn_size(**meter)) give_up(message_of(err));
  std::vector<comparison> taken;
  for (auto load : loads) taken.push_back({load, taken.size(), {}});
  double each_us = 0;
  auto slice_s = with.seconds / static_cast<double>(turns * loads.size());
  for (std::size_t turn = 0; turn < turns; ++turn) {
    for (auto& one : taken) {
      // More before the first guess of what the engine can bear.
      calibrate_more(**meter, with, each_us == 0 ? with.seconds / 8 : slice_s, calibrated);
      if (each_us == 0)
        each_us = capacity(engine, fit_times(calibrated.all, calibrated.sim), prompts);
      one.real.push_back(
          (*meter)->measure(traffic(prompts, with.load_seconds / turns, each_us / one.load)));
    }
  }
  calibrate_more(**meter, with, slice_s, calibrated);
  calibrated.sim = fit_times(calibrated.all, calibrated.sim);
  auto error = tandem::compare(calibrated.all, calibrated.sim);
  std::printf("calibrated by %zu calls, whose times are off by %.1f%% (median)\n\n", error.calls,
              100 * error.median);
  std::printf(
      "| load | calls | mean, measured | simulated | off | p95, measured | simulated | off |\n"
      "|---|---|---|---|---|---|---|---|\n");
  report result{.bench = "calibrate_reality", .figures = {}, .goal = goal_error, .ok = true};
  for (const auto& one : taken) compare(one, engine, calibrated, result);
  result.ok = result.ratio <= goal_error;
  std::printf("\n");
  return finish(result);
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  return tandem::bench::run(tandem::bench::read_settings(argc, argv));
}
