#include "tests/bench/reality.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "actors/http/http_loop.hpp"
#include "config/load.hpp"
#include "schema/errc.hpp"

namespace tandem::bench {
namespace {

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (auto value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

}  // namespace

reality_settings read_reality_settings(int argc, char** argv) {
  std::map<std::string, std::string> given{{"--config", TANDEM_SOURCE_DIR "/config/embedded.toml"},
                                           {"--engine", "planner-embedded"}};
  for (int i = 1; i + 1 < argc; i += 2) given[argv[i]] = argv[i + 1];
  reality_settings out;
  auto config = load_config(given["--config"]);
  if (!config) give_up(message_of(config.error()));
  out.config = std::move(*config);
  auto found = std::find_if(out.config.engines.begin(), out.config.engines.end(),
                            [&](const auto& each) { return each.name == given["--engine"]; });
  if (found == out.config.engines.end()) give_up("no such engine: " + given["--engine"]);
  out.engine = *found;
  if (given.contains("--url")) {
    out.engine = {.name = "server", .kind = "http", .model = found->model};
    out.engine.http.url = given["--url"];
  }
  if (given.contains("--sim")) {
    auto token = std::chrono::microseconds{std::llround(std::stod(given["--sim"]) * 1e3)};
    out.engine = {.name = "sim", .kind = "sim", .model = found->model};
    auto& sim = out.engine.sim;
    sim.first_token = 4 * token;
    sim.per_token = token;
    sim.per_token_batch = token / 10;
    sim.prefill_rate = 5e6 / static_cast<double>(token.count());
    sim.prefill_chunk = 512;
    sim.slots = 8;
    out.engine.concurrency = 8;
  }
  if (given.contains("--concurrency"))
    out.engine.concurrency = static_cast<std::uint32_t>(std::stoul(given["--concurrency"]));
  if (given.contains("--seconds")) out.seconds = std::stod(given["--seconds"]);
  if (given.contains("--load-seconds")) out.load_seconds = std::stod(given["--load-seconds"]);
  return out;
}

calibration_turns::calibration_turns(const reality_settings& with) : with_{with} {
  auto meter = backend_meter::open(with.engine, {.http = std::make_shared<http_loop>()},
                                   with.engine.concurrency);
  if (!meter) give_up(message_of(meter.error()));
  meter_ = std::move(*meter);
  sim_.slots = with.engine.concurrency;
}

void calibration_turns::measure() {
  auto slice_s = with_.seconds / static_cast<double>(reality_turns * reality_loads.size());
  auto found = calibrate(*meter_, {.seconds = each_.empty() ? with_.seconds / 8 : slice_s,
                                   .requests_max = 1'000'000,
                                   .concurrency = with_.engine.concurrency,
                                   .is_limited = true,
                                   .prompt_tokens = with_.prompt_tokens_max,
                                   .answer_tokens = with_.answer_tokens_max,
                                   .context_tokens = meter_->status().context_tokens,
                                   .seed = each_.size()});
  if (!found) give_up(message_of(found.error()));
  all_.insert(all_.end(), found->measured.begin(), found->measured.end());
  each_.push_back(std::move(found->measured));
}

void calibration_turns::fit() {
  sim_ = fit_times(all_, sim_);
}

sim_config calibration_turns::guess() const {
  return fit_times(all_, sim_);
}

fit_error calibration_turns::error() const {
  return compare(all_, sim_);
}

sim_config calibration_turns::at(std::size_t number) const {
  auto near = each_.at(number);
  near.insert(near.end(), each_.at(number + 1).begin(), each_.at(number + 1).end());
  return slowed(sim_, slowness(near, sim_));
}

void print_reality_head(const calibration_turns* calibrated, const char* what) {
  if (calibrated != nullptr) {
    auto error = calibrated->error();
    std::printf("calibrated by %zu calls, whose times are off by %.1f%% (median)\n\n", error.calls,
                100 * error.median);
  }
  std::printf(
      "| load | %s | mean, measured | simulated | off | p95, measured | simulated | off |\n", what);
  std::printf("|---|---|---|---|---|---|---|---|\n");
}

void add_reality(double load, std::vector<double> measured, std::vector<double> simulated,
                 report& into) {
  auto p95 = percentile(measured, 0.95);
  auto sim_p95 = percentile(simulated, 0.95);
  auto mean_off = mean_of(simulated) / mean_of(measured) - 1;
  auto p95_off = sim_p95 / p95 - 1;
  std::printf("| %.0f%% | %zu | %.1f ms | %.1f ms | %+.1f%% | %.1f ms | %.1f ms | %+.1f%% |\n",
              load * 100, measured.size(), mean_of(measured), mean_of(simulated), mean_off * 100,
              p95, sim_p95, p95_off * 100);
  auto name = "load_" + std::to_string(std::lround(load * 100));
  into.figures[name + "_mean_off"] = mean_off;
  into.figures[name + "_p95_off"] = p95_off;
  into.ratio = std::max({into.ratio, std::abs(mean_off), std::abs(p95_off)});
}

}  // namespace tandem::bench
