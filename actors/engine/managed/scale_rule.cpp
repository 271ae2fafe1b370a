#include "actors/engine/managed/scale_rule.hpp"

namespace tandem {
namespace {

/// Of the calls of the last look, in the mean of all.
constexpr double news_share = 0.3;
/// One fewer is enough where those left would be no busier.
constexpr double busy_share_max = 0.7;

/// Whether it has held for so long, as of now.
bool has_lasted(bool holds, std::optional<scale_rule::time_point>& since,
                scale_rule::time_point now, std::chrono::milliseconds pause) {
  if (!holds) {
    since.reset();
    return false;
  }
  if (!since) since = now;
  return now - *since >= pause;
}

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
  auto all = now.serving + now.starting + now.failed;
  // Each that is on its way will take its part of what waits.
  auto bearable = config_.queue_delay * (1 + now.starting);
  auto too_few = now.serving > 0 && now.failed == 0 && all < config_.max && delay_ > bearable;
  if (has_lasted(too_few, too_few_since_, at, config_.grow_after)) {
    too_few_since_.reset();
    too_many_since_.reset();
    return scale_step::grow;
  }
  auto left = now.serving == 0
                  ? 0.0
                  : static_cast<double>(now.places) * static_cast<double>(now.serving - 1) /
                        static_cast<double>(now.serving);
  auto too_many = now.failed > 0 || (now.serving > 1 && now.starting == 0 && now.queued == 0 &&
                                     static_cast<double>(now.running) <= busy_share_max * left);
  if (!has_lasted(too_many, too_many_since_, at, config_.shrink_after)) return scale_step::stay;
  too_many_since_.reset();
  return scale_step::shrink;
}

}  // namespace tandem
