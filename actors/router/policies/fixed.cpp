#include "actors/router/policies/policy_entry.hpp"

namespace tandem {
namespace {

class fixed_policy : public routing_policy {
 public:
  explicit fixed_policy(const router_config& config) : config_{config} {}

  std::string_view name() const override { return "fixed"; }

  void weigh(const route_context& context, std::span<const arm> arms,
             std::span<arm_score> scores) const override {
    auto plan = context.purpose == schema::Purpose::PLAN;
    const auto& model = plan ? config_.plan_model : config_.step_model;
    auto best = static_cast<std::size_t>(
        std::find_if(arms.begin(), arms.end(), [&](const arm& a) { return a.model == model; }) -
        arms.begin());
    // Escalated to a tier that the fixed model is not of, or its engines are gone.
    if (best == arms.size())
      best = cheapest_of(arms, plan ? config_.large_tier : config_.small_tier);
    choose_only(arms, scores, best);
  }

 private:
  router_config config_;
};

}  // namespace

const policy_entry fixed_policy_entry{
    .summary = {"fixed", "the models named by plan_model and step_model"},
    .make = make_policy<fixed_policy>};

}  // namespace tandem
