#include "actors/router/evaluation/target_policy.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "schema/errc.hpp"

namespace tandem {
namespace {

constexpr std::string_view always = "always";
/// A log may name more models than an error should.
constexpr std::size_t names_max = 20;

std::string models_of(std::span<const logged_decision> decisions) {
  std::set<std::string_view> models;
  for (const auto& d : decisions)
    for (const auto& a : d.arms)
      if (models.size() < names_max) models.insert(a.model);
  std::string names;
  for (auto model : models) names += (names.empty() ? "" : ", ") + std::string{model};
  return names.empty() ? "none" : names;
}

bool is_in(std::span<const logged_decision> decisions, std::string_view model) {
  return std::any_of(decisions.begin(), decisions.end(), [&](const logged_decision& d) {
    return std::any_of(d.arms.begin(), d.arms.end(),
                       [&](const logged_arm& a) { return a.model == model; });
  });
}

/// Of the large tier, or of the slowest where none is known.
double usual_latency(const logged_decision& from, std::string_view large_tier) {
  std::uint64_t large = 0, slowest = 0;
  for (const auto& a : from.arms) {
    slowest = std::max(slowest, a.latency_us);
    if (a.tier == large_tier && large == 0) large = a.latency_us;
  }
  return static_cast<double>(std::max<std::uint64_t>(large != 0 ? large : slowest, 1));
}

}  // namespace

caf::expected<target_policy> target_policy::make(std::string_view name,
                                                 std::span<const logged_decision> decisions,
                                                 const router_config& config) {
  target_policy made;
  made.name_ = name;
  made.large_tier_ = config.large_tier;
  if (name == "logged") return made;
  if (name.starts_with(always) && name.size() > always.size() + 1 &&
      (name[always.size()] == ' ' || name[always.size()] == ':')) {
    made.kind_ = kind::always;
    made.model_ = name.substr(always.size() + 1);
    if (!is_in(decisions, made.model_))
      return make_error(errc::invalid_argument, "the log has no decision with model '" +
                                                    made.model_ +
                                                    "'; its models: " + models_of(decisions));
    return made;
  }
  auto policies = routing_policies();
  if (std::none_of(policies.begin(), policies.end(),
                   [&](const policy_summary& p) { return p.name == name; })) {
    std::string names;
    for (const auto& p : policies) names += std::string{p.name} + ", ";
    return make_error(errc::invalid_argument,
                      "policy '" + std::string{name} + "' is none of " + names +
                          "logged, 'always MODEL' with MODEL one of: " + models_of(decisions));
  }
  auto policy = make_routing_policy(name, config);
  if (!policy) return policy.error();
  return of(std::move(*policy), config.large_tier);
}

target_policy target_policy::of(std::unique_ptr<routing_policy> policy, std::string large_tier) {
  target_policy made;
  made.kind_ = kind::policy;
  made.name_ = policy->name();
  made.large_tier_ = std::move(large_tier);
  made.policy_ = std::move(policy);
  return made;
}

std::vector<arm> target_policy::arms_of(const logged_decision& from, std::size_t decision,
                                        const quality_model& model) const {
  std::vector<arm> arms;
  auto latency = usual_latency(from, large_tier_);
  for (std::size_t i = 0; i < from.arms.size(); ++i) {
    const auto& a = from.arms[i];
    auto number = model.number(decision, i);
    auto predicted = a.deviation > 0;
    auto rewards = static_cast<double>(model.rewards(number));
    arms.push_back(
        {.id = number,
         .model = a.model,
         .tier = a.tier,
         .cost = a.cost,
         .latency = static_cast<double>(a.latency_us) / latency,
         .cost_nanousd = a.cost_nanousd,
         .expected = {.quality = predicted ? a.quality : model.quality(decision, i),
                      .deviation = predicted ? a.deviation : 0.5 / std::sqrt(1 + rewards),
                      .mean = model.mean(decision, i),
                      .weight = rewards}});
  }
  return arms;
}

bool target_policy::weigh(std::span<const logged_decision> decisions, std::size_t decision,
                          const quality_model& model, std::span<double> probabilities) const {
  const auto& from = decisions[decision];
  if (kind_ == kind::policy) {
    auto arms = arms_of(from, decision, model);
    std::vector<arm_score> scores(arms.size());
    policy_->weigh({.purpose = from.purpose,
                    .kind = from.kind,
                    .tenant = from.tenant,
                    .tries = from.tries,
                    .cost_price = from.cost_price,
                    .latency_price = from.latency_price},
                   arms, scores);
    for (std::size_t i = 0; i < arms.size(); ++i) probabilities[i] = scores[i].propensity;
    return true;
  }
  for (std::size_t i = 0; i < from.arms.size(); ++i) probabilities[i] = from.arms[i].propensity;
  if (kind_ == kind::logged) return true;
  auto found = std::find_if(from.arms.begin(), from.arms.end(),
                            [&](const logged_arm& a) { return a.model == model_; });
  if (found == from.arms.end()) return false;
  std::fill(probabilities.begin(), probabilities.end(), 0.0);
  probabilities[static_cast<std::size_t>(found - from.arms.begin())] = 1;
  return true;
}

}  // namespace tandem
