#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "actors/router/engines/engine_choice_config.hpp"

namespace tandem {

/// A tenant's spending that the router aims at, by a price on cost. `[[tenant]]`.
struct tenant_target {
  std::string tenant;
  /// 0: none. A job on average, or an hour; not both.
  std::int64_t job_nanousd = 0;
  std::int64_t hour_nanousd = 0;
};

/// `[routing]` in the config file.
struct router_config {
  /// One of routing_policies(), with or without settings: `auto(exploration=0.05)`.
  std::string policy = "cheapest";
  /// `fixed`: the model of plans, and of everything else.
  std::string plan_model;
  std::string step_model;
  /// The tier that plans and that failed steps climb to; prices "all large" are this tier's.
  std::string large_tier = "large";
  std::string small_tier = "small";

  /// What follows is for policies that learn.
  /// A call as dear as the large tier's must be better by so much; 0: only quality counts.
  double cost_weight = 0.2;
  /// The same for one that takes as long as the large tier's.
  double latency_weight = 0;
  /// The share of rewarded decisions that is drawn evenly from all arms.
  double exploration = 0.02;
  /// Rewards that a new arm, or one with new weights, gets at least.
  std::uint32_t forced_pulls = 10;
  /// Dense features, up to 128.
  std::uint32_t features = 64;
  /// A sparse head of 4,096 hashed word n-grams besides.
  bool sparse = false;
  /// The embedding of the call's last user text in the place of hashed words, and whose it is.
  bool embeddings = false;
  std::string embedding_model;
  /// What a reward is worth after so many more of its arm, or after so long: one half.
  double half_life_rewards = 2000;
  std::chrono::milliseconds half_life{std::chrono::hours{24 * 14}};
  /// What is left of what was learned of a model when its weights change.
  double new_weights_keep = 0.2;
  /// A reward that comes later than this after its decision is refused.
  std::chrono::milliseconds reward_window{std::chrono::hours{24}};
  /// Decisions kept in memory for their rewards, and on the disk for `explain` and `export`.
  std::uint32_t decisions_max = 16'384;
  std::uint32_t decisions_kept = 200'000;
  /// How often what was learned is written down, and told to the other nodes.
  std::chrono::milliseconds save_interval{1000};
  /// So long after its first decision, a version that no engine serves may only not have been told
  /// of yet: jobs that need it wait.
  std::chrono::milliseconds weights_patience{5000};
  std::vector<tenant_target> targets;

  engine_choice_config engines;
};

}  // namespace tandem
