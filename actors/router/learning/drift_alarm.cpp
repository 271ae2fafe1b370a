#include "actors/router/learning/drift_alarm.hpp"

#include <algorithm>

namespace tandem {
namespace {

/// Changes smaller than this, in noises, are left to the usual forgetting.
constexpr double allowance = 0.25;
/// exp(2 * allowance * threshold) rewards between false alarms, about.
constexpr double threshold = 24;

}  // namespace

drift_alarm::change drift_alarm::add(double difference, double noise) {
  auto step = std::clamp(difference / std::max(noise, 0.1), -3.0, 3.0);
  worse_ = std::max(0.0, worse_ - step - allowance);
  better_ = std::max(0.0, better_ + step - allowance);
  ++since_;
  if (worse_ < threshold && better_ < threshold) return change::none;
  last_ = worse_ >= threshold ? change::worse : change::better;
  reset();
  since_ = 0;
  return last_;
}

void drift_alarm::reset() {
  worse_ = better_ = 0;
}

}  // namespace tandem
