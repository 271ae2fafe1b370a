#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "actors/engine/calibrate/backend_meter.hpp"
#include "actors/engine/calibrate/calibration.hpp"
#include "config/node_config.hpp"
#include "tests/bench/bench_report.hpp"

namespace tandem::bench {

/// Shares of what an engine can bear at which a simulation is held against it.
inline constexpr std::array reality_loads{0.3, 0.6, 0.85};
/// A machine with other work is now faster and now slower: calibration and loads take short turns.
inline constexpr std::size_t reality_turns = 48;

struct reality_settings {
  node_config config;
  engine_config engine;
  /// To calibrate in, and of each load.
  double seconds = 30;
  double load_seconds = 20;
  /// The longest of what is measured: as long as what is asked for then.
  std::uint32_t prompt_tokens_max = 400;
  std::uint32_t answer_tokens_max = 64;
};

/// `--config FILE` (config/embedded.toml), `--engine NAME` (planner-embedded), `--url URL`: a
/// server in its place; `--concurrency N`, `--seconds N`, `--load-seconds N`. Exits where they are
/// wrong.
[[nodiscard]] reality_settings read_reality_settings(int argc, char** argv);

/// Of an engine by itself, before each load and after the last.
class calibration_turns {
 public:
  /// Exits where it cannot be measured.
  explicit calibration_turns(const reality_settings& with);

  /// Measures for a while, more the first time.
  void measure();
  /// By all that was measured, its times fitted.
  void fit();
  /// The profile until now.
  [[nodiscard]] sim_config guess() const;
  [[nodiscard]] fit_error error() const;
  /// The engine as fast as it was just before and after the load of that number. After fit().
  [[nodiscard]] sim_config at(std::size_t number) const;
  [[nodiscard]] backend_meter& meter() { return *meter_; }

 private:
  reality_settings with_;
  std::unique_ptr<backend_meter> meter_;
  std::vector<measured_round> all_;
  std::vector<std::vector<measured_round>> each_;
  sim_config sim_;
};

/// Null: nothing was calibrated.
void print_reality_head(const calibration_turns* calibrated, const char* what);

/// One line of the table, and its figures into the report: milliseconds, as they came.
void add_reality(double load, std::vector<double> measured, std::vector<double> simulated,
                 report& into);

/// The goal of each figure: a mean or a p95 that is off by no more.
inline constexpr double reality_goal = 0.15;

}  // namespace tandem::bench
