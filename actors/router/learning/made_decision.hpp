#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/router/learning/feature_vector.hpp"
#include "schema/common.capnp.h"

namespace tandem {

/// A model for calls of one purpose, or a way for jobs, as the learner numbers them. Stable while
/// the process lives.
using arm_id = std::uint32_t;

/// One arm as a policy saw it. Costs and latencies are over those of the large tier for the same
/// call: 1 is "as dear as large".
struct arm_score {
  double quality = 0;
  /// Standard deviation of the predicted quality.
  double deviation = 0;
  /// Added to the quality for the sake of learning.
  double exploration = 0;
  double cost = 0;
  double latency = 0;
  /// quality + exploration - price of cost * cost - price of latency * latency.
  double score = 0;
  /// Probability with which the policy chooses it here; over all arms they sum to 1.
  double propensity = 0;
};

struct decided_arm {
  arm_id arm = 0;
  arm_score score;
};

/// A decision as it is kept until its reward comes.
struct made_decision {
  std::uint64_t id = 0;
  std::uint64_t at_ms = 0;
  schema::Purpose purpose = schema::Purpose::UNKNOWN;
  std::vector<decided_arm> arms;
  /// Into `arms`.
  std::uint32_t chosen = 0;
  /// What a unit of cost, or of latency, was worth in quality.
  double cost_price = 0;
  double latency_price = 0;
  feature_vector features;
};

}  // namespace tandem
