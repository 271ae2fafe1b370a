#include "actors/semantic/goal_embedding.hpp"

#include <cmath>
#include <limits>
#include <string_view>

#include <gtest/gtest.h>

namespace tandem {
namespace {

std::vector<float> embed(std::string_view text) {
  auto words = words_of(text, 1'000);
  return embedding_of(words, numbers_of(words));
}

float alike(std::string_view a, std::string_view b) {
  return inner_product(embed(a), embed(b));
}

TEST(GoalEmbedding, HasLengthOneAndIsTheSameEachTime) {
  auto v = embed("How many eggs does Janet sell?");
  ASSERT_EQ(v.size(), goal_embedding_dimension);
  EXPECT_NEAR(inner_product(v, v), 1, 1e-5);
  EXPECT_EQ(v, embed("How many eggs does Janet sell?"));
}

TEST(GoalEmbedding, IsThisOneInThisVersion) {
  // Stored vectors are read by later releases: another result is another version.
  auto v = embed("add 12 and seven");
  double sum = 0;
  for (std::size_t i = 0; i < v.size(); ++i)
    sum += static_cast<double>(v[i]) * static_cast<double>(i);
  EXPECT_EQ(goal_embedding_version, 1U);
  EXPECT_NEAR(sum, 256.272745, 1e-3);
}

TEST(GoalEmbedding, IsNearerForRewordingsThanForOtherGoals) {
  auto one = "James purchases three packs of cards and opens them.";
  EXPECT_GT(alike(one, "James buys 3 packs of cards to open them."),
            alike(one, "Maria bakes 3 cakes for her neighbours.") + .3F);
  EXPECT_GT(alike("12 eggs", "a dozen eggs"), .9F);
}

TEST(GoalEmbedding, OfNothingIsNothing) {
  for (float v : embed(" .,;!? ")) EXPECT_EQ(v, 0);
}

TEST(GoalEmbedding, RefusesWhatIsNoVector) {
  std::vector<float> zero(8);
  EXPECT_FALSE(normalise(zero));
  for (float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(),
                    std::numeric_limits<float>::max()}) {
    std::vector<float> v{1, bad};
    bool ok = normalise(v);
    for (float x : v) EXPECT_TRUE(std::isfinite(x));
    EXPECT_EQ(ok, bad == std::numeric_limits<float>::max());
  }
}

TEST(GoalEmbedding, ProductsAreTheSumOfAllPlacesWhateverTheirNumber) {
  std::vector<float> a;
  std::vector<float> b;
  double sum = 0;
  for (std::size_t size = 0; size < 300; ++size) {
    EXPECT_NEAR(inner_product(a, b), sum, 1e-4) << size << " numbers";
    a.push_back(static_cast<float>(size % 7) - 3.F);
    b.push_back(static_cast<float>(size % 5) - 1.5F);
    sum += static_cast<double>(a.back()) * b.back();
  }
}

}  // namespace
}  // namespace tandem
