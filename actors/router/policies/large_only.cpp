#include "actors/router/policies/policy_entry.hpp"

namespace tandem {
namespace {

class large_only_policy : public routing_policy {
 public:
  explicit large_only_policy(const router_config& config) : large_tier_{config.large_tier} {}

  std::string_view name() const override { return "large_only"; }

  void weigh(const route_context&, std::span<const arm> arms,
             std::span<arm_score> scores) const override {
    choose_only(arms, scores, cheapest_of(arms, large_tier_));
  }

 private:
  std::string large_tier_;
};

}  // namespace

const policy_entry large_only_policy_entry{.summary = {"large_only", "always the large tier"},
                                           .make = make_policy<large_only_policy>};

}  // namespace tandem
