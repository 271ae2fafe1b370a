#include "actors/cache/purge_rules.hpp"

#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using testing::SizeIs;

constexpr std::uint64_t ttl_ms = 10'000;

TEST(PurgeRules, WhatMatchesAndIsOlderIsGone) {
  purge_rules rules(ttl_ms);
  const purge_subject old{"small", "acme", "tiny", "v1", 1000};
  EXPECT_FALSE(rules.is_gone(old));
  rules.add({"small", "acme", "", "", 1000}, 1000);
  EXPECT_TRUE(rules.is_gone(old));
  EXPECT_TRUE(rules.is_gone({"small", "acme", "other", "v2", 1}));
  EXPECT_FALSE(rules.is_gone({"small", "acme", "tiny", "v1", 1001}));
  EXPECT_FALSE(rules.is_gone({"small", "acmes", "tiny", "v1", 1000}));
  EXPECT_FALSE(rules.is_gone({"large", "acme", "tiny", "v1", 1000}));
  EXPECT_FALSE(rules.is_gone({"small", "", "tiny", "v1", 1000}));
  EXPECT_EQ(rules.reason(old)->tenant, "acme");
}

TEST(PurgeRules, OneThatIsOlderThanAnyAnswerIsDropped) {
  purge_rules rules(ttl_ms);
  rules.add({"", "a", "", "", 1000}, 1000);
  rules.add({"", "b", "", "", 1000 + ttl_ms - 1}, 1000 + ttl_ms - 1);
  EXPECT_THAT(rules.rules(), SizeIs(2));
  rules.add({"", "c", "", "", 1000 + ttl_ms}, 1000 + ttl_ms);
  EXPECT_THAT(rules.rules(), SizeIs(2));
}

TEST(PurgeRules, TheSameOneTwiceIsOne) {
  purge_rules rules(ttl_ms);
  rules.add({"", "a", "", "", 1000}, 1000);
  rules.add({"", "a", "", "", 1000}, 1000);
  EXPECT_THAT(rules.rules(), SizeIs(1));
}

TEST(PurgeRules, WhatAnotherCoversIsLeftOut) {
  purge_rules rules(ttl_ms);
  rules.add({"", "a", "", "", 1000}, 1000);
  rules.add({"small", "a", "", "", 999}, 1000);
  EXPECT_THAT(rules.rules(), SizeIs(1)) << "a part of it, and older";
  rules.add({"small", "a", "", "", 1001}, 1001);
  EXPECT_THAT(rules.rules(), SizeIs(2)) << "a part of it, but newer";
  rules.add({"", "a", "", "", 1002}, 1002);
  EXPECT_THAT(rules.rules(), SizeIs(1)) << "the same on another node, a moment later";
  EXPECT_EQ(rules.rules()[0].at_ms, 1002);
  rules.add({"", "b", "", "", 1003}, 1003);
  rules.add({"", "", "", "", 1004}, 1004);
  EXPECT_THAT(rules.rules(), SizeIs(1)) << "all of it";
}

TEST(PurgeRules, AClockThatWasWrongDoesNotPurgeForEver) {
  purge_rules rules(ttl_ms);
  rules.add({"", "a", "", "", 9'000'000}, 1000);
  EXPECT_TRUE(rules.is_gone({"", "a", "", "", 1000}));
  EXPECT_FALSE(rules.is_gone({"", "a", "", "", 1001 + clock_slack_ms}));
}

TEST(PurgeRules, BeyondTheBoundMoreIsPurgedNeverLess) {
  purge_rules rules(ttl_ms, 4);
  std::mt19937_64 random(5);
  std::vector<purge_rule> all;
  const auto any_of = [&](const char* kind) {
    const auto n = random() % 4;
    return n == 0 ? std::string() : kind + std::to_string(n);
  };
  for (std::uint64_t i = 0; i < 60; ++i) {
    const auto at = 1000 + random() % 5000;
    all.push_back({any_of("tier"), any_of("tenant"), any_of("model"), any_of("v"), at});
    rules.add(all.back(), 6000);
    ASSERT_LE(rules.rules().size(), 4u);
  }
  for (int i = 0; i < 20'000; ++i) {
    const auto tier = any_of("tier"), tenant = any_of("tenant"), model = any_of("model"),
               version = any_of("v");
    const purge_subject of{tier, tenant, model, version, 500 + random() % 7000};
    bool is_gone = false;
    for (const auto& rule : all)
      is_gone = is_gone || ((rule.tier.empty() || rule.tier == tier) &&
                            (rule.tenant.empty() || rule.tenant == tenant) &&
                            (rule.model.empty() || rule.model == model) &&
                            (rule.weight_version.empty() || rule.weight_version == version) &&
                            of.created_ms <= rule.at_ms);
    ASSERT_TRUE(!is_gone || rules.is_gone(of));
    ASSERT_TRUE(of.created_ms <= 6000 || !rules.is_gone(of));
  }
}

}  // namespace
}  // namespace tandem
