#include "actors/router/learning/sparse_head.hpp"

#include <algorithm>

namespace tandem {
namespace {

/// What a weight may be before anything is known: its variance over that of one reward. The
/// n-grams of an ordinary decision have length 1, so together they may say some tenth of what a
/// reward varies.
constexpr float gram_variance = 0.12f;
/// The dense part has less to say beside n-grams than alone.
constexpr double dense_share = 6;
constexpr float constant_variance = 1;
constexpr std::size_t refits = 8;

}  // namespace

void sparse_head::add(std::uint64_t decision, const feature_vector& features, double q,
                      double strength) {
  if (rewards_.size() == rewards_max) drop_oldest();
  strength *= dense_share;
  if (strength < 0.7 * strength_ || strength > 1.4 * strength_) set_strength(strength);
  reward one{.decision = decision, .q = static_cast<float>(q)};
  one.features.reserve(features.sparse.size() + features.dense_size);
  one.features = features.sparse;
  for (std::uint32_t i = 0; i < features.dense_size; ++i)
    if (features.dense[i] != 0)
      one.features.push_back(
          {static_cast<std::uint16_t>(sparse_dimensions + i), features.dense[i]});
  one.length = length_of(one);
  rewards_.push_back(std::move(one));
  fit(rewards_.back());
  for (std::size_t i = 0; i < std::min(refits, rewards_.size()); ++i) {
    next_ = (next_ + 1) % rewards_.size();
    fit(rewards_[next_]);
  }
}

void sparse_head::correct(std::uint64_t decision, double q) {
  for (auto& one : rewards_) {
    if (one.decision != decision) continue;
    one.q = static_cast<float>(q);
    fit(one);
  }
}

void sparse_head::keep(double share) {
  auto kept = static_cast<std::size_t>(static_cast<double>(rewards_.size()) * share);
  while (rewards_.size() > kept) drop_oldest();
  auto factor = static_cast<float>(share);
  for (std::size_t i = 0; i < start_.size(); ++i) {
    weights_[i] -= start_[i] * (1 - factor);
    start_[i] *= factor;
  }
}

void sparse_head::start_from(std::span<const float> learned) {
  rewards_.clear();
  next_ = 0;
  start_.assign(learned.begin(), learned.end());
  start_.resize(weights);
  weights_ = start_;
}

void sparse_head::drop_oldest() {
  move(rewards_.front(), -rewards_.front().dual);
  rewards_.pop_front();
  if (next_ > 0) --next_;
}

/// The dual coordinate of one reward, exactly, the others as they are.
void sparse_head::fit(reward& one) {
  auto said = static_cast<float>(prior_mean);
  for (auto feature : one.features) said += weights_[feature.index] * feature.value;
  auto by = (one.q - said - one.dual) / (1 + one.length);
  move(one, by);
  one.dual += by;
}

void sparse_head::move(const reward& one, float by) {
  auto dense = static_cast<float>(by / strength_);
  for (auto feature : one.features) {
    auto variance = feature.index < sparse_dimensions    ? by * gram_variance
                    : feature.index == sparse_dimensions ? by * constant_variance
                                                         : dense;
    weights_[feature.index] += variance * feature.value;
  }
}

void sparse_head::set_strength(double strength) {
  strength_ = strength;
  weights_.assign(weights, 0);
  std::copy(start_.begin(), start_.end(), weights_.begin());
  for (auto& one : rewards_) {
    one.length = length_of(one);
    move(one, one.dual);
  }
}

float sparse_head::length_of(const reward& one) const {
  float grams = 0;
  float dense = 0;
  float constant = 0;
  for (auto feature : one.features) {
    auto& sum = feature.index < sparse_dimensions    ? grams
                : feature.index == sparse_dimensions ? constant
                                                     : dense;
    sum += feature.value * feature.value;
  }
  return grams * gram_variance + constant * constant_variance +
         dense / static_cast<float>(strength_);
}

double sparse_head::predict(const feature_vector& features) const {
  return sparse_quality(weights_, features);
}

double sparse_quality(std::span<const float> weights, const feature_vector& features) {
  auto said = static_cast<float>(prior_mean);
  for (auto feature : features.sparse)
    if (feature.index < sparse_dimensions) said += weights[feature.index] * feature.value;
  for (std::uint32_t i = 0; i < features.dense_size; ++i)
    said += weights[sparse_dimensions + i] * features.dense[i];
  return said;
}

}  // namespace tandem
