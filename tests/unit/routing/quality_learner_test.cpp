#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include <capnp/message.h>

#include "actors/router/learning/quality_learner.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

constexpr auto purpose = schema::Purpose::STEP;
constexpr std::uint32_t dense = 8;

/// The second feature says it all: right where it is above 0.
feature_vector features(double value) {
  feature_vector x;
  x.dense_size = dense;
  x.dense[0] = 1;
  x.dense[1] = static_cast<float>(value);
  return x;
}

made_decision decision(arm_id arm, double value) {
  made_decision d;
  d.purpose = purpose;
  d.arms = {{.arm = arm, .score = {.propensity = 1}}};
  d.features = features(value);
  return d;
}

struct learned {
  explicit learned(std::uint64_t origin, learner_config config = {.dense = dense})
      : learner{config, origin}, arm{learner.arm(purpose, "mini", "v1", 0)} {}

  void teach(int rewards, std::uint64_t seed, std::uint64_t now_ms = 0, bool other = false) {
    std::mt19937_64 random{seed};
    std::uniform_real_distribution<> draw{-1, 1};
    for (int i = 0; i < rewards; ++i) {
      auto value = draw(random);
      learner.learn(decision(arm, value), (value > 0) != other ? 1 : 0, now_ms);
    }
  }
  [[nodiscard]] prediction at(double value, std::uint64_t now_ms = 0) const {
    return learner.predict(arm, features(value), now_ms);
  }

  quality_learner learner;
  arm_id arm;
};

/// What one says to another, changed on the way.
caf::error tell(learned& from, quality_learner& to,
                const std::function<void(schema::ArmStatistics::Builder)>& change = {},
                std::uint64_t now_ms = 0) {
  capnp::MallocMessageBuilder message;
  auto record = message.initRoot<schema::ArmStatistics>();
  (void)from.learner.take_changed(10);
  from.learner.write(from.arm, record, now_ms);
  if (change) change(record);
  return to.take(record.asReader(), now_ms);
}

TEST(quality_learner, LearnsWhatTheFeaturesTell) {
  learned one{1};
  EXPECT_NEAR(one.at(1).quality, 0.5, 1e-6);
  one.teach(300, 1);
  EXPECT_GT(one.at(0.8).quality, 0.8);
  EXPECT_LT(one.at(-0.8).quality, 0.2);
  EXPECT_LT(one.at(0.8).deviation, 0.1);
  EXPECT_NEAR(one.at(0.8).mean, 0.5, 0.1);
}

TEST(quality_learner, AnArmWhoseQualityCollapsesIsLearnedAnewAndSaysSo) {
  learned one{1};
  one.teach(1000, 1);
  one.teach(100, 2, 0, true);
  EXPECT_LT(one.at(0.8).quality, 0.5);
  capnp::MallocMessageBuilder message;
  auto report = message.initRoot<schema::ArmReport>();
  one.learner.report(one.arm, report, 0);
  EXPECT_NE(report.getDrift().size(), 0u);
}

TEST(quality_learner, NewWeightsDiscountWhatWasLearned) {
  learned one{1};
  one.teach(300, 1);
  auto before = one.at(0.8);
  EXPECT_EQ(one.learner.arm(purpose, "mini", "v2", 0), one.arm);
  EXPECT_NEAR(one.at(0.8).weight, 0.2 * before.weight, 0.01 * before.weight);
  EXPECT_GT(one.at(0.8).deviation, before.deviation);
}

TEST(quality_learner, ForgetsByTimeAndOutlivesAClockThatJumps) {
  learned one{1};
  one.teach(100, 1, 1000);
  auto later = one.at(0.8, 1000 + learner_config{}.half_life_ms);
  EXPECT_NEAR(later.weight, one.at(0.8, 1000).weight / 2, 2);
  EXPECT_GT(one.at(0.8, ~std::uint64_t{0}).weight, 1);
  EXPECT_NEAR(one.at(0.8, 0).quality, one.at(0.8, 1000).quality, 0.2);
}

