#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/journal/journal_actor.hpp"
#include "actors/virtual_time/virtual_clock.hpp"
#include "nodes/simulate/simulation.hpp"
#include "schema/attempt.capnp.h"

namespace tandem::simulation {

/// Adds up what happens in a run. Times are seconds since its beginning.
class run_account {
 public:
  explicit run_account(const run_options& options);

  void begin(virtual_clock::time_point now) { begin_ = now; }
  void on_call(schema::AttemptResult::Reader result, double sent_s, double now_s);
  /// This job is to be counted.
  void count_job(std::uint64_t number) { jobs_.try_emplace(number); }
  /// What jobs write to their journal; of those that are counted.
  void on_write(const journal_write& write);
  void on_job(std::uint64_t number, schema::JobSummary::Reader summary, double sent_s,
              double now_s);
  void on_failure(std::string_view why, bool of_job);

  [[nodiscard]] run_result finish();

 private:
  struct counted_job {
    bool wrong = false;
  };
  struct engine_work {
    std::string model;
    /// From when to when it had a call, in the order of their ends.
    std::vector<std::pair<double, double>> spells;
  };

  [[nodiscard]] double now_s() const;
  void add_model_call(std::string_view engine, std::string_view model, schema::Usage::Reader usage,
                      std::uint64_t queue_us, std::uint64_t total_us, double end_s);
  void add_usage(schema::Usage::Reader usage);
  void note_arrival(double sent_s, double end_s);

  const run_options& options_;
  run_result result_;
  virtual_clock::time_point begin_;
  std::unordered_map<std::uint64_t, counted_job> jobs_;
  std::unordered_map<std::string, engine_work> engines_;
  double first_s_ = -1;
  double last_s_ = 0;
  double end_s_ = 0;
};

}  // namespace tandem::simulation
