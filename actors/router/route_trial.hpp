#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <caf/expected.hpp>

#include "actors/router/control/trial_evidence.hpp"
#include "actors/router/decision_ledger.hpp"
#include "actors/router/router_config.hpp"
#include "actors/router/routing_policy.hpp"
#include "schema/routing.capnp.h"
#include "schema/types.hpp"

namespace tandem {

/// Which policy acts, which is tried, and what speaks for it. A candidate in shadow is asked for
/// every decision and never acts; with a share it makes so many of them. It is promoted when the
/// lower bound of its gain is above 0, and taken back when the upper bound is below. Every change
/// is told, so that it can be kept. No clock.
class route_trial {
 public:
  /// `invalid_argument`: an unknown policy.
  [[nodiscard]] static caf::expected<std::unique_ptr<route_trial>> make(
      const router_config& config);

  [[nodiscard]] const routing_policy& policy() const { return *policy_; }
  /// Null: nothing is tried.
  [[nodiscard]] const routing_policy* candidate() const { return candidate_.get(); }
  [[nodiscard]] double share() const { return share_; }

  /// `try`, `promote`, `rollback` by a person. `conflict`: there is no trial, or nothing to go back
  /// to; `invalid_argument`: an unknown policy, a share outside [0, 0.5].
  [[nodiscard]] caf::expected<tmsg::rtchg> command(schema::RouteCommand::Reader command,
                                                   std::uint64_t now_ms);
  /// A decision that both policies have weighed was rewarded. A change: the evidence suffices.
  [[nodiscard]] std::optional<tmsg::rtchg> on_reward(const kept_decision& decision, double quality,
                                                     std::uint64_t now_ms);

  [[nodiscard]] tmsg::rtset setting() const;
  /// Another node's setting: taken over when it is newer. Returns whether it was.
  [[nodiscard]] caf::expected<bool> adopt(schema::RouteSetting::Reader setting);
  /// What this node kept at its last stop. A change: a policy that was configured since then wins.
  [[nodiscard]] caf::expected<std::optional<tmsg::rtchg>> restore(
      schema::RouteSetting::Reader setting, std::uint64_t now_ms);

  void write(schema::TrialSums::Builder out) const;
  [[nodiscard]] caf::error restore(schema::TrialSums::Reader from);
  void report(schema::RouteReport::Builder out) const;

 private:
  explicit route_trial(const router_config& config) : config_{config} {}
  [[nodiscard]] caf::error use(std::string_view policy, std::string_view candidate);
  [[nodiscard]] tmsg::rtchg change(schema::RouteAction action, std::string why, std::string_view by,
                                   std::uint64_t now_ms);
  void promote();
  void roll_back();
  void write(schema::RouteSetting::Builder out) const;

  router_config config_;
  std::unique_ptr<routing_policy> policy_;
  std::unique_ptr<routing_policy> candidate_;
  double share_ = 0;
  /// What a promoted policy replaced; empty: nothing.
  std::string before_;
  std::uint64_t generation_ = 0;
  std::uint64_t at_ms_ = 0;
  trial_evidence evidence_{trial_config{}};
};

}  // namespace tandem