TEST(quality_learner, ManyThatTellEachOtherKnowWhatOneWouldThatSawAll) {
  learned a{1};
  learned b{2};
  learned all{3};
  a.teach(100, 1);
  b.teach(100, 2);
  all.teach(100, 1);
  all.teach(100, 2);
  for (int times = 0; times < 3; ++times) EXPECT_FALSE(tell(b, a.learner));
  EXPECT_NEAR(a.at(0.5).weight, all.at(0.5).weight, 4);
  EXPECT_NEAR(a.at(0.5).quality, all.at(0.5).quality, 0.06);
  // What others said is not said again.
  learned c{4};
  EXPECT_FALSE(tell(a, c.learner));
  EXPECT_NEAR(c.at(0.5).weight, 100, 3);
}

TEST(quality_learner, TheNewestTakesThePlaceOfTheOlderAndNeverTheOtherWayRound) {
  learned from{1};
  learned to{2};
  from.teach(10, 1);
  EXPECT_FALSE(tell(from, to.learner, [](auto r) { r.setSequence(5); }));
  from.teach(10, 2);
  EXPECT_FALSE(tell(from, to.learner, [](auto r) { r.setSequence(4); }));
  EXPECT_NEAR(to.at(0).weight, 10, 0.5);
  EXPECT_FALSE(tell(from, to.learner, [](auto r) { r.setSequence(6); }));
  EXPECT_NEAR(to.at(0).weight, 20, 0.5);
}

TEST(quality_learner, AfterARestartItGoesOnWithWhatItHadWritten) {
  learned before{1};
  before.teach(200, 1);
  learned after{1};
  EXPECT_FALSE(tell(before, after.learner));
  EXPECT_NEAR(after.at(0.8).quality, before.at(0.8).quality, 0.05);
  EXPECT_NEAR(after.at(0.8).weight, before.at(0.8).weight, 0.5);
}

TEST(quality_learner, RefusesStatisticsThatNoRewardsHave) {
  using record = schema::ArmStatistics::Builder;
  const std::pair<errc, std::function<void(record)>> wrong[] = {
      {errc::invalid_argument, [](record r) { r.setFeatureVersion(feature_version + 1); }},
      {errc::invalid_argument, [](record r) { r.setDense(dense + 1); }},
      {errc::corrupted, [](record r) { r.initGram(3); }},
      {errc::corrupted, [](record r) { r.initSparse(5); }},
      {errc::corrupted, [](record r) { r.setWeight(NAN); }},
      {errc::corrupted, [](record r) { r.setWeight(-1); }},
      {errc::corrupted, [](record r) { r.setQualitySum(INFINITY); }},
      {errc::corrupted, [](record r) { r.setQualitySum(r.getWeight() + 1); }},
      {errc::corrupted, [](record r) { r.getGram().set(1, NAN); }},
      {errc::corrupted, [](record r) { r.getGram().set(2, -5); }},
      {errc::corrupted, [](record r) { r.getGram().set(1, 1e6f); }},
      {errc::corrupted, [](record r) { r.getMoments().set(2, INFINITY); }},
      {errc::corrupted, [](record r) { r.setLinearPower(1e9); }},
      {errc::corrupted, [](record r) { r.setRewards(1); }}};
  learned from{1};
  from.teach(50, 1);
  for (const auto& [code, change] : wrong) {
    learned to{2};
    EXPECT_EQ(code_of(tell(from, to.learner, change)), code);
    EXPECT_EQ(to.at(0).weight, 0);
  }
}

TEST(quality_learner, RefusesWhatWasLearnedWithAnothersEmbeddings) {
  learner_config config{.dense = dense, .features = feature_version_with("e5")};
  learned from{1, config};
  from.teach(20, 1);
  learned same{2, config};
  EXPECT_FALSE(tell(from, same.learner));
  config.features = feature_version_with("e6");
  learned other{2, config};
  EXPECT_EQ(code_of(tell(from, other.learner)), errc::invalid_argument);
  learned words{2};
  EXPECT_EQ(code_of(tell(from, words.learner)), errc::invalid_argument);
}

TEST(quality_learner, RewardsOutOfRangeTeachNothing) {
  learned one{1};
  for (double quality : {-0.1, 1.1, static_cast<double>(NAN), static_cast<double>(INFINITY)})
    one.learner.learn(decision(one.arm, 1), quality, 0);
  one.learner.learn(decision(99, 1), 1, 0);
  auto odd = decision(one.arm, 1);
  odd.features.dense[2] = NAN;
  one.learner.learn(odd, 1, 0);
  EXPECT_EQ(one.at(1).weight, 0);
}

