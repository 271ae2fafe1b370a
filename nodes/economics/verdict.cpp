#include "nodes/economics/verdict.hpp"

#include <optional>

#include "nodes/economics/figures.hpp"

namespace tandem {
namespace {

constexpr double rate_min = 50;
constexpr double months_min = 3;
constexpr double latency_min_ms = 10;
constexpr double all_complex = 0.95;
constexpr double loss_chance_max = 0.1;
/// Between break-even and this many times as much, little is left when traffic falls.
constexpr double break_even_room = 1.25;
constexpr double same_quality = 0.01;

std::string range_of(const assessed_number& of, std::string (*text)(double),
                     std::string_view what = "") {
  if (!of.range) return {};
  return " (" + std::string{what} + "p10 " + text(of.range->p10) + ", p90 " + text(of.range->p90) +
         ")";
}

/// What would have to be true instead: the first input that alone can turn the outcome, and what
/// the share of calls for the large model does, where nobody has measured it.
std::string turning_text(const assess_inputs& inputs, const assessment& so_far) {
  std::string text;
  for (const auto& input : so_far.deciding) {
    if (!input.turning) continue;
    auto pays_below = input.worth_at_low > input.worth_at_high;
    text = "it pays where \"" + input.name + "\" is " + (pays_below ? "below " : "above ") +
           figure(*input.turning) + " (" + std::string{to_string(input.kind)} + ": " +
           figure(input.value) + "); that decides, so measure it: " + input.measure;
    break;
  }
  if (!text.empty()) return text;
  const auto& share = inputs.workload.shape == job_shape::calls ? inputs.workload.large_share
                                                                : inputs.workload.escalate;
  text = "no input alone, within its range, changes that";
  if (share.kind == number_kind::assumed && share.has_range())
    text += "; nor does the share that needs the large model, which nobody has measured (" +
            figure(share.low) + " to " + figure(share.high) + ")";
  return text;
}

class judgement {
 public:
  judgement(const assess_inputs& inputs, const scenario& now, const assessment& so_far)
      : inputs_{inputs}, now_{now}, so_far_{so_far} {}

  assess_verdict run() {
    for (auto check : {&judgement::no_inference, &judgement::too_slow, &judgement::no_room,
                       &judgement::one_model, &judgement::dear_small, &judgement::dear_right_job,
                       &judgement::no_saving, &judgement::late_payback, &judgement::lost_money,
                       &judgement::likely_loss}) {
      if (auto found = (this->*check)()) {
        found->kind = verdict_kind::not_recommended;
        return *found;
      }
    }
    care();
    return made_;
  }

 private:
  using reason = std::optional<assess_verdict>;

  static reason against(std::string_view name, std::string text, std::string more = {}) {
    assess_verdict made{verdict_kind::not_recommended, name, std::move(text), {}};
    if (!more.empty()) made.also.push_back(std::move(more));
    return made;
  }

  reason no_inference() {
    if (now_.qps() > 0 && now_.baseline_calls() > 0) return std::nullopt;
    return against("no_inference", "there are no calls of a model: 0 requests/s");
  }

  reason too_slow() {
    if (!inputs_.limits.latency_ms) return std::nullopt;
    auto limit = *inputs_.limits.latency_ms;
    if (limit < latency_min_ms)
      return against("latency", "an answer within " + figure(limit) +
                                    " ms is none of a language model's: the limit is 10 ms");
    if (!now_.latency_ms() || *now_.latency_ms() <= limit) return std::nullopt;
    return against("latency", "a request takes " + milliseconds(*now_.latency_ms()) +
                                  ", the limit is " + milliseconds(limit));
  }

  reason no_room() {
    if (inputs_.limits.has_room_for_complexity) return std::nullopt;
    return against("no_room", "there is no room for a second stack: room_for_complexity = false");
  }

  reason one_model() {
    if (!inputs_.workload.knows_right_small) return std::nullopt;
    if (now_.right_small() < now_.right_large() - same_quality ||
        now_.right_small_usd() > now_.right_job_usd())
      return std::nullopt;
    return against("one_model", "one model is enough: the small one alone is right in " +
                                    percent(now_.right_small()) + ", the large one in " +
                                    percent(now_.right_large()));
  }

  reason dear_small() {
    if (now_.small_usd_per_1k() < now_.large_usd_per_1k()) return std::nullopt;
    return against("small_not_cheaper", "1,000 calls of the small model cost " +
                                            usd(now_.small_usd_per_1k()) + ", of the large one " +
                                            usd(now_.large_usd_per_1k()));
  }

