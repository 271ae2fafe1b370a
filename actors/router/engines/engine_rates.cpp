#include "actors/router/engines/engine_rates.hpp"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

/// Shorter prompts tell more of what a call costs at all than of speed.
constexpr double tokens_min = 128;
constexpr double writing_tokens_min = 8;
constexpr std::size_t prior_samples = 3;
/// What engines can be, so that one report of nonsense does no harm for long.
constexpr double speed_min = 1;
constexpr double speed_max = 1e7;
constexpr double average_calls = 50;
/// Tokens that halve what is thought of the cache: some wrong predictions are chance.
constexpr double trust_tokens = 50'000;

bool is_speed(double value) {
  return std::isfinite(value) && value >= speed_min && value <= speed_max;
}

}  // namespace

void engine_rates::learn_prefill(const call& done) {
  if (!(done.computed_tokens >= tokens_min) || !(done.first_token_s > 0)) return;
  auto speed = done.computed_tokens / done.first_token_s;
  if (!is_speed(speed) || (!done.found_idle && speed <= prefill_)) return;
  speeds_[samples_++ % window] = static_cast<float>(speed);
  std::array<float, window + prior_samples> sorted{};
  auto known = static_cast<std::size_t>(std::min<std::uint64_t>(samples_, window));
  auto* end = std::copy_n(speeds_.begin(), known, sorted.begin());
  for (auto i = known; i < prior_samples; ++i) *end++ = static_cast<float>(prefill_prior);
  auto* upper = sorted.begin() + (end - sorted.begin()) * 3 / 4;
  std::nth_element(sorted.begin(), upper, end);
  prefill_ = static_cast<double>(*upper);
}

void engine_rates::learn(const call& done) {
  learn_prefill(done);
  auto share = 1 / std::min(static_cast<double>(++calls_) + 1, average_calls);
  if (done.total_s > 0 && std::isfinite(done.total_s)) call_s_ += share * (done.total_s - call_s_);
  auto writing = done.writing_s > 0 ? done.completion_tokens / done.writing_s : 0;
  if (done.completion_tokens >= writing_tokens_min && is_speed(writing))
    decode_ += share * (writing - decode_);
  if (!(done.predicted_cached >= tokens_min) || !(done.cached >= 0)) return;
  auto hit = std::min(done.cached / done.predicted_cached, 1.0);
  auto weight = std::min(done.predicted_cached, trust_tokens / 4) / trust_tokens;
  trust_ += weight * (hit - trust_);
}

}  // namespace tandem
