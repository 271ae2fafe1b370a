#include "actors/executor_pool/tenant_ledger.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tandem {
namespace {

/// 2026-02-28T13:20:00Z.
constexpr std::uint64_t now = 1'772'284'800'000;
constexpr std::uint64_t hour = 3'600'000;
constexpr std::uint64_t day = 24 * hour;

tenant_ledger one(tenant_config tenant) {
  if (tenant.name.empty()) tenant.name = "acme";
  return tenant_ledger{{std::move(tenant)}};
}

TEST(tenant_ledger, KnowsNoLimitForOthers) {
  auto ledger = one({.tokens = 10});
  auto granted = ledger.reserve("nobody", {1'000'000, 1'000'000}, now);
  EXPECT_EQ(granted.code, errc::unknown);
  EXPECT_FALSE(granted.reserved.limited());
  ledger.settle("nobody", {}, {5, 5}, now);
  EXPECT_EQ(ledger.spent("nobody", now), budget{});
}

TEST(tenant_ledger, GrantsTheLastTokenAndNotOneMore) {
  auto ledger = one({.tokens = 100});
  auto granted = ledger.reserve("acme", {100, 7}, now);
  EXPECT_EQ(granted.code, errc::unknown);
  EXPECT_EQ(granted.reserved, (budget{100, 7}));
  EXPECT_EQ(ledger.reserve("acme", {1, 0}, now).code, errc::overloaded);
  ledger.settle("acme", granted.reserved, {99, 7}, now);
  EXPECT_EQ(ledger.reserve("acme", {2, 0}, now).code, errc::budget_exceeded);
  EXPECT_EQ(ledger.reserve("acme", {1, 0}, now).code, errc::unknown);
}

TEST(tenant_ledger, HoldsMoneyToTheLastNanodollar) {
  auto ledger = one({.cost_usd = 0.000001});
  EXPECT_EQ(ledger.reserve("acme", {1'000'000'000, 1'001}, now).code, errc::budget_exceeded);
  auto granted = ledger.reserve("acme", {1'000'000'000, 1'000}, now);
  EXPECT_EQ(granted.code, errc::unknown);
  ledger.settle("acme", granted.reserved, {1, 1'000}, now);
  EXPECT_EQ(ledger.reserve("acme", {1, 1}, now).code, errc::budget_exceeded);
  EXPECT_EQ(ledger.reserve("acme", {1, 0}, now).code, errc::unknown) << "what costs nothing";
}

TEST(tenant_ledger, TellsWhatIsSpentFromWhatIsOnlyReserved) {
  auto ledger = one({.tokens = 100});
  auto first = ledger.reserve("acme", {80, 0}, now);
  auto second = ledger.reserve("acme", {30, 0}, now);
  EXPECT_EQ(second.code, errc::overloaded);
  EXPECT_NE(second.why.find("tenant 'acme'"), std::string::npos) << second.why;
  EXPECT_NE(second.why.find("under way"), std::string::npos) << second.why;
  EXPECT_FALSE(second.reserved.limited());
  ledger.settle("acme", first.reserved, {10, 0}, now);
  EXPECT_EQ(ledger.reserve("acme", {30, 0}, now).code, errc::unknown);
}

TEST(tenant_ledger, SaysWhatIsSpentAndWhenItIsRenewed) {
  struct row {
    const char* period;
    const char* words;
  };
  for (const auto& [period, words] :
       {row{"hour", "renewed at 2026-02-28T14:00Z"}, row{"day", "renewed at 2026-03-01T00:00Z"},
        row{"month", "renewed at 2026-03-01T00:00Z"}, row{"never", "never renewed"}}) {
    auto ledger = one({.tokens = 100, .cost_usd = 2, .period = period});
    ledger.settle("acme", {}, {90, 1'500'000'000}, now);
    auto refused = ledger.reserve("acme", {11, 1}, now);
    EXPECT_EQ(refused.code, errc::budget_exceeded);
    for (const auto* part : {"tenant 'acme'", "90", "$1.5", "100", "$2.0", "[[tenant]]", words})
      EXPECT_NE(refused.why.find(part), std::string::npos) << part << " in: " << refused.why;
  }
}

TEST(tenant_ledger, ANewPeriodBeginsWithNothingSpent) {
  struct row {
    const char* period;
    std::uint64_t until_ms;
  };
  for (const auto& [period, until] : {row{"hour", 40 * 60'000}, row{"day", 10 * hour + 40 * 60'000},
                                      row{"month", 10 * hour + 40 * 60'000}}) {
    auto ledger = one({.tokens = 100, .period = period});
    ledger.settle("acme", {}, {100, 0}, now);
    EXPECT_EQ(ledger.reserve("acme", {1, 0}, now + until - 1).code, errc::budget_exceeded)
        << period;
    EXPECT_EQ(ledger.reserve("acme", {100, 0}, now + until).code, errc::unknown) << period;
    EXPECT_EQ(ledger.spent("acme", now + until), budget{});
  }
}

TEST(tenant_ledger, WhatIsNeverRenewedStaysSpent) {
  auto ledger = one({.tokens = 100, .period = "never"});
  ledger.settle("acme", {}, {100, 0}, now);
  EXPECT_EQ(ledger.reserve("acme", {1, 0}, now + 10'000 * day).code, errc::budget_exceeded);
}

TEST(tenant_ledger, ReservationsOutliveTheirPeriod) {
  auto ledger = one({.tokens = 100, .period = "hour"});
  auto granted = ledger.reserve("acme", {100, 0}, now);
  EXPECT_EQ(ledger.reserve("acme", {1, 0}, now + hour).code, errc::overloaded);
  ledger.settle("acme", granted.reserved, {60, 0}, now + hour);
  EXPECT_EQ(ledger.spent("acme", now + hour), (budget{60, 0})) << "it ended in this hour";
  EXPECT_EQ(ledger.reserve("acme", {40, 0}, now + hour).code, errc::unknown);
}

TEST(tenant_ledger, AClockThatIsSetBackOpensNoNewPeriod) {
  auto ledger = one({.tokens = 100, .period = "hour"});
  ledger.settle("acme", {}, {100, 0}, now);
  EXPECT_EQ(ledger.reserve("acme", {1, 0}, now - 5 * hour).code, errc::budget_exceeded);
  EXPECT_EQ(ledger.reserve("acme", {1, 0}, now).code, errc::budget_exceeded);
}

TEST(tenant_ledger, AnEarlierRunCountsWhereItsHourLiesInThePeriod) {
  auto ledger = one({.tokens = 1'000, .period = "day"});
  auto midnight = now - now % day;
  ledger.add_spent("acme", {1, 10}, midnight - 1, now);
  ledger.add_spent("acme", {20, 100}, midnight, now);
  ledger.add_spent("acme", {300, 1'000}, now - now % hour, now);
  ledger.add_spent("nobody", {4'000, 0}, now, now);
  EXPECT_EQ(ledger.spent("acme", now), (budget{320, 1'100}));
}

TEST(tenant_ledger, SaysSinceWhenSpendingMatters) {
  EXPECT_EQ(tenant_ledger{{}}.oldest_period_ms(now), now);
  tenant_ledger both{{{.name = "a", .tokens = 1, .period = "hour"},
                      {.name = "b", .tokens = 1, .period = "month"}}};
  EXPECT_EQ(both.oldest_period_ms(now), now - now % day - 27 * day);
  EXPECT_EQ(one({.period = "never"}).oldest_period_ms(now), 0u);
}

TEST(tenant_ledger, WhatDiedWithAPoolIsReservedNoMore) {
  auto ledger = one({.tokens = 100});
  EXPECT_EQ(ledger.reserve("acme", {100, 0}, now).code, errc::unknown);
  ledger.forget_reservations();
  EXPECT_EQ(ledger.reserve("acme", {100, 0}, now).code, errc::unknown);
}

// Any order of reservations and ends: spent and reserved together never pass the limit, and all of
// it can be had in the end.
TEST(tenant_ledger, NeverPassesTheLimitInAnyOrder) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 random{seed};
    auto below = [&](std::uint64_t n) { return random() % n; };
    constexpr budget limit{10'000, 5'000'000};
    auto ledger = one({.tokens = limit.tokens, .cost_usd = 0.005, .period = "never"});
    std::vector<budget> under_way;
    budget reserved;
    std::size_t granted = 0;
    for (int i = 0; i < 2'000; ++i) {
      if (below(2) == 0) {
        budget most{1 + below(400), static_cast<std::int64_t>(below(300'000))};
        auto answer = ledger.reserve("acme", most, now);
        if (answer.code != errc::unknown) continue;
        EXPECT_EQ(answer.reserved, most);
        under_way.push_back(most);
        reserved = {reserved.tokens + most.tokens, reserved.cost_nanousd + most.cost_nanousd};
        ++granted;
      } else if (!under_way.empty()) {
        std::swap(under_way[below(under_way.size())], under_way.back());
        auto held = under_way.back();
        under_way.pop_back();
        reserved = {reserved.tokens - held.tokens, reserved.cost_nanousd - held.cost_nanousd};
        budget used{
            below(held.tokens + 1),
            static_cast<std::int64_t>(below(static_cast<std::uint64_t>(held.cost_nanousd) + 1))};
        ledger.settle("acme", held, used, now);
      }
      auto spent = ledger.spent("acme", now);
      ASSERT_LE(spent.tokens + reserved.tokens, limit.tokens) << "seed " << seed;
      ASSERT_LE(spent.cost_nanousd + reserved.cost_nanousd, limit.cost_nanousd) << "seed " << seed;
    }
    EXPECT_GT(granted, 20u) << "seed " << seed;
    for (const auto& held : under_way) ledger.settle("acme", held, {}, now);
    auto left = limit.tokens - ledger.spent("acme", now).tokens;
    EXPECT_EQ(ledger.reserve("acme", {left, 0}, now).code, errc::unknown) << "seed " << seed;
  }
}

}  // namespace
}  // namespace tandem