  reason dear_right_job() {
    if (now_.right_job_usd() <= now_.right_baseline_usd()) return std::nullopt;
    return against("dearer_right_request",
                   "1,000 requests answered right cost " + usd(1000 * now_.right_job_usd()) +
                       ", on the large model alone " + usd(1000 * now_.right_baseline_usd()),
                   turning_text(inputs_, so_far_));
  }

  reason no_saving() {
    const auto& saving = so_far_.get("yearly_saving_usd");
    if (*saving.value > 0) return std::nullopt;
    const auto& even = so_far_.get("break_even_qps");
    auto loses = "at " + figure(now_.qps()) + " requests/s it costs " + usd(-*saving.value) +
                 " a year more" + range_of(saving, usd, "saved: ");
    if (!even.value)
      return against("no_break_even", loses + ", and at no rate less",
                     turning_text(inputs_, so_far_));
    return against("below_break_even",
                   loses + "; it breaks even at " + figure(*even.value) + " requests/s",
                   turning_text(inputs_, so_far_));
  }

  reason late_payback() {
    auto months = now_.payback_months();
    if (months && *months <= now_.months()) return std::nullopt;
    return against("payback",
                   "it is paid back after " + (months ? figure(*months) : "no") +
                       " months, and runs for " + figure(now_.months()),
                   turning_text(inputs_, so_far_));
  }

  reason lost_money() {
    if (now_.net_present_value() >= 0) return std::nullopt;
    return against("net_present_value", "its net present value is " + usd(now_.net_present_value()),
                   turning_text(inputs_, so_far_));
  }

  reason likely_loss() {
    if (so_far_.loss_chance <= 0.5) return std::nullopt;
    return against("likely_loss",
                   "in " + percent(so_far_.loss_chance) +
                       " of the draws from the inputs' ranges the money is lost",
                   turning_text(inputs_, so_far_));
  }

  void warn(std::string_view name, std::string text) {
    if (made_.kind != verdict_kind::careful) {
      made_.kind = verdict_kind::careful;
      made_.reason = name;
      made_.text = std::move(text);
    } else {
      made_.also.push_back(std::move(text));
    }
  }

  void care() {
    if (so_far_.loss_chance >= loss_chance_max)
      warn("uncertain", "in " + percent(so_far_.loss_chance) +
                            " of the draws from the inputs' ranges the money is lost; " +
                            turning_text(inputs_, so_far_));
    auto even = so_far_.get("break_even_qps").value;
    if (even && *even > 0 && now_.qps() < break_even_room * *even)
      warn("near_break_even", "it breaks even at " + figure(*even) + " requests/s, and there are " +
                                  figure(now_.qps()));
    care_as_said();
    if (made_.kind == verdict_kind::careful) return;
    const auto& saving = so_far_.get("yearly_saving_usd");
    made_.kind = verdict_kind::recommended;
    made_.reason = "saving";
    made_.text = "it saves " + usd(*saving.value) + " a year" + range_of(saving, usd);
    if (auto months = now_.payback_months())
      made_.text += " and is paid back after " + figure(*months) + " months";
  }

  /// Then a rule of thumb about low rates has nothing to add.
  [[nodiscard]] bool is_far_above_break_even() const {
    const auto& even = so_far_.get("break_even_qps");
    if (!even.value) return false;
    return now_.qps() >= 2 * (even.range ? even.range->p90 : *even.value);
  }

  void care_as_said() {
    if (now_.qps() < rate_min && !is_far_above_break_even())
      warn("low_rate", figure(now_.qps()) + " requests/s are below " + figure(rate_min) +
                           ", and not far above break-even");
    auto complex = inputs_.workload.shape == job_shape::calls ? inputs_.workload.large_share.value
                                                              : inputs_.workload.escalate.value;
    if (complex >= all_complex)
      warn("all_complex", percent(complex) + " need the large model: there is little to move");
    if (inputs_.limits.needs_extreme_consistency)
      warn("consistency", "two models answer differently, and extreme consistency is needed");
    if (now_.months() < months_min)
      warn("short_run", "it runs for " + figure(now_.months()) + " months, less than 3");
  }

  const assess_inputs& inputs_;
  const scenario& now_;
  const assessment& so_far_;
  assess_verdict made_;
};

}  // namespace

assess_verdict judge(const assess_inputs& inputs, const scenario& now, const assessment& so_far) {
  return judgement{inputs, now, so_far}.run();
}

}  // namespace tandem
