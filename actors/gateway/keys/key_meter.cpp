#include "actors/gateway/keys/key_meter.hpp"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr double minute_ms = 60'000;

std::string seconds(std::chrono::milliseconds time) {
  return std::to_string((time.count() + 999) / 1000) + " s";
}

key_refusal too_often(key_limit limit, const std::string& what, std::chrono::milliseconds wait) {
  return {.limit = limit,
          .status = 429,
          .code = "rate_limit_exceeded",
          .text = "this key may use " + what + "; come again in " + seconds(wait),
          .retry_after = wait};
}

std::uint64_t add(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? ~std::uint64_t{0} : sum;
}
std::int64_t add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

}  // namespace

key_permit& key_permit::operator=(key_permit&& other) noexcept {
  if (this != &other) {
    if (meter_) meter_->end(estimate_, {});
    meter_ = std::move(other.meter_);
    estimate_ = other.estimate_;
  }
  return *this;
}

key_permit::~key_permit() {
  if (meter_) meter_->end(estimate_, {});
}

void key_permit::settle(const budget& used, std::uint64_t now_ms) {
  if (!meter_) return;
  meter_->end(estimate_, used, now_ms);
  meter_.reset();
}

key_meter::key_meter(const key_limits& limits, const key_use& before)
    : limits_{limits}, use_{before} {
  requests_.level = limits.requests_per_min;
  tokens_.level = static_cast<double>(limits.tokens_per_min);
}

void key_meter::bucket::fill(std::uint64_t now_ms, double per_min) {
  if (at_ms != 0 && now_ms > at_ms)
    level += static_cast<double>(now_ms - at_ms) * per_min / minute_ms;
  level = std::min(level, per_min);
  at_ms = std::max(at_ms, now_ms);
}

std::chrono::milliseconds key_meter::bucket::wait(double need, double per_min) const {
  auto missing = std::min(need, per_min) - level;
  // What rounding leaves of a whole is no reason to wait.
  if (missing <= 1e-6) return std::chrono::milliseconds{0};
  return std::chrono::milliseconds{
      static_cast<std::int64_t>(std::max(1.0, std::ceil(missing * minute_ms / per_min)))};
}

std::uint64_t key_meter::period_of(std::uint64_t at_ms) const {
  if (limits_.period_ms == 0 || at_ms < limits_.created_at_ms) return 0;
  return (at_ms - limits_.created_at_ms) / limits_.period_ms;
}

void key_meter::begin_period(std::uint64_t now_ms) {
  if (period_of(now_ms) > period_of(use_.last_used_at_ms)) use_.spent = {};
}

std::optional<key_refusal> key_meter::over_budget(std::uint64_t now_ms,
                                                  const budget& estimate) const {
  const auto& limit = limits_.spend;
  auto tokens = add(use_.spent.tokens, add(reserved_.tokens, estimate.tokens));
  auto cost = add(use_.spent.cost_nanousd, add(reserved_.cost_nanousd, estimate.cost_nanousd));
  auto no_tokens =
      limit.tokens != 0 && (tokens > limit.tokens || use_.spent.tokens >= limit.tokens);
  auto no_money = limit.cost_nanousd != 0 &&
                  (cost > limit.cost_nanousd || use_.spent.cost_nanousd >= limit.cost_nanousd);
  if (!no_tokens && !no_money) return std::nullopt;
  key_refusal out{.limit = key_limit::budget,
                  .status = 429,
                  .code = "insufficient_quota",
                  .text = std::string{"this key's budget of "} + (no_tokens ? "tokens" : "money") +
                          " does not allow this request"};
  if (limits_.period_ms != 0) {
    auto next = limits_.created_at_ms + (period_of(now_ms) + 1) * limits_.period_ms;
    out.retry_after = std::chrono::milliseconds{next - std::min(now_ms, next)};
    out.text += "; the next period begins in " + seconds(out.retry_after);
  }
  return out;
}

