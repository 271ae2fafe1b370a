#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <caf/expected.hpp>

#include "actors/router/learning/made_decision.hpp"
#include "actors/router/learning/quality_learner.hpp"
#include "actors/router/router_config.hpp"
#include "schema/decision.capnp.h"

namespace tandem {

/// One model that could take a call, or one way that a job could go: an arm.
struct arm {
  arm_id id = 0;
  std::string_view model;
  std::string_view tier;
  /// What this call is expected to cost and to take there, over the same on the large tier.
  double cost = 0;
  double latency = 0;
  std::int64_t cost_nanousd = 0;
  /// Of the learner; only for policies that learn.
  prediction expected;
};

/// What is known of a call when its model is chosen.
struct route_context {
  schema::Purpose purpose = schema::Purpose::UNKNOWN;
  std::string_view kind;
  std::string_view tenant;
  /// Failed tries of the same call before this one.
  std::uint32_t tries = 0;
  /// What a unit of cost, or of latency, is worth in quality.
  double cost_price = 0;
  double latency_price = 0;
  /// A verdict on this call is to be expected: exploring teaches something.
  bool rewarded = true;
  /// How the learned choice does; only for policies that learn.
  standing learned;
};

/// Chooses a model. One small class each behind this interface. Hard filters (health, tier,
/// context, weights, budgets) have been applied before. A policy answers with probabilities, from
/// which the router draws: so every decision has its propensity, a candidate can be watched without
/// acting, and a log can be evaluated under any policy. No state, clock, thread or randomness.
class routing_policy {
 public:
  routing_policy() = default;
  routing_policy(const routing_policy&) = delete;
  routing_policy& operator=(const routing_policy&) = delete;
  virtual ~routing_policy() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;
  /// Whether `expected` and `learned` are looked at: features cost some microseconds.
  [[nodiscard]] virtual bool learns() const { return false; }
  /// Fills in all of `scores`, one for each arm; propensities sum to 1. `arms` is not empty.
  virtual void weigh(const route_context& context, std::span<const arm> arms,
                     std::span<arm_score> scores) const = 0;
};

/// `text` as in `routing.policy`: a name, or a name with settings that go before those of `config`,
/// `auto(exploration=0.05,cost_weight=0.1)`. `invalid_argument` names the policies there are, or
/// the settings; see policies/policy_settings.hpp.
[[nodiscard]] caf::expected<std::unique_ptr<routing_policy>> make_routing_policy(
    std::string_view text, const router_config& config);

/// All names, with a line on each.
struct policy_summary {
  std::string_view name;
  std::string_view text;
};
[[nodiscard]] std::span<const policy_summary> routing_policies();

}  // namespace tandem
