#include "actors/gateway/keys/key_meter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr std::uint64_t start = 1'000'000;
constexpr std::uint64_t minute = 60'000;

std::shared_ptr<key_meter> meter_of(const key_limits& limits, const key_use& before = {}) {
  return std::make_shared<key_meter>(limits, before);
}

bool is_admitted(const key_admission& admission) {
  return std::holds_alternative<key_permit>(admission);
}

/// Ends at once.
bool passes(key_meter& meter, std::uint64_t now, const budget& used = {}) {
  auto admission = meter.admit(now, used);
  if (!is_admitted(admission)) return false;
  std::get<key_permit>(admission).settle(used);
  return true;
}

TEST(KeyMeter, AllowsAMinutesRequestsAtOnceAndThenEvenly) {
  auto meter = meter_of({.requests_per_min = 6});
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(passes(*meter, start));
  auto refused = std::get<key_refusal>(meter->admit(start + 1000, {}));
  EXPECT_EQ(refused.limit, key_limit::requests);
  EXPECT_EQ(refused.status, 429u);
  EXPECT_EQ(refused.code, "rate_limit_exceeded");
  EXPECT_EQ(refused.retry_after, milliseconds{9000});
  EXPECT_THAT(refused.text, HasSubstr("6 requests a minute; come again in 9 s"));
  EXPECT_TRUE(passes(*meter, start + 10'000));
  EXPECT_FALSE(passes(*meter, start + 10'001));
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(passes(*meter, start + 60 * minute));
  EXPECT_FALSE(passes(*meter, start + 60 * minute));
}

TEST(KeyMeter, WaitingAsLongAsItSaysIsEnough) {
  auto meter = meter_of({.requests_per_min = 7, .tokens_per_min = 1009});
  std::uint64_t now = start;
  for (int i = 0; i < 500; ++i) {
    auto admission = meter->admit(now, {.tokens = 97});
    if (is_admitted(admission)) {
      std::get<key_permit>(admission).settle({.tokens = 97});
      continue;
    }
    auto wait = std::get<key_refusal>(admission).retry_after;
    ASSERT_GT(wait.count(), 0);
    now += static_cast<std::uint64_t>(wait.count());
    ASSERT_TRUE(passes(*meter, now, {.tokens = 97})) << i;
  }
}

TEST(KeyMeter, CorrectsTheTokensThatWereEstimated) {
  auto meter = meter_of({.tokens_per_min = 1000});
  auto first = std::get<key_permit>(meter->admit(start, {.tokens = 900}));
  EXPECT_FALSE(is_admitted(meter->admit(start, {.tokens = 500})));
  first.settle({.tokens = 100});
  EXPECT_TRUE(is_admitted(meter->admit(start, {.tokens = 500})));
}

TEST(KeyMeter, WhatWasUsedAboveTheEstimateIsOwedButNotForEver) {
  auto meter = meter_of({.tokens_per_min = 1000});
  std::get<key_permit>(meter->admit(start, {.tokens = 1})).settle({.tokens = 1'000'000'000});
  auto refused = std::get<key_refusal>(meter->admit(start, {}));
  EXPECT_EQ(refused.limit, key_limit::tokens);
  EXPECT_LE(refused.retry_after, milliseconds{minute + 1000});
  EXPECT_TRUE(passes(*meter, start + 2 * minute, {.tokens = 1000}));
}

TEST(KeyMeter, AnEstimateAboveAMinutesTokensPassesAFullBucket) {
  auto meter = meter_of({.tokens_per_min = 1000});
  EXPECT_TRUE(passes(*meter, start, {.tokens = 5000}));
  EXPECT_FALSE(passes(*meter, start, {.tokens = 5000}));
}

TEST(KeyMeter, CountsRequestsAtOnceUntilTheirPermitsEnd) {
  auto meter = meter_of({.concurrency = 2});
  auto first = meter->admit(start, {});
  {
    auto second = meter->admit(start, {});
    EXPECT_TRUE(is_admitted(second));
    EXPECT_EQ(std::get<key_refusal>(meter->admit(start, {})).limit, key_limit::concurrency);
  }
  EXPECT_EQ(meter->running(), 1u);
  EXPECT_TRUE(is_admitted(meter->admit(start, {})));
  auto moved = std::get<key_permit>(std::move(first));
  moved.settle({});
  moved.settle({});
  EXPECT_EQ(meter->running(), 0u);
}

TEST(KeyMeter, KeepsTheBudgetOfAPeriodAndBeginsTheNextAnew) {
  auto meter =
      meter_of({.spend = {.tokens = 1000}, .period_ms = 10 * minute, .created_at_ms = start});
  EXPECT_TRUE(passes(*meter, start + 1, {.tokens = 600}));
  auto refused = std::get<key_refusal>(meter->admit(start + minute, {.tokens = 500}));
  EXPECT_EQ(refused.limit, key_limit::budget);
  EXPECT_EQ(refused.code, "insufficient_quota");
  EXPECT_EQ(refused.retry_after, milliseconds{9 * minute});
  EXPECT_TRUE(passes(*meter, start + minute, {.tokens = 400}));
  EXPECT_FALSE(passes(*meter, start + minute));
  EXPECT_EQ(meter->use(start + minute).spent.tokens, 1000u);
  EXPECT_EQ(meter->use(start + 11 * minute).spent.tokens, 0u);
  EXPECT_TRUE(passes(*meter, start + 11 * minute, {.tokens = 1000}));
}

TEST(KeyMeter, HoldsBackWhatRequestsUnderWayMayCost) {
  auto meter = meter_of({.spend = {.cost_nanousd = 100}});
  auto first = std::get<key_permit>(meter->admit(start, {.cost_nanousd = 80}));
  EXPECT_FALSE(is_admitted(meter->admit(start, {.cost_nanousd = 30})));
  first.settle({.cost_nanousd = 10});
  EXPECT_TRUE(is_admitted(meter->admit(start, {.cost_nanousd = 30})));
  auto spent = meter_of({.spend = {.cost_nanousd = 100}}, {.spent = {.cost_nanousd = 100}});
  auto refused = std::get<key_refusal>(spent->admit(start, {}));
  EXPECT_EQ(refused.code, "insufficient_quota");
  EXPECT_EQ(refused.retry_after.count(), 0);
}

TEST(KeyMeter, ARefusedRequestCostsNothing) {
  auto meter = meter_of({.requests_per_min = 1, .spend = {.tokens = 100}});
  EXPECT_FALSE(is_admitted(meter->admit(start, {.tokens = 200})));
  EXPECT_TRUE(passes(*meter, start, {.tokens = 100}));
  auto use = meter->use(start);
  EXPECT_EQ(use.requests, 1u);
  EXPECT_EQ(use.refused, 1u);
}

TEST(KeyMeter, AClockThatGoesBackStandsStill) {
  auto meter = meter_of({.requests_per_min = 2});
  EXPECT_TRUE(passes(*meter, start));
  EXPECT_TRUE(passes(*meter, start - minute));
  EXPECT_FALSE(passes(*meter, start - minute));
  EXPECT_FALSE(passes(*meter, start + 1));
}

TEST(KeyMeter, HugeNumbersDoNotOverflow) {
  auto meter = meter_of({.tokens_per_min = 1000, .spend = {.tokens = ~std::uint64_t{0}}});
  auto admission = meter->admit(start, {.tokens = ~std::uint64_t{0}, .cost_nanousd = INT64_MAX});
  std::get<key_permit>(admission).settle({.tokens = ~std::uint64_t{0}, .cost_nanousd = INT64_MAX});
  EXPECT_FALSE(is_admitted(meter->admit(start, {.tokens = 1})));
  EXPECT_EQ(meter->use(start).spent.tokens, ~std::uint64_t{0});
}

TEST(KeyMeter, NothingIsAdmittedOnceItIsRevoked) {
  auto meter = meter_of({});
  auto under_way = meter->admit(start, {});
  meter->revoke();
  auto refused = std::get<key_refusal>(meter->admit(start, {}));
  EXPECT_EQ(refused.limit, key_limit::revoked);
  EXPECT_EQ(refused.status, 401u);
  std::get<key_permit>(under_way).settle({.tokens = 7});
  EXPECT_EQ(meter->use(start).spent.tokens, 7u);
}

}  // namespace
}  // namespace tandem::testing
