#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/sourced_number.hpp"
#include "nodes/economics/break_even.hpp"
#include "nodes/economics/capacity.hpp"

namespace tandem {

/// What one call of a pool's model takes; nothing where it is not known.
struct call_times {
  sourced_number first_token_ms;
  /// Of an engine that has nothing else to do.
  sourced_number per_token_ms;
  /// Added to it by a full batch; in between by the utilisation.
  double batch_ms = 0;
  /// To read one token of the prompt.
  double read_ms = 0;
};

/// All engines of one model, or one provider's API. Engines where `capacity` is there, else a price
/// for each token, or for each call.
struct pool_inputs {
  std::string name;
  std::optional<engine_capacity> capacity;
  /// By what factor the engine's rate may be off: `capacity->factor` at the workload's tokens.
  sourced_number rate_factor;
  sourced_number gpus;
  sourced_number gpu_hour_usd;
  /// Beyond the GPUs: 0.3 is 30%.
  sourced_number overhead;
  sourced_number utilisation;
  sourced_number spares;
  /// US dollars per million tokens.
  std::optional<sourced_number> input_price;
  std::optional<sourced_number> output_price;
  /// What a call costs on average, as it was billed.
  std::optional<sourced_number> usd_per_call;
  std::optional<call_times> times;
  /// As stated by whoever gave the figures; for finding contradictions, and times where there are
  /// no others.
  std::optional<double> stated_latency_ms;
  std::optional<double> stated_usd_per_1k;
  std::optional<double> stated_gpu_hour_usd;
  std::optional<double> stated_requests_per_s;
  /// Whether somebody said them, or they are the defaults.
  bool sets_overhead = false;
  bool sets_utilisation = false;

  [[nodiscard]] bool is_hosted() const { return capacity.has_value(); }
};

enum class job_shape : unsigned char {
  /// Each request is one call; a share of them goes to the large model.
  calls,
  /// Each request is a job: planned by the large model, carried out by the small one.
  jobs,
};

struct workload_inputs {
  job_shape shape = job_shape::calls;
  /// Requests a second over the year's running hours, and the busiest minute's share of it.
  sourced_number qps;
  sourced_number peak;
  /// Share of the year in which it runs.
  sourced_number duty;
  /// Tokens of one call.
  sourced_number input_tokens;
  sourced_number output_tokens;
  /// Share of the input that is in prefix caches.
  sourced_number cache_hit;
  sourced_number large_share;
  sourced_number plan_calls;
  sourced_number steps;
  /// Steps one behind the other on the longest path.
  sourced_number serial_steps;
  sourced_number checks;
  sourced_number replan;
  sourced_number plan_hits;
  sourced_number retry;
  sourced_number escalate;
  /// Calls of the large model that do the same without Tandem; 0: as many as plan calls and steps.
  sourced_number baseline_calls;
  sourced_number plan_tokens;
  sourced_number compose_calls;
  /// Shares of requests that are answered right.
  sourced_number right_large;
  sourced_number right_small;
  sourced_number right_tandem;
  bool knows_right_small = false;
};

struct money_inputs {
  sourced_number build_usd;
  sourced_number running_usd_year;
  sourced_number build_months;
  sourced_number discount;
  /// How long it will run.
  sourced_number months;
};

struct limit_inputs {
  /// Of a whole request.
  std::optional<double> latency_ms;
  bool needs_extreme_consistency = false;
  bool has_room_for_complexity = true;
};

struct assess_inputs {
  pool_inputs large;
  pool_inputs small;
  workload_inputs workload;
  money_inputs money;
  limit_inputs limits;
};

/// How a number of the inputs is read: as it is, drawn from its range, or another instead.
using number_reader = std::function<double(const sourced_number&)>;

/// What a number of the inputs belongs to.
enum input_group : unsigned {
  /// How many calls of which model a request takes.
  in_mix = 1,
  in_tokens = 2,
  /// How many requests there are.
  in_load = 4,
  in_quality = 8,
  in_large = 16,
  in_small = 32,
  in_running = 64,
  in_building = 128,
  in_times = 512,
  /// Of the large and the small engine.
  in_large_rate = 1024,
  in_small_rate = 2048,
  /// How many calls the baseline takes.
  in_baseline = 4096,
  /// A choice and no fact, such as spare engines: never measured nor assumed.
  is_choice = 256,
};

/// What a number of the inputs is for people, and where it is.
struct named_input {
  std::string name;
  const sourced_number* number = nullptr;
  unsigned groups = 0;
  /// How somebody finds out.
  std::string measure;
};
/// Every number that counts in this shape and for these pools. They live as long as the inputs.
[[nodiscard]] std::vector<named_input> numbers_of(const assess_inputs& inputs);

/// Everything at one draw of all numbers: what is asked of it is plain arithmetic.
class scenario {
 public:
  scenario(const assess_inputs& inputs, const number_reader& read);

