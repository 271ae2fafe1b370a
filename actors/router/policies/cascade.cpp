#include <algorithm>
#include <numeric>
#include <vector>

#include "actors/router/policies/policy_entry.hpp"
#include "actors/router/policies/scores.hpp"

namespace tandem {
namespace {

class cascade_policy : public routing_policy {
 public:
  explicit cascade_policy(const router_config&) {}

  std::string_view name() const override { return "cascade"; }

  void weigh(const route_context& context, std::span<const arm> arms,
             std::span<arm_score> scores) const override {
    fill_scores(context, arms, scores);
    std::vector<std::size_t> order(arms.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(),
              [arms](std::size_t a, std::size_t b) { return is_cheaper(arms[a], arms[b]); });
    scores[order[std::min<std::size_t>(context.tries, order.size() - 1)]].propensity = 1;
  }
};

}  // namespace

const policy_entry cascade_policy_entry{
    .summary = {"cascade", "the cheapest model first, after each failed try the next dearer one"},
    .make = make_policy<cascade_policy>};

}  // namespace tandem
