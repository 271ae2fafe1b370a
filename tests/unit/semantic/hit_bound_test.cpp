#include "actors/semantic/hit_bound.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "actors/semantic/error_bounds.hpp"
#include "actors/semantic/goal_hash.hpp"

namespace tandem {
namespace {

/// Matches whose similarity alone says how likely they are wrong: `wrong_at(similarity)`.
class world {
 public:
  explicit world(std::uint64_t seed) : random_{seed} {}

  hit_features match() {
    hit_features f;
    for (float& v : f.values) v = static_cast<float>(unit());
    return f;
  }

  /// Wrong below .5 mostly, above it hardly ever.
  static double chance(const hit_features& f) {
    double s = f.values[0];
    return s < .5 ? .6 : .02 * (1 - s);
  }

  bool wrong(const hit_features& f) { return unit() < chance(f); }

 private:
  double unit() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  std::mt19937_64 random_;
};

TEST(ErrorBounds, AreThoseOfClopperAndPearson) {
  EXPECT_NEAR(upper_error_bound(0, 299, .95), .00997, 1e-4);
  EXPECT_NEAR(upper_error_bound(1, 473, .95), .00999, 1e-4);
  EXPECT_NEAR(lower_error_bound(3, 10, .95), .0873, 1e-3);
  EXPECT_EQ(upper_error_bound(0, 0, .95), 1);
  EXPECT_EQ(lower_error_bound(0, 10, .95), 0);
  EXPECT_EQ(least_labels(.01, .95), 299U);
  EXPECT_EQ(least_labels(.01, .9), 230U);
}

TEST(HitBound, AdmitsNothingBeforeEnoughIsKnown) {
  hit_bound bound{{}};
  EXPECT_FALSE(bound.threshold());
  world w{1};
  for (int i = 0; i < 229; ++i) bound.learn(w.match(), false);
  EXPECT_FALSE(bound.threshold());
}

TEST(HitBound, AdmitsAllOfAWorldWhereNothingIsWrong) {
  hit_bound bound{{}};
  world w{2};
  for (int i = 0; i < 320; ++i) bound.learn(w.match(), false);
  ASSERT_TRUE(bound.threshold());
  EXPECT_LE(bound.bound(), .01);
  int admitted = 0;
  for (int i = 0; i < 1'000; ++i)
    admitted += bound.predict(w.match()) <= *bound.threshold() ? 1 : 0;
  EXPECT_GT(admitted, 950);
}

TEST(HitBound, AdmitsNothingWhereRightAndWrongLookAlike) {
  hit_bound bound{{}};
  world w{3};
  for (int i = 0; i < 2'000; ++i) bound.learn(w.match(), i % 10 == 0);
  EXPECT_FALSE(bound.threshold());
}

TEST(HitBound, KeepsItsPromiseInNineOfTenWorlds) {
  // What is admitted must really be wrong in at most 1%; .9 is the confidence asked for.
  int runs = 0;
  int broken = 0;
  int serving = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    hit_bound bound{{}};
    world w{seed};
    for (int i = 0; i < 1'024; ++i) {
      auto match = w.match();
      bound.learn(match, w.wrong(match));
    }
    ++runs;
    if (!bound.threshold()) continue;
    ++serving;
    double error = 0;
    int admitted = 0;
    for (int i = 0; i < 2'000; ++i) {
      auto match = w.match();
      if (bound.predict(match) > *bound.threshold()) continue;
      error += world::chance(match);
      ++admitted;
    }
    broken += admitted > 0 && error / admitted > .01 ? 1 : 0;
  }
  RecordProperty("serving", serving);
  RecordProperty("broken", broken);
  EXPECT_GT(serving, runs / 4);
  EXPECT_LE(broken, runs / 10);
}

TEST(HitBound, FollowsAWorldThatTurnsBad) {
  hit_bound bound{{}};
  world w{5};
  for (int i = 0; i < 1'024; ++i) bound.learn(w.match(), false);
  ASSERT_TRUE(bound.threshold());
  // A sixth is wrong, whatever it looks like.
  int until = 0;
  for (; until < 1'024 && bound.threshold(); ++until) bound.learn(w.match(), until % 6 == 0);
  EXPECT_LT(until, 300);
  EXPECT_FALSE(bound.threshold());
  for (int i = 0; i < 1'300; ++i) bound.learn(w.match(), false);
  EXPECT_TRUE(bound.threshold());
}

TEST(HitBound, IsBoundedInLabels) {
  hit_bound bound{{.labels_kept = 64, .refit_labels = 64}};
  world w{6};
  for (int i = 0; i < 1'000; ++i) bound.learn(w.match(), i < 500);
  EXPECT_EQ(bound.labels(), 64U);
  EXPECT_EQ(bound.wrong(), 0U);
  EXPECT_LT(bound.bytes(), 8'192U);
}

TEST(HitBound, ComesBackFromItsRecord) {
  hit_bound before{{}};
  world w{7};
  for (int i = 0; i < 1'500; ++i) {
    auto match = w.match();
    before.learn(match, w.wrong(match) && match.values[0] < .5F);
  }
  hit_bound after{{}};
  ASSERT_EQ(after.restore(before.save()), std::nullopt);
  EXPECT_EQ(after.labels(), before.labels());
  EXPECT_EQ(after.wrong(), before.wrong());
  EXPECT_EQ(after.threshold().has_value(), before.threshold().has_value());
  EXPECT_EQ(after.save(), before.save());
  hit_bound smaller{{.labels_kept = 100}};
  ASSERT_EQ(smaller.restore(before.save()), std::nullopt);
  EXPECT_EQ(smaller.labels(), 100U);
}

TEST(HitBound, SetsADamagedRecordAside) {
  hit_bound bound{{}};
  world w{8};
  for (int i = 0; i < 50; ++i) bound.learn(w.match(), i % 2 == 0);
  auto record = bound.save();
  hit_bound other{{}};
  for (std::size_t cut = 0; cut < record.size(); ++cut)
    EXPECT_TRUE(other.restore(std::string_view{record}.substr(0, cut))) << cut;
  for (std::size_t i = 0; i < record.size(); ++i) {
    auto bad = record;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    EXPECT_TRUE(other.restore(bad)) << i;
  }
  EXPECT_TRUE(other.restore(record + "x"));
  // A count that is not so, with a checksum that fits.
  auto forged = record.substr(0, record.size() - 8);
  forged[12] = '\xff';
  auto sum = goal_hash(forged);
  for (int i = 0; i < 8; ++i) forged += static_cast<char>(sum >> (8 * i) & 0xFF);
  EXPECT_TRUE(other.restore(forged));
  EXPECT_EQ(other.labels(), 0U);
  EXPECT_EQ(bound.restore("rubbish, and much of it, to be long enough").value_or(""),
            "this is no record of a hit bound");
  EXPECT_EQ(bound.labels(), 50U);
}

}  // namespace
}  // namespace tandem
