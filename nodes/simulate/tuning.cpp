#include "nodes/simulate/tuning.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "nodes/simulate/report.hpp"
#include "schema/errc.hpp"

namespace tandem::simulation {
namespace {

constexpr int passes = 2;
/// Seeds of the runs that measure are none of those that choose.
constexpr std::uint64_t measure_seeds_from = 1'000'003;

/// Student's t, 97.5%, by degrees of freedom from 1.
constexpr std::array<double, 30> t_975{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                                       2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
                                       2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
                                       2.060,  2.056, 2.052, 2.048, 2.045, 2.042};

tuning_figures figures_of(const run_result& r) {
  auto items = static_cast<double>(r.calls + r.jobs);
  auto ended = static_cast<double>(r.call_s.count() + r.job_s.count());
  auto time = r.call_s.mean() * static_cast<double>(r.call_s.count()) +
              r.job_s.mean() * static_cast<double>(r.job_s.count());
  auto in_time = static_cast<double>(r.in_time);
  return {.usd_per_1k_right = usd_per_1k_right(r),
          .mean_s = ended > 0 ? time / ended : 0,
          .in_time_per_s = r.span_s > 0 ? in_time / r.span_s : 0,
          .right = items > 0 ? static_cast<double>(r.right) / items : 0,
          .in_time = items > 0 ? in_time / items : 0};
}

/// As a share of what it was: how much less there is of it.
double less(double was, double is) {
  // Without one right answer there is no cost of one: nothing is worse.
  return was > 0 && is > 0 ? 1 - is / was : was > 0 ? -1 : 0;
}

double gain(tuning_goal goal, const tuning_figures& was, const tuning_figures& is) {
  if (goal == tuning_goal::cost) return less(was.usd_per_1k_right, is.usd_per_1k_right);
  if (goal == tuning_goal::latency) return less(was.mean_s, is.mean_s);
  return was.in_time_per_s > 0 ? is.in_time_per_s / was.in_time_per_s - 1 : 0;
}

bool same(const tuning_figures& a, const tuning_figures& b) {
  return a.usd_per_1k_right == b.usd_per_1k_right && a.mean_s == b.mean_s &&
         a.in_time_per_s == b.in_time_per_s && a.right == b.right && a.in_time == b.in_time;
}

/// Values by key, beside the config's.
using settings = std::map<std::string, std::string>;

struct comparison {
  paired_gain gain;
  bool accepted = false;
};

class search {
 public:
  explicit search(const tuning_options& options) : options_{options} {}

  caf::expected<tuning_result> run() {
    if (auto err = check_goal()) return err;
    for (const auto& each : knobs_of(options_.base.config)) knobs_.push_back(each);
    for (int pass = 0; pass < passes && !done_; ++pass) {
      auto before = chosen_;
      for (const auto& each : knobs_)
        if (auto err = turn(each)) return err;
      if (chosen_ == before) break;
    }
    if (auto err = confirm()) return err;
    return std::move(out_);
  }

 private:
  [[nodiscard]] node_config config_with(const settings& with) const {
    auto config = options_.base.config;
    for (const auto& [key, value] : with) std::ignore = set_value(config, key, value);
    return config;
  }

  /// Nothing: no run is left.
  caf::expected<std::optional<tuning_figures>> figures(const settings& with, bool measure,
                                                       std::uint32_t number) {
    std::string name = (measure ? "m" : "c") + std::to_string(number);
    for (const auto& [key, value] : with) name += '\n' + key + '=' + value;
    if (auto found = known_.find(name); found != known_.end()) return std::optional{found->second};
    if (out_.runs >= options_.runs_max) return std::optional<tuning_figures>{};
    ++out_.runs;
    const auto& from = measure ? options_.measure : options_.choose;
    auto how = options_.base;
    how.config = config_with(with);
    how.seed += number + (measure ? measure_seeds_from : 0);
    how.warm_up_s = from.warm_up_s;
    auto work = from.open(how.seed);
    if (!work) return work.error();
    auto result = simulation::run(how, **work);
    if (!result) return result.error();
    return std::optional{known_.emplace(std::move(name), figures_of(*result)).first->second};
  }

