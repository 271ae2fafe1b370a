#include "actors/semantic/vector_space.hpp"

#include <random>

#include <gtest/gtest.h>

#include "actors/semantic/goal_embedding.hpp"

namespace tandem {
namespace {

constexpr std::size_t dimension = 32;

std::vector<float> vector_for(std::uint64_t id) {
  std::mt19937_64 random{id};
  std::vector<float> v(dimension);
  for (float& x : v) x = static_cast<float>(random() >> 40) / (1 << 23) - 1;
  (void)normalise(v);
  return v;
}

bool finds(const vector_space& space, std::uint64_t id) {
  auto found = space.nearest(vector_for(id), 1);
  return !found.empty() && found[0].id == id && found[0].similarity > .999F;
}

TEST(VectorSpace, FindsTheNearestOfFewAndOfMany) {
  vector_space space{dimension, 1};
  for (std::uint64_t id = 1; id <= 3'000; ++id) {
    ASSERT_TRUE(space.add(id, vector_for(id)));
    ASSERT_LE(space.bytes(), space.bytes_at_most()) << id;
  }
  int found = 0;
  for (std::uint64_t id = 1; id <= 3'000; ++id) found += finds(space, id) ? 1 : 0;
  EXPECT_GE(found, 2'950);
  auto near = space.nearest(vector_for(7), 10);
  ASSERT_EQ(near.size(), 10U);
  for (std::size_t i = 1; i < near.size(); ++i)
    EXPECT_GE(near[i - 1].similarity, near[i].similarity);
}

TEST(VectorSpace, RefusesAnotherDimensionAndAnIdTwice) {
  vector_space space{dimension, 1};
  EXPECT_FALSE(space.add(1, std::vector<float>(dimension + 1, .1F)));
  EXPECT_TRUE(space.add(1, vector_for(1)));
  EXPECT_FALSE(space.add(1, vector_for(1)));
  EXPECT_TRUE(space.nearest(std::vector<float>(3, .1F), 1).empty());
  EXPECT_FALSE(space.remove(2));
  EXPECT_TRUE(space.remove(1));
  EXPECT_TRUE(space.nearest(vector_for(1), 1).empty());
}

TEST(VectorSpace, IsRebuiltInStepsWhenAQuarterIsRemovedAndLosesNothing) {
  vector_space space{dimension, 1};
  for (std::uint64_t id = 1; id <= 2'000; ++id) ASSERT_TRUE(space.add(id, vector_for(id)));
  for (std::uint64_t id = 1; id <= 499; ++id) ASSERT_TRUE(space.remove(id));
  EXPECT_FALSE(space.maintain(16)) << "less than a quarter";
  ASSERT_TRUE(space.remove(500));
  EXPECT_TRUE(space.maintain(16));
  // Meanwhile some come and some go.
  std::uint64_t next = 2'001;
  int steps = 0;
  while (space.maintain(16)) {
    ASSERT_TRUE(space.add(next, vector_for(next)));
    ASSERT_TRUE(space.remove(next - 1'400));
    ++next;
    ASSERT_LE(space.bytes(), space.bytes_at_most());
    ASSERT_LT(++steps, 1'000);
  }
  EXPECT_EQ(space.rebuilds(), 1U);
  EXPECT_LT(space.removed_share(), .1);
  int found = 0;
  int live = 0;
  for (std::uint64_t id = next - 1'400; id < next; ++id) {
    ++live;
    found += finds(space, id) ? 1 : 0;
  }
  EXPECT_GE(found, live * 98 / 100);
  EXPECT_FALSE(finds(space, 1));
}

TEST(VectorSpace, KeepsItsPlaceUnderEndlessChange) {
  vector_space space{dimension, 1};
  std::uint64_t next = 1;
  for (; next <= 1'500; ++next) ASSERT_TRUE(space.add(next, vector_for(next)));
  for (; next <= 6'000; ++next) {
    ASSERT_TRUE(space.remove(next - 1'500));
    ASSERT_TRUE(space.add(next, vector_for(next)));
    space.maintain(16);
    ASSERT_LE(space.bytes(), space.bytes_at_most());
  }
  EXPECT_EQ(space.size(), 1'500U);
  EXPECT_GE(space.rebuilds(), 5U);
  EXPECT_LT(space.removed_share(), .4);
}

}  // namespace
}  // namespace tandem
