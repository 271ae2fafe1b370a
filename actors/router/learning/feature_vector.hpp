#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "schema/common.capnp.h"

namespace tandem {

/// What the numbers of a feature_vector mean. Whoever changes that raises it: what was learned with
/// another version is set aside.
inline constexpr std::uint32_t feature_version = 2;
/// Where an embedding takes the place of words: each model's vectors are numbers of their own.
[[nodiscard]] std::uint32_t feature_version_with(std::string_view embedding_model);
/// The dense part: the learner keeps a matrix of its square for each arm.
inline constexpr std::size_t dense_features_max = 128;
/// Of the constant: rewards are about one half until something is known.
inline constexpr double prior_mean = 0.5;

/// The sparse part: hashed into so many dimensions, of which one decision has at most so many.
inline constexpr std::size_t sparse_dimensions = 4096;
inline constexpr std::size_t sparse_features_max = 512;

struct sparse_feature {
  std::uint16_t index = 0;
  float value = 0;
};

/// A decision as the learner sees it. The dense part begins with the constant 1.
struct feature_vector {
  std::array<float, dense_features_max> dense{};
  std::uint32_t dense_size = 0;
  std::vector<sparse_feature> sparse;

  [[nodiscard]] std::span<const float> dense_part() const { return {dense.data(), dense_size}; }
};

/// What a decision is about.
struct decision_facts {
  schema::Purpose purpose = schema::Purpose::UNKNOWN;
  std::string_view kind;
  std::string_view tenant;
  /// Of the prompt, in order; any bytes.
  std::span<const std::string_view> texts;
  std::span<const std::string_view> tags;
  std::uint32_t max_tokens = 0;
  /// Of a step: its number in the plan, how many results it needs.
  std::uint32_t position = 0;
  std::uint32_t fan_in = 0;
  /// Failed tries of the same call before this one.
  std::uint32_t tries = 0;
  /// Of the prompt, from an embeddings endpoint, in the place of hashed words; empty: none came.
  std::span<const float> embedding;
};

}  // namespace tandem