  caf::error check_goal() {
    auto now = figures({}, false, 0);
    if (!now) return now.error();
    if (!*now) return make_error(errc::invalid_argument, "no run is allowed");
    const auto& f = **now;
    if (options_.goal == tuning_goal::cost && !(f.usd_per_1k_right > 0))
      return make_error(errc::invalid_argument,
                        f.right > 0 ? "the models have no prices (input_price, output_price), so "
                                      "there is nothing to save"
                                    : "not one answer is right, whose cost could be less");
    if (options_.goal == tuning_goal::latency && !(f.mean_s > 0))
      return make_error(errc::invalid_argument, "nothing ends well, or nothing takes any time");
    if (options_.goal == tuning_goal::throughput && !(f.in_time_per_s > 0))
      return make_error(errc::invalid_argument, "nothing is in time");
    return caf::none;
  }

  /// In pairs of runs. `eager`: gives up as soon as it looks like nothing.
  caf::expected<std::optional<comparison>> compare(const settings& was, const settings& is,
                                                   bool measure, bool eager) {
    std::vector<double> gains, right, in_time, cheaper;
    comparison out;
    for (std::uint32_t i = 0; i < options_.seeds; ++i) {
      auto a = figures(was, measure, i);
      if (!a) return a.error();
      auto b = figures(is, measure, i);
      if (!b) return b.error();
      if (!*a || !*b) return std::optional<comparison>{};
      gains.push_back(gain(options_.goal, **a, **b));
      right.push_back((*b)->right - (*a)->right);
      in_time.push_back((*b)->in_time - (*a)->in_time);
      cheaper.push_back(less((*a)->usd_per_1k_right, (*b)->usd_per_1k_right));
      out.gain = gain_of(gains);
      if (eager && i == 0 && same(**a, **b)) return std::optional{out};
      if (eager && i == 1 && *std::max_element(gains.begin(), gains.end()) < options_.gain_min)
        return std::optional{out};
    }
    out.accepted =
        out.gain.low > 0 && out.gain.mean >= options_.gain_min &&
        gain_of(right).low >= -options_.tolerance && gain_of(in_time).low >= -options_.tolerance &&
        (options_.goal == tuning_goal::cost || gain_of(cheaper).low >= -options_.tolerance);
    return std::optional{out};
  }

  /// What confirming takes must be left.
  [[nodiscard]] bool has_runs() const {
    auto needed = options_.seeds * (order_.size() + 4);
    return out_.runs + needed <= options_.runs_max;
  }

  void stop(const char* why) {
    done_ = true;
    out_.stopped = why;
  }

  caf::error turn(const knob& knob) {
    auto now = config_with(chosen_);
    if (done_ || !knob.matters(now)) return caf::none;
    auto present = value_in(now, knob.key);
    std::string best;
    double best_low = 0;
    for (const auto& value : knob.values) {
      if (done_ || value == present || !tried_.insert({knob.key, value, chosen_}).second) continue;
      if (!options_.may_go_on()) stop("time");
      if (!has_runs()) stop("runs");
      if (done_) break;
      auto with = chosen_;
      with[knob.key] = value;
      ++out_.values_tried;
      options_.on_try(knob.key + " = " + value);
      auto found = compare(chosen_, with, false, true);
      if (!found) return found.error();
      if (!*found) stop("runs");
      if (*found && (*found)->accepted && (*found)->gain.low > best_low) {
        best = value;
        best_low = (*found)->gain.low;
      }
    }
    if (!best.empty()) choose(knob, best);
    return caf::none;
  }

  void choose(const knob& knob, const std::string& value) {
    chosen_[knob.key] = value;
    std::erase(order_, &knob);
    order_.push_back(&knob);
    // Back at what is configured: nothing is proposed.
    if (value != value_in(options_.base.config, knob.key)) return;
    chosen_.erase(knob.key);
    order_.pop_back();
  }

