#include "actors/router/evaluation/off_policy.hpp"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

/// Two-sided 95%.
constexpr double z = 1.959964;

/// Mean and its error, from values one by one (Welford).
class running_mean {
 public:
  void add(double value) {
    ++count_;
    auto off = value - mean_;
    mean_ += off / count_;
    squares_ += off * (value - mean_);
  }
  [[nodiscard]] double mean() const { return mean_; }
  [[nodiscard]] estimate result() const {
    auto error = count_ > 1 ? std::sqrt(squares_ / (count_ - 1) / count_) : 0;
    return {mean_, error, mean_ - z * error, mean_ + z * error};
  }

 private:
  double count_ = 0;
  double mean_ = 0;
  double squares_ = 0;
};

/// What one decision says of the policy.
struct term {
  /// Of its reward, 0 where none came.
  double weight = 0;
  double reward = 0;
  /// The model's, of the chosen arm, and of the policy's choice.
  double predicted = 0;
  double expected = 0;
  double price = 0;
  /// The doubly-robust worth of the policy in the log.
  double logged = 0;
};

estimate self_normalised(std::span<const term> terms, double weight_mean) {
  if (weight_mean <= 0) return running_mean{}.result();
  double quality = 0;
  for (const auto& t : terms) quality += t.weight * t.reward;
  quality /= weight_mean * static_cast<double>(terms.size());
  running_mean linear;
  for (const auto& t : terms)
    linear.add(quality + t.weight / weight_mean * (t.reward - quality) - t.price);
  return linear.result();
}

void summarise(std::span<const term> terms, policy_estimate& out) {
  running_mean ips, direct, robust, quality, gain;
  double sum = 0, squares = 0;
  for (const auto& t : terms) {
    auto corrected = t.expected + t.weight * (t.reward - t.predicted);
    ips.add(t.weight * t.reward - t.price);
    direct.add(t.expected - t.price);
    robust.add(corrected - t.price);
    quality.add(corrected);
    gain.add(corrected - t.price - t.logged);
    sum += t.weight;
    squares += t.weight * t.weight;
    out.largest_weight = std::max(out.largest_weight, t.weight);
  }
  out.ips = ips.result();
  out.direct = direct.result();
  out.doubly_robust = robust.result();
  out.quality = quality.result();
  out.gain = gain.result();
  out.effective = squares > 0 ? sum * sum / squares : 0;
  if (!terms.empty()) out.snips = self_normalised(terms, sum / static_cast<double>(terms.size()));
}

double default_clip(std::size_t decisions) {
  return std::max(10.0, std::sqrt(static_cast<double>(decisions)));
}

}  // namespace

off_policy_evaluator::off_policy_evaluator(std::span<const logged_decision> decisions,
                                           const evaluation_config& config)
    : decisions_{decisions},
      model_{decisions, config.folds},
      clip_{config.clip > 0 ? config.clip : default_clip(decisions.size())} {
  for (const auto& d : decisions) rewarded_ += d.quality.has_value();
}

policy_estimate off_policy_evaluator::evaluate(const target_policy& target) const {
  policy_estimate out{.policy = target.name()};
  std::vector<term> terms;
  terms.reserve(decisions_.size());
  std::vector<double> chances;
  running_mean cost, money, unsupported, unavailable;
  for (std::size_t i = 0; i < decisions_.size(); ++i) {
    const auto& d = decisions_[i];
    chances.assign(d.arms.size(), 0);
    unavailable.add(target.weigh(decisions_, i, model_, chances) ? 0 : 1);
    term t{.predicted = model_.quality(i, d.chosen)};
    double arm_cost = 0, arm_money = 0, beyond = 0;
    for (std::size_t a = 0; a < d.arms.size(); ++a) {
      t.expected += chances[a] * model_.quality(i, a);
      arm_cost += chances[a] * d.arms[a].cost;
      arm_money += chances[a] * static_cast<double>(d.arms[a].cost_nanousd);
      t.logged += d.arms[a].propensity * (model_.quality(i, a) - d.cost_price * d.arms[a].cost);
      if (d.arms[a].propensity <= 0) beyond += chances[a];
    }
    t.price = d.cost_price * arm_cost;
    cost.add(arm_cost);
    money.add(arm_money);
    unsupported.add(beyond);
    auto weight = chances[d.chosen] / d.arms[d.chosen].propensity;
    if (weight > clip_) ++out.clipped;
    if (d.quality) {
      auto arm = model_.number(i, d.chosen);
      auto came =
          static_cast<double>(model_.rewards(arm)) / static_cast<double>(model_.choices(arm));
      t.weight = std::min(weight, clip_) / came;
      t.reward = *d.quality;
      t.logged += (t.reward - t.predicted) / came;
    }
    terms.push_back(t);
  }
  summarise(terms, out);
  out.cost = cost.mean();
  out.cost_nanousd = money.mean();
  out.unsupported = unsupported.mean();
  out.unavailable = unavailable.mean();
  return out;
}

std::vector<std::string> off_policy_evaluator::notes() const {
  std::vector<std::string> notes;
  auto count = [](std::size_t n, const char* what) { return std::to_string(n) + what; };
  if (rewarded_ == 0)
    notes.push_back("no decision has a reward: no estimate says anything but of cost");
  else if (auto missing = decisions_.size() - rewarded_; missing > 0)
    notes.push_back(count(missing, " of ") + count(decisions_.size(), " decisions") +
                    " have no reward; those that do stand for them, arm by arm");
  auto sure = static_cast<std::size_t>(
      std::count_if(decisions_.begin(), decisions_.end(), [](const logged_decision& d) {
        return d.arms.size() > 1 && d.arms[d.chosen].propensity >= 1;
      }));
  if (sure > 0)
    notes.push_back(count(sure, " decisions were made without exploring: of other arms they ") +
                    "say nothing");
  if (model_.without_features() > 0)
    notes.push_back(count(model_.without_features(), " decisions have features of another ") +
                    "version or size than most; the model does not look at them");
  return notes;
}

}  // namespace tandem
