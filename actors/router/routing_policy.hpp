#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <caf/expected.hpp>

#include "actors/router/router_config.hpp"
#include "schema/decision.capnp.h"

namespace tandem {

/// One model that could take a call: an arm.
struct arm {
  std::string_view model;
  std::string_view tier;
  /// What this call is expected to cost there.
  std::int64_t cost_nanousd = 0;
};

/// What is known of a call when its model is chosen.
struct route_context {
  schema::Purpose purpose = schema::Purpose::UNKNOWN;
  std::string_view kind;
  std::string_view tenant;
  std::uint32_t prompt_bytes = 0;
  std::uint32_t max_tokens = 0;
};

struct choice {
  std::size_t arm = 0;
  /// The probability with which the policy chooses this arm here, in (0, 1].
  double propensity = 1;
};

/// How a decision turned out; what is not known is negative.
struct outcome {
  double quality = -1;
  std::int64_t cost_nanousd = -1;
  std::int64_t latency_us = -1;
};

/// Chooses a model. One small class each behind this interface; the learning ones will implement
/// the same. Hard filters (health, tier, context, weights) have been applied before. No clock, no
/// thread, no global randomness.
class routing_policy {
 public:
  routing_policy() = default;
  routing_policy(const routing_policy&) = delete;
  routing_policy& operator=(const routing_policy&) = delete;
  virtual ~routing_policy() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;
  /// `arms` is not empty.
  [[nodiscard]] virtual choice choose(const route_context& context, std::span<const arm> arms) = 0;
  /// The fixed policies learn nothing.
  virtual void learn(std::uint64_t decision, const outcome& how) {
    static_cast<void>(decision);
    static_cast<void>(how);
  }
};

/// `invalid_argument` names the policies there are.
[[nodiscard]] caf::expected<std::unique_ptr<routing_policy>> make_routing_policy(
    const router_config& config);

}  // namespace tandem