  [[nodiscard]] tuning_proposal proposal_of(const knob& knob, const paired_gain& by) const {
    return {.key = knob.key,
            .now = value_in(options_.base.config, knob.key),
            .proposed = chosen_.at(knob.key),
            .can_try = knob.can_try,
            .gain = by};
  }

  caf::error confirm() {
    auto kept = chosen_;
    // The last first: it was found with those before it in place.
    for (auto each = order_.rbegin(); each != order_.rend(); ++each) {
      auto without = kept;
      without.erase((*each)->key);
      auto found = compare(without, kept, true, false);
      if (!found) return found.error();
      auto made = proposal_of(**each, *found ? (*found)->gain : paired_gain{});
      auto good = *found && (*found)->accepted;
      if (!good) kept = without;
      auto& list = good ? out_.proposals : out_.unconfirmed;
      list.insert(list.begin(), std::move(made));
    }
    auto all = compare({}, kept, true, false);
    if (!all) return all.error();
    if (!kept.empty() && !(*all && (*all)->accepted)) {
      for (auto& each : out_.proposals) out_.unconfirmed.push_back(std::move(each));
      out_.proposals.clear();
      kept.clear();
    } else if (*all) {
      out_.gain = (*all)->gain;
    }
    return sum_up(kept);
  }

  caf::error sum_up(const settings& kept) {
    for (auto [with, sums] : {std::pair{settings{}, &out_.now}, {kept, &out_.then}}) {
      double runs = 0;
      for (std::uint32_t i = 0; i < options_.seeds; ++i) {
        auto each = figures(with, true, i);
        if (!each) return each.error();
        if (!*each) continue;
        ++runs;
        sums->usd_per_1k_right += (*each)->usd_per_1k_right;
        sums->mean_s += (*each)->mean_s;
        sums->in_time_per_s += (*each)->in_time_per_s;
        sums->right += (*each)->right;
        sums->in_time += (*each)->in_time;
      }
      for (auto* sum : {&sums->usd_per_1k_right, &sums->mean_s, &sums->in_time_per_s, &sums->right,
                        &sums->in_time})
        *sum /= std::max(runs, 1.0);
    }
    return caf::none;
  }

  const tuning_options& options_;
  std::vector<knob> knobs_;
  settings chosen_;
  /// As they were found.
  std::vector<const knob*> order_;
  std::set<std::tuple<std::string, std::string, settings>> tried_;
  std::map<std::string, tuning_figures> known_;
  tuning_result out_;
  bool done_ = false;
};

}  // namespace

paired_gain gain_of(const std::vector<double>& differences) {
  paired_gain out{.pairs = static_cast<std::uint32_t>(differences.size())};
  if (differences.empty()) return out;
  auto count = static_cast<double>(differences.size());
  for (auto each : differences) out.mean += each / count;
  out.low = out.high = out.mean;
  if (differences.size() < 2) return out;
  double squares = 0;
  for (auto each : differences) squares += (each - out.mean) * (each - out.mean);
  auto t = t_975[std::min(differences.size() - 2, t_975.size() - 1)];
  auto half = t * std::sqrt(squares / (count - 1) / count);
  out.low -= half;
  out.high += half;
  return out;
}

caf::expected<tuning_result> tune(const tuning_options& options) {
  if (options.seeds < 2 || options.seeds > t_975.size())
    return make_error(errc::invalid_argument, "a change is judged by 2 to 30 pairs of runs");
  return search{options}.run();
}

std::string policy_to_try(const node_config& now, const std::vector<tuning_proposal>& proposals) {
  auto name = now.routing.policy;
  std::string with;
  for (const auto& each : proposals) {
    if (!each.can_try) continue;
    if (each.key == "routing.policy")
      name = each.proposed.substr(1, each.proposed.size() - 2);
    else
      with +=
          (with.empty() ? "" : ",") + each.key.substr(each.key.find('.') + 1) + '=' + each.proposed;
  }
  if (with.empty()) return name == now.routing.policy ? "" : name;
  // What its name carries already goes on, but for what is proposed anew.
  if (name.ends_with(')')) {
    name.pop_back();
    return name + ',' + with + ')';
  }
  return name + '(' + with + ')';
}

}  // namespace tandem::simulation
