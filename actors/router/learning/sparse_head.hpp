#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "actors/router/learning/feature_vector.hpp"

namespace tandem {

/// Ridge regression over hashed n-grams and the dense part together, by dual coordinate ascent
/// (Shalev-Shwartz and Zhang 2013) over the last rewards: each new one is fitted along with some
/// old ones, so that it comes within some percent of the exact solution at a few microseconds a
/// reward. Memory: 17 KB, and for each of at most 1,024 rewards its features (1 to 5 KB).
class sparse_head {
 public:
  static constexpr std::size_t weights = sparse_dimensions + dense_features_max;
  static constexpr std::size_t rewards_max = 1024;

  sparse_head() : weights_(weights) {}

  /// `strength`: of the regularisation of the dense part.
  void add(std::uint64_t decision, const feature_vector& features, double q, double strength);
  void correct(std::uint64_t decision, double q);
  /// A quality, not bounded.
  [[nodiscard]] double predict(const feature_vector& features) const;
  /// Forgets all but the newest `share`.
  void keep(double share);

  /// What it was before a restart: what it learns from now on starts there.
  void start_from(std::span<const float> learned);
  [[nodiscard]] std::span<const float> learned() const { return weights_; }
  [[nodiscard]] bool empty() const { return rewards_.empty() && start_.empty(); }

 private:
  struct reward {
    std::uint64_t decision = 0;
    float q = 0;
    float dual = 0;
    float length = 0;
    std::vector<sparse_feature> features;
  };

  void drop_oldest();
  void fit(reward& one);
  void move(const reward& one, float by);
  void set_strength(double strength);
  [[nodiscard]] float length_of(const reward& one) const;

  std::deque<reward> rewards_;
  std::vector<float> weights_;
  /// After a restart: where the weights started.
  std::vector<float> start_;
  std::size_t next_ = 0;
  double strength_ = 10;
};

/// A quality from the weights of a head, of this router or averaged over several.
[[nodiscard]] double sparse_quality(std::span<const float> weights, const feature_vector& features);

}  // namespace tandem
