#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <caf/expected.hpp>

#include "actors/router/learning/made_decision.hpp"
#include "schema/routing.capnp.h"
#include "schema/types.hpp"

namespace tandem {

/// Of a decision that an earlier process made: its arms are known by name alone.
inline constexpr arm_id unknown_arm = ~arm_id{0};

/// An arm as a person reads it, beside its scores in made_decision.
struct kept_arm {
  std::string model;
  std::string tier;
  std::string weight_version;
  std::int64_t cost_nanousd = 0;
  std::uint64_t latency_us = 0;
  /// With which the candidate policy of a trial would choose it.
  double candidate_propensity = 0;
};

struct removed_arm {
  std::string model;
  std::string tier;
  std::string why;
};

struct kept_reward {
  schema::RewardSource source = schema::RewardSource::UNKNOWN;
  double quality = 0;
  std::uint64_t at_ms = 0;
};

/// A decision that waits for its rewards, and what it can be explained by.
struct kept_decision {
  made_decision made;
  /// As made.arms.
  std::vector<kept_arm> arms;
  std::vector<removed_arm> removed;
  std::string kind;
  std::string tenant;
  std::string policy;
  std::string engine;
  /// The candidate policy that weighed it too; empty: there was none.
  std::string trial;
  std::uint64_t journal = 0;
  std::uint64_t job = 0;
  std::uint32_t tries = 0;
  std::vector<kept_reward> rewards;
  /// As learned; negative: nothing was learned.
  double quality = -1;
  std::int64_t cost_nanousd = -1;
  std::uint64_t latency_us = 0;
};

/// Decisions of one router, each until its window is over or newer ones need the room. Says what a
/// reward means: learned once for each decision; a better source corrects a lesser one (user,
/// verification or escalation, job, judge). No clock.
class decision_ledger {
 public:
  /// At most `decisions_max` are kept; rewards later than `window_ms` are refused.
  decision_ledger(std::size_t decisions_max, std::uint64_t window_ms,
                  std::uint32_t features = feature_version);

  kept_decision& add(kept_decision decision);
  /// Null: not kept.
  [[nodiscard]] const kept_decision* find(std::uint64_t id) const;
  /// Kept by an earlier process: its rewards may still come. Older than all that is here.
  [[nodiscard]] caf::error restore(schema::DecisionRecord::Reader record);

  enum class meaning : std::uint8_t {
    /// The first quality: to be learned.
    learned,
    /// Better known now: `before` is to be replaced.
    corrected,
    /// Kept beside a better source.
    noted,
    /// This source has spoken already.
    again,
    unknown_decision,
    late,
    /// Not in [0, 1], or another tenant's.
    refused,
  };
  struct verdict {
    meaning what = meaning::refused;
    kept_decision* decision = nullptr;
    double before = -1;
  };
  /// Counts it, and marks the decision to be saved. Not for `outcome`. What is not `believed` is
  /// kept beside the others and changes nothing.
  verdict on_reward(schema::Reward::Reader reward, std::uint64_t now_ms, bool believed = true);
  /// What the call has cost and taken; of a decision that is not kept: nothing.
  void on_outcome(schema::Reward::Reader reward);

  /// What is new or has changed since the last call: all that were rewarded (what was learned from
  /// them is saved together with them), and of the others the newest `max`.
  [[nodiscard]] std::vector<tmsg::decrec> take_changed(std::size_t max);
  [[nodiscard]] tmsg::decrec record_of(const kept_decision& decision) const;

  void write(schema::RewardCounts::Builder out) const;
  [[nodiscard]] std::size_t size() const { return decisions_.size(); }

 private:
  void drop_oldest();

  std::size_t decisions_max_;
  std::uint64_t window_ms_;
  /// Which version of them decisions have here.
  std::uint32_t features_;
  std::unordered_map<std::uint64_t, kept_decision> decisions_;
  /// Oldest first.
  std::deque<std::uint64_t> order_;
  std::unordered_set<std::uint64_t> changed_;
  std::uint64_t learned_ = 0;
  std::uint64_t corrected_ = 0;
  std::uint64_t again_ = 0;
  std::uint64_t unknown_ = 0;
  std::uint64_t late_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t missing_ = 0;
};

}  // namespace tandem
