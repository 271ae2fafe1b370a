// Picks the next token from logits. The same options and logits give the same token on every
// machine: the generator and the way a number is drawn from it are fixed here, not by the standard
// library.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tandem::embedded {

struct sampling_options {
  float temperature = 0;    // 0 = always the likeliest token; up to 10
  std::uint32_t top_k = 0;  // 0 = no limit
  float top_p = 1;          // in (0, 1]
  std::uint64_t seed = 0;

  /// Why the options are unusable; empty when they are fine.
  std::string validate() const {
    if (!(temperature >= 0 && temperature <= 10)) return "temperature must be 0 to 10";
    if (!(top_p > 0 && top_p <= 1)) return "top_p must be above 0 and at most 1";
    return {};
  }
};

class sampler {
 public:
  explicit sampler(const sampling_options& options) : options_(options), generator_(options.seed) {}

  /// `logits` is not empty. NaN counts as impossible; among equals the lowest id wins.
  std::uint32_t pick(std::span<const float> logits) {
    return options_.temperature == 0 ? likeliest(logits) : draw(logits);
  }

 private:
  static std::uint32_t likeliest(std::span<const float> logits) {
    std::size_t best = 0;
    float best_value = -std::numeric_limits<float>::infinity();
    for (std::size_t i = 0; i < logits.size(); ++i) {
      if (logits[i] > best_value) {
        best = i;
        best_value = logits[i];
      }
    }
    return static_cast<std::uint32_t>(best);
  }

  std::uint32_t draw(std::span<const float> logits) {
    candidates_.clear();
    for (std::size_t i = 0; i < logits.size(); ++i) {
      if (std::isfinite(logits[i])) {
        candidates_.emplace_back(logits[i], static_cast<std::uint32_t>(i));
      }
    }
    if (candidates_.empty()) return likeliest(logits);
    const std::size_t count = options_.top_k == 0
                                  ? candidates_.size()
                                  : std::min<std::size_t>(options_.top_k, candidates_.size());
    std::partial_sort(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(count),
                      candidates_.end(), [](const candidate& a, const candidate& b) {
                        return a.first != b.first ? a.first > b.first : a.second < b.second;
                      });
    candidates_.resize(count);
    const double largest = candidates_[0].first;
    double total = 0;
    for (auto& [weight, id] : candidates_) {
      weight = static_cast<float>(std::exp((weight - largest) / options_.temperature));
      total += weight;
    }
    return choose(total);
  }

  /// Keeps the likeliest candidates up to top_p of the total, then draws one by its weight.
  std::uint32_t choose(double total) {
    double kept = 0;
    std::size_t count = 0;
    while (count < candidates_.size() && (count == 0 || kept < options_.top_p * total)) {
      kept += candidates_[count++].first;
    }
    double left = static_cast<double>(generator_() >> 11) * 0x1.0p-53 * kept;
    for (std::size_t i = 0; i < count; ++i) {
      left -= candidates_[i].first;
      if (left < 0) return candidates_[i].second;
    }
    return candidates_[count - 1].second;
  }

  using candidate = std::pair<float, std::uint32_t>;

  sampling_options options_;
  std::mt19937_64 generator_;
  std::vector<candidate> candidates_;
};

}  // namespace tandem::embedded
