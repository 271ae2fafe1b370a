#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <caf/expected.hpp>

#include "actors/router/evaluation/decision_log.hpp"
#include "actors/router/evaluation/quality_model.hpp"
#include "actors/router/routing_policy.hpp"

namespace tandem {

/// A policy whose worth is asked for: with which probability it would have chosen each arm of a
/// logged decision. `logged` is the one that acted, `always MODEL` (or `always:MODEL`) takes one
/// model wherever it could be chosen and follows the log elsewhere, any other is a routing_policy
/// by name.
///
/// One that learns is shown what was predicted when the decision was made, as it would have been;
/// where nothing was (the log is of a policy that does not learn), the quality_model's cross-fitted
/// prediction. Either never saw the decision's own reward. It is not told how the learned choice
/// stands against fixed ones, and an arm's weight is the number of its rewards in the whole log: no
/// forced pulls.
class target_policy {
 public:
  /// `invalid_argument` names the policies there are; for `always`, the models in the log.
  [[nodiscard]] static caf::expected<target_policy> make(std::string_view name,
                                                         std::span<const logged_decision> decisions,
                                                         const router_config& config);

  /// One that has no name in the registry yet.
  [[nodiscard]] static target_policy of(std::unique_ptr<routing_policy> policy,
                                        std::string large_tier = "large");

  [[nodiscard]] const std::string& name() const { return name_; }
  /// False: the model of `always` was not among the arms.
  [[nodiscard]] bool weigh(std::span<const logged_decision> decisions, std::size_t decision,
                           const quality_model& model, std::span<double> probabilities) const;

 private:
  enum class kind : unsigned char { logged, always, policy };

  [[nodiscard]] std::vector<arm> arms_of(const logged_decision& from, std::size_t decision,
                                         const quality_model& model) const;

  kind kind_ = kind::logged;
  std::string name_;
  std::string model_;
  std::string large_tier_;
  std::unique_ptr<routing_policy> policy_;
};

}  // namespace tandem
