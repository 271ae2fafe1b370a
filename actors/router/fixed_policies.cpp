// The policies that learn nothing: fixed, cheapest, large_only.

#include <algorithm>

#include "actors/router/routing_policy.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

bool wants_large(schema::Purpose purpose) {
  return purpose == schema::Purpose::PLAN;
}

/// The cheapest arm of `tier`, or of all where the tier has none left; ties by name.
std::size_t cheapest_of(std::span<const arm> arms, std::string_view tier) {
  std::size_t best = arms.size();
  auto better = [&](const arm& a, const arm& b) {
    if ((a.tier == tier) != (b.tier == tier)) return a.tier == tier;
    return a.cost_nanousd != b.cost_nanousd ? a.cost_nanousd < b.cost_nanousd : a.model < b.model;
  };
  for (std::size_t i = 0; i < arms.size(); ++i)
    if (best == arms.size() || better(arms[i], arms[best])) best = i;
  return best;
}

class cheapest_policy : public routing_policy {
 public:
  explicit cheapest_policy(router_config config) : config_{std::move(config)} {}
  std::string_view name() const override { return "cheapest"; }
  choice choose(const route_context& context, std::span<const arm> arms) override {
    if (wants_large(context.purpose)) return {cheapest_of(arms, config_.large_tier)};
    auto best = std::min_element(arms.begin(), arms.end(), [](const arm& a, const arm& b) {
      return a.cost_nanousd != b.cost_nanousd ? a.cost_nanousd < b.cost_nanousd : a.model < b.model;
    });
    return {static_cast<std::size_t>(best - arms.begin())};
  }

 private:
  router_config config_;
};

class large_only_policy : public routing_policy {
 public:
  explicit large_only_policy(router_config config) : config_{std::move(config)} {}
  std::string_view name() const override { return "large_only"; }
  choice choose(const route_context&, std::span<const arm> arms) override {
    return {cheapest_of(arms, config_.large_tier)};
  }

 private:
  router_config config_;
};

class fixed_policy : public routing_policy {
 public:
  explicit fixed_policy(router_config config) : config_{std::move(config)} {}
  std::string_view name() const override { return "fixed"; }
  choice choose(const route_context& context, std::span<const arm> arms) override {
    auto plan = wants_large(context.purpose);
    const auto& model = plan ? config_.plan_model : config_.step_model;
    for (std::size_t i = 0; i < arms.size(); ++i)
      if (arms[i].model == model) return {i};
    // Escalated to a tier that the fixed model is not of, or its engines are gone.
    return {cheapest_of(arms, plan ? config_.large_tier : config_.small_tier)};
  }

 private:
  router_config config_;
};

}  // namespace

caf::expected<std::unique_ptr<routing_policy>> make_routing_policy(const router_config& config) {
  if (config.policy == "cheapest")
    return std::unique_ptr<routing_policy>{new cheapest_policy{config}};
  if (config.policy == "large_only")
    return std::unique_ptr<routing_policy>{new large_only_policy{config}};
  if (config.policy == "fixed") return std::unique_ptr<routing_policy>{new fixed_policy{config}};
  return make_error(errc::invalid_argument, "routing.policy '" + config.policy +
                                                "' is none of fixed, cheapest, large_only");
}

}  // namespace tandem
