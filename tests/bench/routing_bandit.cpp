#include "tests/bench/routing_bandit.hpp"

#include <cstdio>
#include <cstdlib>

#include "schema/errc.hpp"

namespace tandem::bench {
namespace {

/// The router asks for each decision how the learned choice stands; at a price that stays, seldom
/// does as well.
constexpr std::uint64_t standing_every = 16;

std::unique_ptr<routing_policy> policy_of(const bandit_config& config) {
  auto policy = make_routing_policy(config.policy, config.router);
  if (!policy) {
    std::fprintf(stderr, "bench: %s\n", message_of(policy.error()).c_str());
    std::exit(2);
  }
  return std::move(*policy);
}

}  // namespace

bandit::bandit(const bandit_config& config)
    : config_{config},
      policy_{policy_of(config)},
      extractor_{{.dense = config.learner.dense, .sparse = config.learner.sparse}},
      learner_{std::make_unique<quality_learner>(config.learner, config.origin)},
      random_{config.seed} {}

void bandit::forget() {
  learner_ = std::make_unique<quality_learner>(config_.learner, config_.origin);
  standing_ = {};
  decisions_ = 0;
}

std::size_t bandit::decide(const decision_facts& facts, std::span<const offered_arm> offered,
                           std::uint64_t now_ms) {
  extractor_.extract(facts, decision_.features);
  arms_.resize(offered.size());
  scores_.assign(offered.size(), {});
  for (std::size_t i = 0; i < offered.size(); ++i) {
    auto id = learner_->arm(config_.purpose, offered[i].model, "v1", now_ms);
    arms_[i] = {.id = id,
                .model = offered[i].model,
                .tier = offered[i].tier,
                .cost = offered[i].cost,
                .latency = 0,
                .cost_nanousd = static_cast<std::int64_t>(offered[i].cost * 1e9),
                .expected = learner_->predict(id, decision_.features, now_ms)};
  }
  if (decisions_++ % standing_every == 0)
    standing_ = learner_->standing_of(config_.purpose, config_.cost_price, 0, now_ms);
  route_context context{.purpose = config_.purpose,
                        .kind = facts.kind,
                        .tenant = facts.tenant,
                        .tries = facts.tries,
                        .cost_price = config_.cost_price,
                        .latency_price = 0,
                        .rewarded = true,
                        .learned = standing_};
  policy_->weigh(context, arms_, scores_);
  double draw = uniform(random_);
  std::size_t chosen = 0;
  while (chosen + 1 < arms_.size() && draw >= scores_[chosen].propensity)
    draw -= scores_[chosen++].propensity;
  decision_.id = decisions_;
  decision_.at_ms = now_ms;
  decision_.purpose = config_.purpose;
  decision_.cost_price = config_.cost_price;
  decision_.latency_price = 0;
  decision_.chosen = static_cast<std::uint32_t>(chosen);
  decision_.arms.resize(arms_.size());
  for (std::size_t i = 0; i < arms_.size(); ++i) decision_.arms[i] = {arms_[i].id, scores_[i]};
  return chosen;
}

void bandit::set_cost_price(double price) {
  if (price == config_.cost_price) return;
  config_.cost_price = price;
  standing_ = learner_->standing_of(config_.purpose, price, 0, decision_.at_ms);
}

void bandit::learn(double quality, std::uint64_t now_ms) {
  learner_->learn(decision_, quality, now_ms);
}

}  // namespace tandem::bench