std::optional<key_refusal> key_meter::refusal(std::uint64_t now_ms, const budget& estimate) {
  if (revoked_)
    return key_refusal{.limit = key_limit::revoked,
                       .status = 401,
                       .code = "invalid_api_key",
                       .text = "this key has been revoked"};
  if (limits_.concurrency != 0 && running_ >= limits_.concurrency)
    return too_often(key_limit::concurrency,
                     std::to_string(limits_.concurrency) + " requests at once",
                     std::chrono::seconds{1});
  if (auto over = over_budget(now_ms, estimate)) return over;
  if (limits_.requests_per_min != 0) {
    requests_.fill(now_ms, limits_.requests_per_min);
    if (auto wait = requests_.wait(1, limits_.requests_per_min); wait.count() > 0)
      return too_often(key_limit::requests,
                       std::to_string(limits_.requests_per_min) + " requests a minute", wait);
  }
  if (limits_.tokens_per_min != 0) {
    auto per_min = static_cast<double>(limits_.tokens_per_min);
    tokens_.fill(now_ms, per_min);
    // A bucket in debt lets nothing through, not even what claims to need nothing.
    auto need = std::max(1.0, static_cast<double>(estimate.tokens));
    if (auto wait = tokens_.wait(need, per_min); wait.count() > 0)
      return too_often(key_limit::tokens,
                       std::to_string(limits_.tokens_per_min) + " tokens a minute", wait);
  }
  return std::nullopt;
}

key_admission key_meter::admit(std::uint64_t now_ms, const budget& estimate) {
  const std::lock_guard lock{mutex_};
  ++changes_;
  begin_period(now_ms);
  if (auto refused = refusal(now_ms, estimate)) {
    ++use_.refused;
    return std::move(*refused);
  }
  if (limits_.requests_per_min != 0) requests_.level -= 1;
  if (limits_.tokens_per_min != 0) tokens_.level -= static_cast<double>(estimate.tokens);
  ++running_;
  ++use_.requests;
  use_.last_used_at_ms = std::max(use_.last_used_at_ms, now_ms);
  reserved_.tokens = add(reserved_.tokens, estimate.tokens);
  reserved_.cost_nanousd = add(reserved_.cost_nanousd, estimate.cost_nanousd);
  return key_permit{shared_from_this(), estimate};
}

void key_meter::end(const budget& estimate, const budget& used, std::uint64_t now_ms) {
  const std::lock_guard lock{mutex_};
  ++changes_;
  begin_period(now_ms);
  use_.last_used_at_ms = std::max(use_.last_used_at_ms, now_ms);
  --running_;
  reserved_.tokens -= std::min(reserved_.tokens, estimate.tokens);
  reserved_.cost_nanousd -= std::min(reserved_.cost_nanousd, estimate.cost_nanousd);
  use_.spent.tokens = add(use_.spent.tokens, used.tokens);
  use_.spent.cost_nanousd =
      add(use_.spent.cost_nanousd, std::max<std::int64_t>(used.cost_nanousd, 0));
  if (limits_.tokens_per_min == 0) return;
  auto per_min = static_cast<double>(limits_.tokens_per_min);
  auto level =
      tokens_.level + static_cast<double>(estimate.tokens) - static_cast<double>(used.tokens);
  tokens_.level = std::clamp(level, -per_min, per_min);
}

void key_meter::revoke() {
  const std::lock_guard lock{mutex_};
  revoked_ = true;
}

void key_meter::change(const key_limits& limits) {
  const std::lock_guard lock{mutex_};
  // Nobody has filled a bucket that had no limit.
  if (limits_.requests_per_min == 0)
    requests_ = {.level = static_cast<double>(limits.requests_per_min)};
  if (limits_.tokens_per_min == 0) tokens_ = {.level = static_cast<double>(limits.tokens_per_min)};
  limits_ = limits;
}

void key_meter::count_refused() {
  const std::lock_guard lock{mutex_};
  ++use_.refused;
  ++changes_;
}

key_use key_meter::use(std::uint64_t now_ms) const {
  const std::lock_guard lock{mutex_};
  auto out = use_;
  if (period_of(now_ms) > period_of(use_.last_used_at_ms)) out.spent = {};
  return out;
}

std::uint64_t key_meter::changes() const {
  const std::lock_guard lock{mutex_};
  return changes_;
}

std::uint32_t key_meter::running() const {
  const std::lock_guard lock{mutex_};
  return running_;
}

}  // namespace tandem
