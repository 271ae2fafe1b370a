#include "actors/engine/engine_gate.hpp"

#include <algorithm>

namespace tandem {
namespace {

using std::chrono::milliseconds;

/// Where a server that is busy does not say for how long; doubles while it stays so.
constexpr milliseconds busy_first{100};
constexpr std::uint32_t busy_doublings_max = 6;
/// Whatever a server says: no engine is left alone for longer without a look.
constexpr milliseconds busy_max{std::chrono::minutes{1}};

milliseconds until(engine_gate::clock::time_point then, engine_gate::clock::time_point now) {
  return std::max(milliseconds{1}, std::chrono::ceil<milliseconds>(then - now));
}

}  // namespace

engine_gate::engine_gate(std::string name, const breaker_config& config)
    : name_{std::move(name)}, breaker_{config} {}

engine_gate::verdict engine_gate::look(clock::time_point now, bool holds_version) const {
  return look(now, holds_version, false);
}

engine_gate::verdict engine_gate::look_warm(clock::time_point now) const {
  return look(now, false, true);
}

engine_gate::verdict engine_gate::look(clock::time_point now, bool holds_version,
                                       bool warms) const {
  auto where = "engine '" + name_ + "' ";
  if (draining_)
    return {errc::unavailable, where + "is being drained; `tandem engine undrain` ends that"};
  if (weights_ != weight_change::admission::open && !(is_held() && holds_version))
    return {errc::unavailable,
            where + "takes nothing while its weights change: " + weights_reason_};
  if (probed_ != schema::Health::HEALTHY)
    return {errc::unavailable,
            where + (probed_ == schema::Health::STARTING ? "is starting" : "is not healthy") +
                (probed_reason_.empty() ? "" : ": " + probed_reason_)};
  if (warming_ && !warms)
    return {errc::unavailable, where + "is being warmed: it reads what calls begin with"};
  if (now < busy_until_)
    return {errc::overloaded, where + "asked us to wait: " + busy_reason_, until(busy_until_, now)};
  if (breaker_.state(now) == schema::Breaker::OPEN)
    return {errc::unavailable, where + "has failed too often: " + last_failure_,
            until(breaker_.retry_at(), now)};
  return {};
}

engine_gate::verdict engine_gate::admit(clock::time_point now, bool holds_version) {
  auto seen = look(now, holds_version);
  if (seen.code == errc::unknown) {
    if (auto trial = breaker_.admit(now))
      seen.trial = *trial;
    else
      seen = {errc::unavailable,
              "engine '" + name_ + "' is being tried again after: " + last_failure_};
  }
  if (seen.code != errc::unknown) ++refusals_;
  return seen;
}

void engine_gate::on_health(schema::Health health, std::string reason) {
  probed_ = health;
  probed_reason_ = std::move(reason);
}

void engine_gate::on_weights(weight_change::admission admits, std::string reason) {
  weights_ = admits;
  weights_reason_ = std::move(reason);
}

void engine_gate::on_result(errc code, const std::string& error, milliseconds retry_after,
                            clock::time_point now, std::uint64_t trial) {
  switch (code) {
    case errc::cancelled:
      breaker_.on_nothing(trial);
      return;
    case errc::overloaded:
    case errc::unavailable: {
      // Those that were refused together count once.
      if (now >= busy_until_ || busy_in_a_row_ == 0) ++busy_in_a_row_;
      ++refusals_;
      auto said = retry_after > milliseconds::zero();
      auto pause =
          said ? retry_after : busy_first * (1 << std::min(busy_in_a_row_ - 1, busy_doublings_max));
      auto until = now + std::min(pause, busy_max);
      // A refusal that says nothing does not shorten what the server asked for.
      busy_until_ = said ? until : std::max(busy_until_, until);
      busy_reason_ = error;
      breaker_.on_success();
      return;
    }
    case errc::engine_failed:
    case errc::deadline_exceeded:
    case errc::internal:
      last_failure_ = error;
      breaker_.on_failure(now, trial);
      return;
    default:
      // It answered; that the request was wrong is no fault of it.
      busy_in_a_row_ = 0;
      breaker_.on_success();
  }
}

schema::Health engine_gate::health(clock::time_point now) const {
  if (draining_) return schema::Health::DRAINING;
  if (weights_ != weight_change::admission::open) return schema::Health::UPDATING;
  if (probed_ != schema::Health::HEALTHY) return probed_;
  if (warming_) return schema::Health::STARTING;
  if (now < busy_until_) return schema::Health::BUSY;
  if (breaker_.state(now) == schema::Breaker::OPEN) return schema::Health::UNHEALTHY;
  return schema::Health::HEALTHY;
}

std::string engine_gate::reason(clock::time_point now) const {
  if (!draining_ && weights_ == weight_change::admission::open &&
      breaker_.state(now) == schema::Breaker::HALF_OPEN && probed_ == schema::Health::HEALTHY)
    return "one request at a time tries whether it works again, after: " + last_failure_;
  return look(now).why;
}

std::optional<engine_gate::clock::time_point> engine_gate::next_change(
    clock::time_point now) const {
  std::optional<clock::time_point> next;
  if (now < busy_until_) next = busy_until_;
  if (breaker_.state(now) == schema::Breaker::OPEN)
    next = next ? std::min(*next, breaker_.retry_at()) : breaker_.retry_at();
  return next;
}

bool engine_gate::note(clock::time_point now, std::uint64_t unix_ms) {
  auto present = health(now);
  if (!changes_.empty() && changes_.back().health == present) {
    if (present != schema::Health::UPDATING || changes_.back().reason == weights_reason_)
      return false;
    changes_.back() = {unix_ms, present, weights_reason_};
    return true;
  }
  if (changes_.size() == changes_max) changes_.pop_front();
  changes_.push_back(
      {unix_ms, present, present == schema::Health::UPDATING ? weights_reason_ : reason(now)});
  return true;
}

}  // namespace tandem
