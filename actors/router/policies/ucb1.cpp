#include <cmath>

#include "actors/router/policies/policy_entry.hpp"
#include "actors/router/policies/scores.hpp"

namespace tandem {
namespace {

class ucb1_policy : public routing_policy {
 public:
  explicit ucb1_policy(const router_config&) {}

  std::string_view name() const override { return "ucb1"; }
  bool learns() const override { return true; }

  void weigh(const route_context& context, std::span<const arm> arms,
             std::span<arm_score> scores) const override {
    double rewards = 1;
    for (const auto& a : arms) rewards += a.expected.weight;
    fill_scores(context, arms, scores);
    for (std::size_t i = 0; i < arms.size(); ++i) {
      scores[i].quality = arms[i].expected.mean;
      scores[i].score = worth_of(context, arms[i], scores[i].quality);
      // Auer, Cesa-Bianchi, Fischer 2002. One that was never tried comes before all others.
      auto tried = std::max(arms[i].expected.weight, 0.1);
      add_exploration(scores[i], std::sqrt(2 * std::log(rewards) / tried));
    }
    scores[best_of(arms, scores)].propensity = 1;
  }
};

}  // namespace

const policy_entry ucb1_policy_entry{
    .summary = {"ucb1", "each arm by its mean and how seldom it was tried, whatever the call"},
    .make = make_policy<ucb1_policy>};

}  // namespace tandem
