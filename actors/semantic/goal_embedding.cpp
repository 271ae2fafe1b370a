#include "actors/semantic/goal_embedding.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "actors/semantic/goal_hash.hpp"

namespace tandem {
namespace {

/// Kinds of features: a word and a piece with the same letters are not the same.
enum feature : std::uint64_t { unigram = 1, bigram = 2, piece = 3, value = 4 };

constexpr float bigram_weight = .3F;
constexpr float piece_weight = .25F;
/// Goals with other numbers are of no use to each other, however near their words.
constexpr float number_weight = 1.75F;
constexpr float function_word_weight = .08F;
constexpr std::size_t piece_length = 4;

struct counted_feature {
  std::uint64_t hash;
  float weight;
};

class feature_list {
 public:
  void add(feature kind, std::string_view text, float weight) {
    features_.push_back({goal_hash(text, kind), weight});
  }

  void add_word(const std::string& word) {
    auto stem = stem_of(word);
    bool dull = function_word(word);
    add(unigram, stem, dull ? function_word_weight : 1);
    if (dull) return;
    if (!before_.empty()) add(bigram, before_ + ' ' + stem, bigram_weight);
    auto framed = '<' + stem + '>';
    for (std::size_t i = 0; i + piece_length <= framed.size(); ++i)
      add(piece, std::string_view{framed}.substr(i, piece_length), piece_weight);
    before_ = std::move(stem);
  }

  /// Sums in the order of the hashes: the order of additions decides the last bit.
  std::vector<float> sum() {
    std::sort(features_.begin(), features_.end(), [](const auto& a, const auto& b) {
      return std::pair{a.hash, a.weight} < std::pair{b.hash, b.weight};
    });
    std::vector<float> out(goal_embedding_dimension);
    for (std::size_t i = 0; i < features_.size();) {
      std::size_t count = 0;
      auto [hash, weight] = features_[i];
      for (; i < features_.size() && features_[i].hash == hash; ++i) ++count;
      // A square root is rounded alike everywhere, a logarithm is not.
      float size = weight * std::sqrt(static_cast<float>(count));
      out[hash % goal_embedding_dimension] += (hash >> 63) != 0 ? size : -size;
    }
    return out;
  }

 private:
  std::vector<counted_feature> features_;
  std::string before_;
};

/// Sums that do not wait for each other; in a fixed order and never fused, for the same bits
/// everywhere.
[[gnu::always_inline]] inline float sum_of_products(const float* a, const float* b,
                                                    std::size_t size) {
  constexpr std::size_t lanes = 8;
  constexpr std::size_t groups = 4;
  using group = float __attribute__((vector_size(lanes * sizeof(float))));
  group sums[groups] = {};
  std::size_t i = 0;
  for (; i + groups * lanes <= size; i += groups * lanes)
    for (std::size_t k = 0; k < groups; ++k) {
      group x;
      group y;
      std::memcpy(&x, a + i + k * lanes, sizeof x);
      std::memcpy(&y, b + i + k * lanes, sizeof y);
      sums[k] += x * y;
    }
  float sum = 0;
  for (; i < size; ++i) sum += a[i] * b[i];
  auto all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  for (std::size_t k = 0; k < lanes; ++k) sum += all[k];
  return sum;
}

float inner_product_anywhere(const float* a, const float* b, std::size_t size) {
  return sum_of_products(a, b, size);
}

#if defined(__x86_64__)
// Without FMA, whose bits are others.
[[gnu::target("avx2,no-fma")]] float inner_product_avx2(const float* a, const float* b,
                                                        std::size_t size) {
  return sum_of_products(a, b, size);
}
#endif

}  // namespace

std::vector<float> embedding_of(const std::vector<goal_word>& words,
                                const std::vector<goal_number>& numbers) {
  feature_list features;
  for (const auto& n : numbers) features.add(value, to_string(n), number_weight);
  auto number = numbers.begin();
  for (std::size_t i = 0; i < words.size(); ++i) {
    while (number != numbers.end() && number->at + number->words <= i) ++number;
    bool counts = number != numbers.end() && i >= number->at;
    if (!counts && words[i].type == goal_word::kind::word) features.add_word(words[i].text);
    if (words[i].type == goal_word::kind::literal) features.add(unigram, words[i].text, 1);
  }
  auto out = features.sum();
  (void)normalise(out);
  return out;
}

bool normalise(std::span<float> vector) {
  double square = 0;
  for (float v : vector) square += static_cast<double>(v) * v;
  if (!std::isfinite(square) || square < 1e-12) {
    std::fill(vector.begin(), vector.end(), 0.F);
    return false;
  }
  auto scale = static_cast<float>(1 / std::sqrt(square));
  for (float& v : vector) v *= scale;
  return true;
}

float inner_product(std::span<const float> a, std::span<const float> b) {
  return inner_product_function()(a.data(), b.data(), std::min(a.size(), b.size()));
}

inner_product_call inner_product_function() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return inner_product_avx2;
#endif
  return inner_product_anywhere;
}

}  // namespace tandem
