#include "actors/semantic/harm_watch.hpp"

#include <utility>

#include "actors/semantic/error_bounds.hpp"

namespace tandem {
namespace {

/// Fewer prove nothing: one failure among three would be "proof" of 1%.
constexpr std::size_t least_seen = 10;
constexpr std::size_t halved_at = 1'000;

}  // namespace

harm_watch::state harm_watch::at(std::int64_t now_ms) {
  if (state_ == state::off && now_ms >= off_until_ms_) {
    state_ = probation_labels_ == 0 ? state::on : state::probation;
    right_in_a_row_ = 0;
  }
  return state_;
}

void harm_watch::add(tally& to, bool bad) {
  if (++to.count > halved_at) to = {to.count / 2, to.bad / 2};
  to.bad += bad ? 1 : 0;
}

void harm_watch::outcome(bool hit, bool ok, std::int64_t now_ms) {
  add(hit ? hits_ : others_, !ok);
  if (hit) judge(now_ms);
}

void harm_watch::label(bool served, bool wrong, std::int64_t now_ms) {
  if (served) {
    add(served_, wrong);
    judge(now_ms);
  } else if (at(now_ms) == state::probation) {
    right_in_a_row_ = wrong ? 0 : right_in_a_row_ + 1;
    if (right_in_a_row_ >= probation_labels_) state_ = state::on;
  }
}

void harm_watch::judge(std::int64_t now_ms) {
  if (at(now_ms) != state::on) return;
  if (served_.count >= least_seen &&
      lower_error_bound(served_.bad, served_.count, confidence_) > max_error_)
    return turn_off("hits that were compared were wrong more often than allowed", now_ms);
  if (hits_.count < least_seen) return;
  // What fails without hits as well is not their fault.
  double usual = others_.count == 0
                     ? 0
                     : static_cast<double>(others_.bad) / static_cast<double>(others_.count);
  if (lower_error_bound(hits_.bad, hits_.count, confidence_) > max_error_ + usual)
    turn_off("jobs with a plan of a near goal failed more often than others", now_ms);
}

void harm_watch::turn_off(std::string reason, std::int64_t now_ms) {
  state_ = state::off;
  off_until_ms_ = now_ms + off_ms_;
  ++times_off_;
  reason_ = std::move(reason);
  hits_ = {};
  served_ = {};
}

}  // namespace tandem
