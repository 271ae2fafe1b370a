#include "actors/engine/admission/gradient_limit.hpp"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

/// Latency above the unloaded one that is no reason to lower the limit.
constexpr double tolerance = 1.4;
constexpr double headroom_share = 0.5;
constexpr double overload_cut = 0.75;
/// Of the limit: below it says nothing about more.
constexpr double used_share = 0.8;
/// Half as many at once, and latency is not below this share of what it was: it is not our doing.
constexpr double helped_share = 0.85;
/// A call that is given up after so many times what it should have taken, and after so long.
constexpr double hopeless = 3;
constexpr double hopeless_seconds_min = 5;
constexpr double unloaded_step = 0.3;
/// Nothing else is at work.
constexpr double alone = 1.25;
constexpr std::size_t window_min = 6;
/// While the limit is lowered: to be over soon.
constexpr std::size_t window_falling = 16;
/// Windows between two looks at what half the limit would do: twice as many after each, few again
/// after a surprise.
constexpr std::uint64_t check_windows_min = 16;
constexpr std::uint64_t check_windows_max = 256;
/// The unloaded latency has changed by more than this.
constexpr double surprise = 1.2;

}  // namespace

gradient_limit::gradient_limit(std::uint32_t minimum, std::uint32_t maximum)
    : minimum_{static_cast<double>(std::max(minimum, 1u))},
      maximum_{std::max(static_cast<double>(maximum), minimum_)},
      limit_{maximum_} {}

std::uint32_t gradient_limit::limit() const {
  return static_cast<std::uint32_t>(limit_);
}

std::size_t gradient_limit::window_size() const {
  return std::clamp(static_cast<std::size_t>(limit_), window_min,
                    falling_ ? window_falling : window_max);
}

double gradient_limit::gradient(double load) const {
  return std::clamp(tolerance * unloaded_ / load, 0.5, 1.0);
}

void gradient_limit::on_done(const call& done) {
  if (done.started < lowered_ || done.ended <= done.started) return;
  window_.push_back({done.prompt_tokens, done.completion_tokens,
                     std::chrono::duration<double>(done.ended - done.started).count()});
  window_in_flight_ += std::max(done.in_flight, 1u);
  if (window_.size() >= window_size()) end_window(done.ended);
}

void gradient_limit::on_given_up(const call& so_far) {
  std::chrono::duration<double> took = so_far.ended - so_far.started;
  auto expected = unloaded_ * expectation_.of({so_far.prompt_tokens, so_far.completion_tokens, 0});
  if (took.count() < std::max(hopeless * expected, hopeless_seconds_min)) return;
  on_overload(so_far.started, so_far.ended, so_far.in_flight);
}

void gradient_limit::on_overload(clock::time_point started, clock::time_point now,
                                 std::uint32_t in_flight) {
  // Those that were sent together are refused together.
  if (started < lowered_) return;
  falling_.reset();
  lower(overload_cut * std::min(limit_, static_cast<double>(std::max(in_flight, 1u))), now);
  ++windows_;
}

void gradient_limit::lower(double to, clock::time_point now) {
  limit_ = std::max(minimum_, to);
  lowered_ = now;
  window_.clear();
  window_in_flight_ = 0;
}

void gradient_limit::end_window(clock::time_point now) {
  reading read;
  read.used = static_cast<double>(window_in_flight_) / static_cast<double>(window_.size());
  read.load = std::exp(expectation_.learn(window_));
  window_.clear();
  window_in_flight_ = 0;
  ++windows_;
  follow(read);
  if (falling_ && falling_->checks) {
    if (!end_check(read)) lower(std::min(limit_, read.used) / 2, now);
    return;
  }
  auto is_used = read.used >= used_share * std::floor(limit_);
  if (is_used && windows_ > check_at_ && limit_ >= 2 * minimum_) {
    falling_ = fall{limit_, read, read, true};
    return lower(std::min(limit_, read.used) / 2, now);
  }
  auto next = limit_ * gradient(read.load) + headroom_share * std::sqrt(limit_);
  if (next < limit_) {
    if (!falling_) falling_ = fall{limit_, read, read, false};
    lower(next, now);
  } else {
    falling_.reset();
    if (is_used) limit_ = std::min(maximum_, next);
  }
}

void gradient_limit::follow(const reading& now) {
  if (unloaded_ == 0) unloaded_ = now.load;
  if (now.load * surprise < unloaded_) surprised();
  if (now.load < unloaded_ || now.used <= alone)
    unloaded_ += unloaded_step * (now.load - unloaded_);
  if (!falling_ || falling_->checks || now.used > falling_->last.used / 2) return;
  if (now.load > helped_share * falling_->last.load) {
    // Slower than it was, and not because of us.
    surprised();
    settle(now.load);
  } else {
    falling_->last = now;
  }
}

bool gradient_limit::end_check(const reading& now) {
  auto helped = now.load < helped_share * falling_->last.load;
  falling_->last = now;
  if (helped && limit_ / 2 >= minimum_) return false;
  auto change = now.load / unloaded_;
  check_after_ = std::min(2 * check_after_, check_windows_max);
  if (change > surprise || change < 1 / surprise) check_after_ = check_windows_min;
  check_at_ = windows_ + check_after_;
  settle(now.load);
  return true;
}

void gradient_limit::settle(double unloaded) {
  unloaded_ = unloaded;
  limit_ = std::max(limit_, falling_->limit * gradient(falling_->from.load));
  falling_.reset();
}

void gradient_limit::surprised() {
  check_after_ = check_windows_min;
  check_at_ = std::min(check_at_, windows_ + check_after_);
}

}  // namespace tandem
