#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "actors/router/learning/arm_sums.hpp"
#include "actors/router/learning/drift_alarm.hpp"
#include "actors/router/learning/quality_learner.hpp"
#include "actors/router/learning/ridge.hpp"
#include "actors/router/learning/sparse_head.hpp"
#include "schema/common.capnp.h"

namespace tandem {

/// What another origin has said of an arm.
struct told_sums {
  std::uint64_t origin = 0;
  std::uint64_t sequence = 0;
  std::string weight_version;
  arm_sums sums;
  /// Weights of its sparse head; empty: none.
  std::vector<float> sparse;
  /// Its rewards when this router's alarm rang: those before are worth little.
  std::uint64_t alarm_rewards = 0;
  bool alarmed = false;
};

/// One arm: the own sums, those of others beside them, and what both together say, which is made
/// anew when enough has changed.
class arm_record {
 public:
  arm_record(schema::Purpose purpose, std::string_view model, std::string_view version,
             const learner_config& config, std::uint64_t now_ms);

  [[nodiscard]] prediction predict(const feature_vector& x, const learner_config& config,
                                   std::uint64_t now_ms);
  /// Whether the alarm rang.
  bool learn(std::uint64_t decision, const feature_vector& x, double q,
             const learner_config& config, std::uint64_t now_ms);
  void correct(std::uint64_t decision, std::uint64_t at_ms, const feature_vector& x, double before,
               double q, const learner_config& config, std::uint64_t now_ms);

  /// Whether what is known was discounted.
  bool set_version(std::string_view version, double keep);
  /// Takes the place of what this origin said before; its own: of what was learned here.
  void take(told_sums told, bool own, const learner_config& config);
  void drop_origin(std::uint64_t origin);

  /// 0 to 1: how far the context counts.
  [[nodiscard]] double trust() const;
  [[nodiscard]] const arm_sums& total(const learner_config& config, std::uint64_t now_ms);

  schema::Purpose purpose;
  std::string model;
  std::string version;
  arm_sums own;
  std::unique_ptr<sparse_head> head;
  std::vector<told_sums> others;
  drift_alarm alarm;
  std::uint64_t sequence = 0;
  bool changed = false;

 private:
  struct expectation {
    double mean = 0.5;
    double mean_variance = 0.25;
    /// What the dense part, and the sparse head over it, would add.
    double context = 0;
    double sparse = 0;
    double context_variance = 0;
    double trust = 0;
  };

  [[nodiscard]] expectation expect(const feature_vector& x) const;
  [[nodiscard]] prediction mix(const expectation& e) const;
  [[nodiscard]] double share_of(const told_sums& told, const learner_config& config,
                                std::uint64_t now_ms) const;
  [[nodiscard]] double sparse_trust() const;
  void refresh(const learner_config& config, std::uint64_t now_ms);
  void refresh_when_stale(const learner_config& config, std::uint64_t now_ms);
  void cut_down();

  /// Of all origins; of `gram` and `moments` only while it is made.
  arm_sums total_;
  ridge ridge_;
  /// Averaged over the origins; empty: the own head alone.
  std::vector<float> sparse_;
  std::uint64_t solved_at_ms_ = 0;
  std::uint32_t added_ = 0;
  /// Weight that came or went since, other than by learning.
  double pending_ = 0;
  bool solved_ = false;
};

}  // namespace tandem
