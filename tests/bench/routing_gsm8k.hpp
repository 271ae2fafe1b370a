#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tests/bench/gsm8k_data.hpp"
#include "tests/bench/routing_metrics.hpp"

namespace tandem::bench {

struct stream_settings {
  std::string_view policy = "auto";
  /// What a call to the large model costs, in quality; the small one costs nothing.
  double cost = 0.2;
  std::uint32_t seeds = 200;
  std::uint32_t dense = 64;
  bool sparse = false;
};

/// Of one cost, over seeds. Regime: all prompts once, in random order, the reward of the chosen
/// model alone (bandit feedback), nothing known before the first.
struct gsm8k_stream_figures {
  double cost = 0;
  /// Of the arm that is better over all prompts.
  double best_fixed = 0;
  /// Learned minus best fixed, a decision: over all decisions, and over the second half.
  interval gain;
  interval second_half;
  /// Share of calls to the large model, and of decisions made while demoted.
  double large = 0;
  double demoted = 0;
  /// The first seed's reward minus the best fixed arm's, summed up, after each decision.
  std::vector<double> curve;
};

[[nodiscard]] gsm8k_stream_figures run_gsm8k_stream(std::span<const graded_prompt> prompts,
                                                    const stream_settings& settings);

/// Over seeds. Regime: `labels` prompts with what both models did, drawn at random, learned one by
/// one; tested on the others.
struct gsm8k_threshold_figures {
  interval apgr;
  interval cpt50;
  interval cpt80;
};

[[nodiscard]] gsm8k_threshold_figures run_gsm8k_threshold(std::span<const graded_prompt> prompts,
                                                          std::uint32_t labels, std::uint32_t dense,
                                                          bool sparse, std::uint32_t seeds);

/// Microseconds, of four arms. A decision is predicting for each arm, its standing and weighing;
/// features are made once for each call and measured apart.
struct learner_speed {
  double features_us = 0;
  double decision_us = 0;
  double learn_us = 0;
};

[[nodiscard]] learner_speed measure_learner(std::span<const graded_prompt> prompts,
                                            std::uint32_t dense, bool sparse);

}  // namespace tandem::bench