TEST(quality_learner, ACorrectionEndsWhereTheRightRewardWould) {
  learned wrong{1};
  learned right{1};
  wrong.teach(50, 1);
  right.teach(50, 1);
  wrong.learner.learn(decision(wrong.arm, 0.5), 1, 0);
  wrong.learner.correct(decision(wrong.arm, 0.5), 1, 0, 0);
  right.learner.learn(decision(right.arm, 0.5), 0, 0);
  EXPECT_NEAR(wrong.at(0.5).mean, right.at(0.5).mean, 1e-6);
  EXPECT_NEAR(wrong.at(0.5).quality, right.at(0.5).quality, 0.05);
}

TEST(quality_learner, ArmsAndOriginsAreBounded) {
  learned to{1, {.dense = dense, .arms_max = 1, .origins_max = 1}};
  learned a{2};
  learned b{3};
  a.teach(5, 1);
  b.teach(5, 1);
  EXPECT_FALSE(tell(a, to.learner));
  EXPECT_EQ(code_of(tell(b, to.learner)), errc::overloaded);
  EXPECT_EQ(code_of(tell(a, to.learner, [](auto r) { r.setModel("other"); })), errc::overloaded);
  EXPECT_EQ(to.learner.arm(purpose, "other", "v1", 0), 1u);
  EXPECT_EQ(to.learner.arms(), 1u);
  EXPECT_EQ(to.learner.predict(1, features(1), 0).weight, 0);
}

/// `rewards` of two arms: it believes in the first, and the second is always right.
arm_id believe_wrongly(learned& one, int rewards) {
  auto other = one.learner.arm(purpose, "big", "v1", 0);
  std::mt19937_64 random{3};
  for (int i = 0; i < rewards; ++i) {
    made_decision d;
    d.purpose = purpose;
    d.arms = {{.arm = one.arm, .score = {.quality = 0.9, .propensity = 0.5}},
              {.arm = other, .score = {.quality = 0.1, .cost = 1, .propensity = 0.5}}};
    d.chosen = static_cast<std::uint32_t>(random() % 2);
    d.features = features(0);
    one.learner.learn(d, d.chosen, 0);
  }
  return other;
}

TEST(quality_learner, ALearnedChoiceThatDoesWorseThanOneArmIsDemoted) {
  learned one{1};
  auto other = believe_wrongly(one, 400);
  auto free = one.learner.standing_of(purpose, 0, 0, 0);
  EXPECT_TRUE(free.demoted);
  EXPECT_EQ(free.best_fixed, other);
  // At another price the same rewards say otherwise.
  EXPECT_FALSE(one.learner.standing_of(purpose, 2, 0, 0).demoted);
}

TEST(quality_learner, AnArmThatArrivesLiftsADemotion) {
  learned one{1};
  auto other = believe_wrongly(one, 300);
  ASSERT_TRUE(one.learner.standing_of(purpose, 0, 0, 0).demoted);
  made_decision d = decision(one.arm, 0);
  d.arms.push_back({.arm = other, .score = {}});
  d.arms.push_back({.arm = one.learner.arm(purpose, "new", "v1", 0), .score = {}});
  one.learner.learn(d, 0, 0);
  EXPECT_FALSE(one.learner.standing_of(purpose, 0, 0, 0).demoted);
  // What it believes is as wrong as it was: soon seen again.
  believe_wrongly(one, 100);
  EXPECT_TRUE(one.learner.standing_of(purpose, 0, 0, 0).demoted);
}

TEST(quality_learner, AFewNoisyRewardsDoNotTeachThatCallsAreAllTheSame) {
  int blind = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    learned one{1};
    std::mt19937_64 random{seed};
    std::uniform_real_distribution<> draw{-1, 1};
    for (int i = 0; i < 24; ++i) {
      auto value = draw(random);
      bool told = draw(random) > -0.4;
      one.learner.learn(decision(one.arm, value), (value > 0) == told ? 1 : 0, 0);
    }
    blind += one.at(0.7).quality - one.at(-0.7).quality < 0.05 ? 1 : 0;
  }
  EXPECT_LT(blind, 15);
}

}  // namespace
}  // namespace tandem
