#include "actors/router/decision_ledger.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "schema/errc.hpp"

namespace tandem {
namespace {

using meaning = decision_ledger::meaning;
using source = schema::RewardSource;

kept_decision decision(std::uint64_t id, std::uint64_t at_ms = 1000, std::string tenant = {}) {
  kept_decision of;
  of.made.id = id;
  of.made.at_ms = at_ms;
  of.made.purpose = schema::Purpose::STEP;
  of.made.features.dense_size = 2;
  of.made.features.dense[0] = 1;
  of.made.features.dense[1] = 0.5f;
  of.made.features.sparse = {{7, 0.25f}};
  for (const auto* model : {"mini", "big"}) {
    of.made.arms.push_back({.arm = 0, .score = {.quality = 0.5, .cost = 0.1, .propensity = 0.5}});
    of.arms.push_back({.model = model, .tier = "small", .weight_version = "v1"});
  }
  of.removed.push_back({"huge", "large", "no healthy engine"});
  of.made.chosen = 1;
  of.tenant = std::move(tenant);
  return of;
}

tmsg::reward reward(std::uint64_t id, source from, double quality, std::string tenant = {}) {
  message_builder<schema::Reward> out;
  out->setDecision(id);
  out->setSource(from);
  out->setQuality(quality);
  out->setTenant(tenant);
  return out.finish();
}

class Ledger : public ::testing::Test {
 protected:
  meaning give(const tmsg::reward& what, std::uint64_t now_ms = 2000, bool believed = true) {
    last_ = ledger_.on_reward(*what.read(), now_ms, believed);
    return last_.what;
  }
  decision_ledger ledger_{100, 60'000};
  decision_ledger::verdict last_;
};

TEST_F(Ledger, ARewardIsLearnedOnce) {
  ledger_.add(decision(1));
  EXPECT_EQ(give(reward(1, source::VERIFICATION, 1)), meaning::learned);
  EXPECT_EQ(last_.decision->quality, 1);
  EXPECT_EQ(give(reward(1, source::VERIFICATION, 0)), meaning::again);
  EXPECT_EQ(ledger_.find(1)->quality, 1);
}

TEST_F(Ledger, AUserMayThinkAgainAndSayingTheSameTwiceIsNothing) {
  ledger_.add(decision(1));
  EXPECT_EQ(give(reward(1, source::USER, 0.25)), meaning::learned);
  EXPECT_EQ(give(reward(1, source::USER, 0.25)), meaning::again);
  EXPECT_EQ(give(reward(1, source::USER, 0.75)), meaning::corrected);
  EXPECT_EQ(last_.before, 0.25);
  EXPECT_EQ(ledger_.find(1)->quality, 0.75);
}

TEST_F(Ledger, ABetterSourceCorrectsALesserOneAndNotTheOtherWayRound) {
  ledger_.add(decision(1));
  EXPECT_EQ(give(reward(1, source::JUDGE, 1)), meaning::learned);
  EXPECT_EQ(give(reward(1, source::VERIFICATION, 0)), meaning::corrected);
  EXPECT_EQ(last_.before, 1);
  EXPECT_EQ(give(reward(1, source::JOB, 1)), meaning::noted);
  EXPECT_EQ(ledger_.find(1)->quality, 0);
  EXPECT_EQ(give(reward(1, source::USER, 0.75)), meaning::corrected);
  EXPECT_EQ(ledger_.find(1)->quality, 0.75);
}

TEST_F(Ledger, WhatNobodyMayClaimIsRefused) {
  ledger_.add(decision(1, 1000, "acme"));
  for (auto quality : {-0.01, 1.01, std::numeric_limits<double>::quiet_NaN(),
                       std::numeric_limits<double>::infinity()})
    EXPECT_EQ(give(reward(1, source::USER, quality, "acme")), meaning::refused) << quality;
  EXPECT_EQ(give(reward(1, source::USER, 1, "other")), meaning::refused);
  EXPECT_EQ(give(reward(1, source::UNKNOWN, 1, "acme")), meaning::refused);
  EXPECT_EQ(give(reward(2, source::USER, 1, "acme")), meaning::unknown_decision);
  EXPECT_LT(ledger_.find(1)->quality, 0);
  EXPECT_EQ(give(reward(1, source::USER, 1, "acme")), meaning::learned);
}

TEST_F(Ledger, LateIsBeyondTheWindowAndAClockThatGoesBackIsNotLate) {
  ledger_.add(decision(1, 100'000));
  ledger_.add(decision(2, 100'000));
  EXPECT_EQ(give(reward(1, source::USER, 1), 160'001), meaning::late);
  EXPECT_EQ(give(reward(1, source::USER, 1), 160'000), meaning::learned);
  EXPECT_EQ(give(reward(2, source::USER, 1), 5), meaning::learned);
}

TEST_F(Ledger, WhatIsNotBelievedIsKeptAndChangesNothing) {
  ledger_.add(decision(1));
  EXPECT_EQ(give(reward(1, source::JUDGE, 1), 2000, false), meaning::noted);
  EXPECT_LT(ledger_.find(1)->quality, 0);
  EXPECT_EQ(ledger_.find(1)->rewards.size(), 1u);
  EXPECT_EQ(give(reward(1, source::JOB, 0)), meaning::learned);
}

TEST_F(Ledger, TheOldestGoWhereThereAreTooMany) {
  for (std::uint64_t id = 1; id <= 150; ++id) ledger_.add(decision(id));
  EXPECT_EQ(ledger_.size(), 100u);
  EXPECT_EQ(ledger_.find(50), nullptr);
  EXPECT_NE(ledger_.find(51), nullptr);
  message_builder<schema::RewardCounts> counts;
  ledger_.write(*counts);
  EXPECT_EQ(counts->getMissing(), 50u);
}

TEST_F(Ledger, WhatWasLearnedAndIsNotSavedYetDoesNotGo) {
  ledger_.add(decision(1));
  give(reward(1, source::VERIFICATION, 1));
  for (std::uint64_t id = 2; id <= 250; ++id) ledger_.add(decision(id));
  EXPECT_EQ(ledger_.size(), 100u);
  EXPECT_EQ(give(reward(1, source::VERIFICATION, 1)), meaning::again);
  auto saved = ledger_.take_changed(0);
  ASSERT_EQ(saved.size(), 1u);
  EXPECT_EQ(saved[0].read()->getId(), 1u);
  for (std::uint64_t id = 251; id <= 400; ++id) ledger_.add(decision(id));
  EXPECT_EQ(ledger_.find(1), nullptr) << "it is kept elsewhere now";
}

TEST_F(Ledger, ALateRewardFindsItsDecisionAlsoWhereThereIsNoRoom) {
  ledger_.add(decision(1));
  auto kept = ledger_.take_changed(1);
  for (std::uint64_t id = 2; id <= 150; ++id) ledger_.add(decision(id));
  ASSERT_EQ(give(reward(1, source::USER, 1)), meaning::unknown_decision);
  ASSERT_FALSE(ledger_.restore(*kept[0].read()));
  EXPECT_EQ(give(reward(1, source::USER, 1)), meaning::learned);
  EXPECT_EQ(ledger_.size(), 100u);
}

TEST_F(Ledger, ADecisionComesBackAsItWasKept) {
  ledger_.add(decision(1, 1000, "acme"));
  give(reward(1, source::JUDGE, 0.5, "acme"));
  auto kept = ledger_.take_changed(10);
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_TRUE(ledger_.take_changed(10).empty());
  decision_ledger other{100, 60'000};
  ASSERT_FALSE(other.restore(*kept[0].read()));
  const auto* back = other.find(1);
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(back->made.chosen, 1u);
  EXPECT_EQ(back->arms[1].model, "big");
  ASSERT_EQ(back->removed.size(), 1u);
  EXPECT_EQ(back->removed[0].why, "no healthy engine");
  EXPECT_EQ(back->made.features.dense[1], 0.5f);
  EXPECT_EQ(back->made.features.sparse[0].index, 7);
  // What was counted is not counted again.
  EXPECT_EQ(other.on_reward(*reward(1, source::JUDGE, 0.5, "acme").read(), 2000).what,
            meaning::again);
  EXPECT_EQ(other.on_reward(*reward(1, source::USER, 1, "acme").read(), 2000).what,
            meaning::corrected);
}

TEST_F(Ledger, RewardedDecisionsAreAlwaysSavedOthersUpToALimit) {
  for (std::uint64_t id = 1; id <= 20; ++id) ledger_.add(decision(id));
  give(reward(1, source::USER, 1));
  auto saved = ledger_.take_changed(3);
  ASSERT_EQ(saved.size(), 4u);
  EXPECT_EQ(saved[0].read()->getId(), 1u);
  EXPECT_EQ(saved[1].read()->getId(), 18u);
}

TEST_F(Ledger, RecordsThatNoRouterWroteAreRefused) {
  auto damaged = [this](auto change) {
    ledger_.add(decision(1));
    message_builder<schema::DecisionRecord> record;
    record.copy(*ledger_.record_of(*ledger_.find(1)).read());
    change(*record);
    auto finished = record.finish();
    decision_ledger other{100, 60'000};
    auto err = other.restore(*finished.read());
    return err && code_of(err) == errc::corrupted && other.size() == 0;
  };
  auto nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(damaged([](auto r) { r.setChosen(2); }));
  EXPECT_TRUE(damaged([](auto r) { r.setChosen(1'000'000); }));
  EXPECT_TRUE(damaged([&](auto r) { r.getArms()[0].setQuality(nan); }));
  EXPECT_TRUE(damaged([](auto r) { r.getArms()[0].setPropensity(1.5); }));
  EXPECT_TRUE(damaged([&](auto r) { r.setQuality(nan); }));
  EXPECT_TRUE(damaged([](auto r) { r.getFeatures().initDense(129); }));
  EXPECT_TRUE(damaged([](auto r) { r.getFeatures().getSparse()[0].setIndex(4096); }));
}

}  // namespace
}  // namespace tandem
