#include "actors/router/policies/policy_entry.hpp"
#include "actors/router/policies/scores.hpp"

namespace tandem {
namespace {

class linear_thompson_policy : public routing_policy {
 public:
  explicit linear_thompson_policy(const router_config&) {}

  std::string_view name() const override { return "linear_thompson"; }
  bool learns() const override { return true; }

  void weigh(const route_context& context, std::span<const arm> arms,
             std::span<arm_score> scores) const override {
    // Agrawal, Goyal 2013.
    fill_scores(context, arms, scores);
    weigh_by_thompson(scores);
  }
};

}  // namespace

const policy_entry linear_thompson_policy_entry{
    .summary = {"linear_thompson", "as often as an arm is the best by what is known of it"},
    .make = make_policy<linear_thompson_policy>};

}  // namespace tandem