  /// US dollars a 1,000 calls: engines at their utilisation, or the API's price.
  [[nodiscard]] double large_usd_per_1k() const { return large_.usd_per_1k; }
  [[nodiscard]] double small_usd_per_1k() const { return small_.usd_per_1k; }
  /// Requests a second of one engine at full load; 0: none.
  [[nodiscard]] double large_rate() const { return large_.rate; }
  [[nodiscard]] double small_rate() const { return small_.rate; }
  /// Calls a request.
  [[nodiscard]] double large_calls() const { return large_calls_; }
  [[nodiscard]] double small_calls() const { return small_calls_; }
  [[nodiscard]] double baseline_calls() const { return baseline_calls_; }
  /// US dollars a request.
  [[nodiscard]] double job_usd() const;
  [[nodiscard]] double baseline_usd() const;
  /// US dollars a request that is answered right.
  [[nodiscard]] double right_job_usd() const { return job_usd() / right_tandem_; }
  [[nodiscard]] double right_baseline_usd() const { return baseline_usd() / right_large_; }
  /// If the small model did all calls of the baseline.
  [[nodiscard]] double right_small_usd() const;
  [[nodiscard]] double right_large() const { return right_large_; }
  [[nodiscard]] double right_small() const { return right_small_; }
  [[nodiscard]] double right_tandem() const { return right_tandem_; }
  /// Share saved of the baseline's cost.
  [[nodiscard]] double saving_share() const { return 1 - job_usd() / baseline_usd(); }

  /// Of one call, where it is known.
  [[nodiscard]] std::optional<double> large_call_ms() const { return large_.call_ms; }
  [[nodiscard]] std::optional<double> small_call_ms() const { return small_.call_ms; }

  [[nodiscard]] const two_fleets& fleets() const { return fleets_; }
  [[nodiscard]] double qps() const { return qps_; }
  /// US dollars a year, engines counted one by one.
  [[nodiscard]] double yearly_saving() const { return fleets_.saving(qps_); }
  /// Months to build and to earn it back; nothing where it is never earned back.
  [[nodiscard]] std::optional<double> payback_months() const;
  [[nodiscard]] std::optional<double> return_on_investment() const;
  [[nodiscard]] double net_present_value() const;
  [[nodiscard]] double months() const { return 12 * years_; }

  /// Of a request; nothing where the times of a pool are not known.
  [[nodiscard]] std::optional<double> latency_ms() const { return latency_; }
  [[nodiscard]] std::optional<double> baseline_latency_ms() const { return baseline_latency_; }

 private:
  struct pool {
    double rate = 0;
    double usd_per_1k = 0;
    fleet_term term;
    std::optional<double> call_ms;
  };
  static pool make_pool(const pool_inputs& inputs, const workload_inputs& work,
                        const number_reader& read);
  void count_calls(const workload_inputs& work, const number_reader& read);
  void add_up(const assess_inputs& inputs, const number_reader& read);
  void time_it(const assess_inputs& inputs, const number_reader& read);

  pool large_;
  pool small_;
  double large_calls_ = 0;
  double small_calls_ = 0;
  double baseline_calls_ = 0;
  double right_large_ = 1;
  double right_small_ = 1;
  double right_tandem_ = 1;
  double qps_ = 0;
  double build_usd_ = 0;
  double build_months_ = 0;
  double discount_ = 0;
  double years_ = 0;
  two_fleets fleets_;
  std::optional<double> latency_;
  std::optional<double> baseline_latency_;
};

}  // namespace tandem
