#include "actors/router/policies/policy_entry.hpp"
#include "actors/router/policies/scores.hpp"

namespace tandem {
namespace {

constexpr double deviations = 2;

class linear_ucb_policy : public routing_policy {
 public:
  explicit linear_ucb_policy(const router_config&) {}

  std::string_view name() const override { return "linear_ucb"; }
  bool learns() const override { return true; }

  void weigh(const route_context& context, std::span<const arm> arms,
             std::span<arm_score> scores) const override {
    fill_scores(context, arms, scores);
    // Li, Chu, Langford, Schapire 2010.
    for (auto& score : scores) add_exploration(score, deviations * score.deviation);
    scores[best_of(arms, scores)].propensity = 1;
  }
};

}  // namespace

const policy_entry linear_ucb_policy_entry{
    .summary = {"linear_ucb", "the best by predicted quality and two of its standard deviations"},
    .make = make_policy<linear_ucb_policy>};

}  // namespace tandem
