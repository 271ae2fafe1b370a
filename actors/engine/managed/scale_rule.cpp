#include "actors/engine/managed/scale_rule.hpp"

namespace tandem {
namespace {

/// Of the calls of the last look, in the mean of all.
constexpr double news_share = 0.3;
/// One fewer is enough where those left would be no busier in the mean, and nobody waits longer
/// than a part of what is borne.
constexpr double busy_share_max = 0.7;
constexpr int calm_part = 4;

}  // namespace

void scale_rule::learn(const scale_facts& now) {
  // Sums shrink when a server goes.
  if (now.finished > finished_ && now.busy > busy_) {
    auto mean = static_cast<double>((now.busy - busy_).count()) /
                static_cast<double>(now.finished - finished_);
    service_us_ = service_us_ == 0 ? mean : service_us_ + news_share * (mean - service_us_);
  }
  finished_ = now.finished;
  busy_ = now.busy;
}

std::chrono::milliseconds scale_rule::estimate(const scale_facts& now, time_point at) {
  using std::chrono::milliseconds;
  if (now.queued == 0) {
    waited_since_.reset();
    return milliseconds{0};
  }
  if (!waited_since_) waited_since_ = at;
  // Nothing has ended yet: they wait as long as they have waited.
  if (service_us_ == 0 || now.places == 0)
    return std::chrono::duration_cast<milliseconds>(at - *waited_since_);
  auto us = static_cast<double>(now.queued) * service_us_ / static_cast<double>(now.places);
  constexpr double most_us = 1e12;
  return milliseconds{static_cast<std::int64_t>(us < most_us ? us / 1e3 : most_us / 1e3)};
}

scale_step scale_rule::look(const scale_facts& now, time_point at) {
  learn(now);
  delay_ = estimate(now, at);
  if (now.failed > 0) return scale_step::shrink;
  if (is_too_few(now, at)) return scale_step::grow;
  return is_too_many(now, at) ? scale_step::shrink : scale_step::stay;
}

bool scale_rule::is_too_few(const scale_facts& now, time_point at) {
  auto all = now.serving + now.starting + now.draining;
  // Each that is on its way will take its part of what waits.
  auto bearable = config_.queue_delay * (1 + now.starting);
  if (now.serving == 0 || now.idle > 0 || all >= config_.max || delay_ <= bearable) {
    too_few_since_.reset();
    return false;
  }
  if (!too_few_since_) too_few_since_ = at;
  if (at - *too_few_since_ < config_.grow_after) return false;
  too_few_since_.reset();
  return true;
}

bool scale_rule::is_too_many(const scale_facts& now, time_point at) {
  if (now.serving <= 1 || now.starting > 0 || delay_ * calm_part > config_.queue_delay) {
    calm_since_.reset();
    return false;
  }
  if (!calm_since_) {
    calm_since_ = at;
    running_sum_ = looks_ = 0;
  }
  running_sum_ += static_cast<double>(now.running);
  ++looks_;
  if (at - *calm_since_ < config_.shrink_after) return false;
  calm_since_.reset();
  auto left = static_cast<double>(now.places) * (now.serving - 1) / now.serving;
  return running_sum_ / looks_ <= busy_share_max * left;
}

}  // namespace tandem
