#include "actors/router/policies/policy_entry.hpp"
#include "actors/router/policies/scores.hpp"

namespace tandem {
namespace {

/// Of the traffic, for all arms together that have not had their forced pulls.
constexpr double forced_share = 0.2;

/// Linear Thompson sampling with guards. Explores only where a reward is to be expected.
class auto_policy : public routing_policy {
 public:
  explicit auto_policy(const router_config& config)
      : exploration_{config.exploration},
        forced_pulls_{static_cast<double>(config.forced_pulls)},
        large_tier_{config.large_tier} {}

  std::string_view name() const override { return "auto"; }
  bool learns() const override { return true; }

  void weigh(const route_context& context, std::span<const arm> arms,
             std::span<arm_score> scores) const override {
    fill_scores(context, arms, scores);
    if (!context.rewarded) {
      scores[best_known(context, arms, scores)].propensity = 1;
      return;
    }
    auto fixed = context.learned.demoted ? find(arms, context.learned.best_fixed) : arms.size();
    if (fixed < arms.size())
      scores[fixed].propensity = 1;
    else
      weigh_by_thompson(scores);
    spread(exploration_, scores, [](std::size_t) { return true; });
    force(arms, scores);
  }

 private:
  [[nodiscard]] static std::size_t find(std::span<const arm> arms, arm_id id) {
    return static_cast<std::size_t>(
        std::find_if(arms.begin(), arms.end(), [id](const arm& a) { return a.id == id; }) -
        arms.begin());
  }

  /// Without a reward to come nothing is learned from trying: the best of the arms that are known.
  [[nodiscard]] std::size_t best_known(const route_context& context, std::span<const arm> arms,
                                       std::span<const arm_score> scores) const {
    if (context.learned.demoted) {
      auto fixed = find(arms, context.learned.best_fixed);
      if (fixed < arms.size()) return fixed;
    }
    auto best = arms.size();
    for (std::size_t i = 0; i < arms.size(); ++i) {
      if (arms[i].expected.weight < 1) continue;
      if (best == arms.size() || scores[i].score > scores[best].score ||
          (scores[i].score == scores[best].score && is_cheaper(arms[i], arms[best])))
        best = i;
    }
    return best < arms.size() ? best : cheapest_for(context, arms, large_tier_);
  }

  /// Takes this share of all propensities and gives it evenly to those arms.
  template <class Chosen>
  static void spread(double share, std::span<arm_score> scores, Chosen chosen) {
    double count = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) count += chosen(i) ? 1 : 0;
    if (count == 0 || share <= 0) return;
    for (std::size_t i = 0; i < scores.size(); ++i)
      scores[i].propensity = scores[i].propensity * (1 - share) + (chosen(i) ? share / count : 0);
  }

  /// An arm that is new must be seen some times before it is judged.
  void force(std::span<const arm> arms, std::span<arm_score> scores) const {
    spread(forced_share, scores,
           [&](std::size_t i) { return arms[i].expected.weight < forced_pulls_; });
  }

  double exploration_;
  double forced_pulls_;
  std::string large_tier_;
};

}  // namespace

const policy_entry auto_policy_entry{
    .summary = {"auto",
                "learns which model will do: Thompson sampling that falls back to the best "
                "fixed choice while it does worse"},
    .make = make_policy<auto_policy>,
    .explores = true};

}  // namespace tandem
