#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <caf/expected.hpp>

#include "actors/router/call_rates.hpp"
#include "actors/router/control/judge_audit.hpp"
#include "actors/router/decision_ledger.hpp"
#include "actors/router/learning/feature_extractor.hpp"
#include "actors/router/learning/quality_learner.hpp"
#include "actors/router/route_budgets.hpp"
#include "actors/router/route_trial.hpp"
#include "actors/router/routing_policy.hpp"

namespace tandem {

/// One of those that a call could go to, or that it cannot: `why_not`.
struct candidate {
  std::string_view model;
  std::string_view tier;
  std::string_view weight_version;
  /// Where it would go; empty for ways.
  std::string_view engine;
  double cost_nanousd = 0;
  double latency_us = 0;
  std::string why_not;
};

/// What is to be decided. Views last as long as the call.
struct call_to_route {
  decision_facts facts;
  bool rewarded = false;
  std::uint64_t journal = 0;
  std::uint64_t job = 0;
  /// The same on the large tier: what costs and latencies are measured by. 0: not known.
  double large_cost_nanousd = 0;
  double large_latency_us = 0;
};

struct chosen_candidate {
  std::uint64_t decision = 0;
  /// Into the candidates.
  std::size_t place = 0;
  double propensity = 1;
  std::string_view policy;
  /// It waits for rewards.
  bool kept = false;
};

/// The first of the two decisions: which model, or which way. Policies weigh, this draws, keeps
/// what was decided, and learns when rewards come. No clock: time is Unix milliseconds, which must
/// not jump (see router); randomness comes from the seed.
class model_chooser {
 public:
  /// `origin`: under which what is learned here is published. `first_decision` keeps ids, and the
  /// draws, apart over restarts. `invalid_argument`: an unknown policy.
  [[nodiscard]] static caf::expected<std::unique_ptr<model_chooser>> make(
      const router_config& config, std::uint64_t origin, std::uint64_t first_decision);

  /// Whether the policy that acts, or the one that is tried, looks at features.
  [[nodiscard]] bool learns() const;
  /// At least one candidate has no `why_not`.
  [[nodiscard]] chosen_candidate choose(const call_to_route& call,
                                        std::span<const candidate> candidates,
                                        std::uint64_t now_ms);

  /// A change: the evidence of a trial suffices now.
  [[nodiscard]] std::optional<tmsg::rtchg> on_reward(schema::Reward::Reader reward,
                                                     std::uint64_t now_ms);

  [[nodiscard]] std::uint64_t decisions() const { return next_decision_ - first_decision_; }
  [[nodiscard]] const call_rates& rates() const { return rates_; }
  [[nodiscard]] quality_learner& learner() { return learner_; }
  [[nodiscard]] decision_ledger& ledger() { return ledger_; }
  [[nodiscard]] route_trial& trial() { return *trial_; }
  [[nodiscard]] route_budgets& budgets() { return budgets_; }

  /// Everything that is to be kept beside statistics and decisions.
  [[nodiscard]] message<schema::RouterMemory> memory() const;
  /// `corrupted` says what of it; the rest is used.
  [[nodiscard]] caf::error restore(schema::RouterMemory::Reader memory);
  /// Status: policy, trial, arms, tenants, rewards, what a person should know.
  void report(schema::RouteReport::Builder out, std::uint64_t now_ms) const;
  /// What a person should know: a judge that does not tell, a learned choice that is demoted.
  [[nodiscard]] std::vector<std::string> notes(std::uint64_t now_ms) const;

 private:
  struct known_arm {
    arm_id id = 0;
    /// The newest, and those before it: while a fleet is updated, engines of both take turns.
    std::string weight_version;
    std::vector<std::string> older;
    std::uint64_t decisions = 0;
  };
  using arm_key = std::pair<schema::Purpose, std::string>;

  model_chooser(const router_config& config, std::unique_ptr<route_trial> trial,
                std::uint64_t origin, std::uint64_t first_decision);
  [[nodiscard]] known_arm& arm_of(schema::Purpose purpose, std::string_view model,
                                  std::string_view weight_version, std::uint64_t now_ms);
  void keep(const call_to_route& call, std::span<const candidate> candidates,
            kept_decision decision);
  void learn(const decision_ledger::verdict& verdict, std::uint64_t now_ms);
  void audit(const kept_decision& decision, schema::RewardSource source);
  [[nodiscard]] double next_uniform();

  router_config config_;
  std::unique_ptr<route_trial> trial_;
  feature_extractor extractor_;
  quality_learner learner_;
  decision_ledger ledger_;
  call_rates rates_;
  route_budgets budgets_;
  judge_audit judge_;
  std::map<arm_key, known_arm, std::less<>> arms_;
  std::uint64_t first_decision_;
  std::uint64_t next_decision_;
  std::uint64_t random_;
  /// Reused from call to call.
  std::vector<arm> weighed_;
  std::vector<arm_score> scores_;
  std::vector<arm_score> candidate_scores_;
};

}  // namespace tandem
