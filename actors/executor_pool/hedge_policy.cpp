#include "actors/executor_pool/hedge_policy.hpp"

#include <algorithm>
#include <vector>

namespace tandem {
namespace {

/// Copies that may have been saved up in quiet times.
constexpr double earned_max = 16;
/// The quantile is looked at anew after so many further attempts.
constexpr std::size_t look_again = 16;

}  // namespace

void hedge_policy::on_attempt() {
  earned_ = std::min(earned_ + config_.share, earned_max);
}

void hedge_policy::on_done(std::string_view model, schema::Purpose purpose, duration took) {
  std::pair key{std::string{model}, purpose};
  auto found = known_.find(key);
  if (found == known_.end()) {
    if (known_.size() >= keys_max) return;
    found = known_.emplace(std::move(key), times{}).first;
  }
  auto& of = found->second;
  auto us = std::clamp<std::int64_t>(took.count(), 0, UINT32_MAX);
  of.latest_us[of.count++ % window] = static_cast<std::uint32_t>(us);
}

std::optional<hedge_policy::duration> hedge_policy::delay(std::string_view model,
                                                          schema::Purpose purpose) {
  if (config_.share <= 0) return std::nullopt;
  auto found = known_.find(std::pair{std::string{model}, purpose});
  if (found == known_.end() || found->second.count < samples_min) return std::nullopt;
  auto& of = found->second;
  if (of.looked_at == 0 || of.count >= of.looked_at + look_again) {
    of.looked_at = of.count;
    std::vector<std::uint32_t> sorted(of.latest_us.begin(),
                                      of.latest_us.begin() + std::min(of.count, window));
    auto rank = static_cast<std::size_t>(config_.quantile * static_cast<double>(sorted.size()));
    auto at = sorted.begin() + static_cast<std::ptrdiff_t>(std::min(rank, sorted.size() - 1));
    std::nth_element(sorted.begin(), at, sorted.end());
    of.slow = duration{*at};
  }
  return std::max<duration>(of.slow, config_.delay_min);
}

bool hedge_policy::take() {
  if (earned_ < 1) return false;
  earned_ -= 1;
  return true;
}

}  // namespace tandem
