#include "actors/router/policies/policy_entry.hpp"

namespace tandem {
namespace {

class cheapest_policy : public routing_policy {
 public:
  explicit cheapest_policy(const router_config& config) : large_tier_{config.large_tier} {}

  std::string_view name() const override { return "cheapest"; }

  void weigh(const route_context& context, std::span<const arm> arms,
             std::span<arm_score> scores) const override {
    auto best = context.purpose == schema::Purpose::PLAN
                    ? cheapest_of(arms, large_tier_)
                    : static_cast<std::size_t>(
                          std::min_element(arms.begin(), arms.end(), is_cheaper) - arms.begin());
    choose_only(arms, scores, best);
  }

 private:
  std::string large_tier_;
};

}  // namespace

const policy_entry cheapest_policy_entry{
    .summary = {"cheapest", "the cheapest model that can serve the call; plans by the large tier"},
    .make = make_policy<cheapest_policy>};

}  // namespace tandem
