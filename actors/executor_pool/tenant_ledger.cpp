#include "actors/executor_pool/tenant_ledger.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

namespace tandem {
namespace {

using namespace std::chrono;

sys_time<milliseconds> at(std::uint64_t unix_ms) {
  return sys_time<milliseconds>{milliseconds{static_cast<std::int64_t>(unix_ms)}};
}

std::uint64_t as_unix_ms(sys_days day) {
  return static_cast<std::uint64_t>(duration_cast<milliseconds>(day.time_since_epoch()).count());
}

year_month_day date(std::uint64_t unix_ms) {
  return year_month_day{floor<days>(at(unix_ms))};
}

std::uint64_t period_begin(std::string_view period, std::uint64_t now_ms) {
  constexpr std::uint64_t hour_ms = 3'600'000;
  if (period == "hour") return now_ms - now_ms % hour_ms;
  if (period == "day") return now_ms - now_ms % (24 * hour_ms);
  if (period == "month") {
    auto today = date(now_ms);
    return as_unix_ms(sys_days{today.year() / today.month() / 1});
  }
  return 0;
}

std::string period_end(std::string_view period, std::uint64_t begin_ms) {
  constexpr std::uint64_t hour_ms = 3'600'000;
  if (period == "never") return "it is never renewed";
  auto end = begin_ms + (period == "hour" ? hour_ms : 24 * hour_ms);
  if (period == "month") {
    auto first = date(begin_ms);
    end = as_unix_ms(sys_days{(first.year() / first.month() / 1) + months{1}});
  }
  auto day = date(end);
  return fmt::format("it is renewed at {:04}-{:02}-{:02}T{:02}:00Z", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()),
                     end / hour_ms % 24);
}

double dollars(std::int64_t nanousd) {
  return static_cast<double>(nanousd) * 1e-9;
}

}  // namespace

tenant_ledger::tenant_ledger(const std::vector<tenant_config>& tenants) {
  for (const auto& tenant : tenants)
    accounts_.emplace(tenant.name, account{.config = tenant,
                                           .cost_nanousd_max = std::llround(tenant.cost_usd * 1e9),
                                           .spent = {},
                                           .reserved = {}});
}

tenant_ledger::account* tenant_ledger::find(std::string_view tenant, std::uint64_t now_ms) {
  auto found = accounts_.find(tenant);
  if (found == accounts_.end()) return nullptr;
  auto& of = found->second;
  // A clock that is set back does not open an old period again.
  if (auto begin = period_begin(of.config.period, now_ms); begin > of.period_ms) {
    of.period_ms = begin;
    of.spent = {};
  }
  return &of;
}

tenant_ledger::grant tenant_ledger::reserve(std::string_view tenant, const budget& most,
                                            std::uint64_t now_ms) {
  auto* of = find(tenant, now_ms);
  budget limit{of == nullptr ? 0 : of->config.tokens, of == nullptr ? 0 : of->cost_nanousd_max};
  if (!limit.limited()) return {};
  auto with = [&](const budget& other) {
    return budget{of->spent.tokens + other.tokens + most.tokens,
                  of->spent.cost_nanousd + other.cost_nanousd + most.cost_nanousd};
  };
  if (!fits(with({}), limit))
    return {
        .code = errc::budget_exceeded,
        .why = fmt::format("tenant '{}' has spent {} tokens and ${:.6f} of its budget of {} "
                           "tokens and ${:.6f} (0: no limit), and the call may take {} and "
                           "${:.6f}; {}, or raise it in [[tenant]]",
                           tenant, of->spent.tokens, dollars(of->spent.cost_nanousd), limit.tokens,
                           dollars(limit.cost_nanousd), most.tokens, dollars(most.cost_nanousd),
                           period_end(of->config.period, of->period_ms)),
        .reserved = {}};
  if (!fits(with(of->reserved), limit))
    return {.code = errc::overloaded,
            .why = fmt::format(
                "what is left of tenant '{}''s budget is reserved by calls under way", tenant),
            .reserved = {}};
  of->reserved.tokens += most.tokens;
  of->reserved.cost_nanousd += most.cost_nanousd;
  return {.code = errc::unknown, .why = {}, .reserved = most};
}

void tenant_ledger::settle(std::string_view tenant, const budget& reserved, const budget& used,
                           std::uint64_t now_ms) {
  auto* of = find(tenant, now_ms);
  if (of == nullptr) return;
  of->reserved.tokens -= std::min(of->reserved.tokens, reserved.tokens);
  of->reserved.cost_nanousd -= std::min(of->reserved.cost_nanousd, reserved.cost_nanousd);
  of->spent.tokens += used.tokens;
  of->spent.cost_nanousd += used.cost_nanousd;
}

void tenant_ledger::add_spent(std::string_view tenant, const budget& used, std::uint64_t at_ms,
                              std::uint64_t now_ms) {
  auto* of = find(tenant, now_ms);
  if (of == nullptr || at_ms < of->period_ms) return;
  of->spent.tokens += used.tokens;
  of->spent.cost_nanousd += used.cost_nanousd;
}

void tenant_ledger::forget_reservations() {
  for (auto& [name, of] : accounts_) of.reserved = {};
}

budget tenant_ledger::spent(std::string_view tenant, std::uint64_t now_ms) {
  auto* of = find(tenant, now_ms);
  return of == nullptr ? budget{} : of->spent;
}

std::uint64_t tenant_ledger::oldest_period_ms(std::uint64_t now_ms) const {
  auto oldest = now_ms;
  for (const auto& [name, of] : accounts_)
    oldest = std::min(oldest, period_begin(of.config.period, now_ms));
  return oldest;
}

}  // namespace tandem
