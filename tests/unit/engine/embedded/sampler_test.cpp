#include "actors/engine/embedded/sampler.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <map>

namespace tandem::embedded {
namespace {

constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

std::map<std::uint32_t, int> draw(const sampling_options& options, const std::vector<float>& logits,
                                  int times = 2'000) {
  sampler picks(options);
  std::map<std::uint32_t, int> out;
  for (int i = 0; i < times; ++i) ++out[picks.pick(logits)];
  return out;
}

TEST(sampler, TakesTheLikeliestTokenAtTemperatureZero) {
  EXPECT_EQ(sampler({}).pick(std::vector<float>{1, 3, 2, 3}), 1U);
}

TEST(sampler, SurvivesLogitsThatAreNoNumbers) {
  const std::vector<float> odd = {nan_value, -infinity, 2, nan_value, 1};
  EXPECT_EQ(sampler({}).pick(odd), 2U);
  EXPECT_EQ(draw({1, 0, 1, 5}, odd).count(0), 0U);
  const std::vector<float> hopeless(5, nan_value);
  EXPECT_LT(sampler({1, 2, 0.5F, 5}).pick(hopeless), 5U);
}

TEST(sampler, DrawsTheSameTokensFromTheSameSeed) {
  const std::vector<float> logits = {0, 0.5F, 1, 0.25F};
  EXPECT_EQ(draw({1, 0, 1, 42}, logits), draw({1, 0, 1, 42}, logits));
  sampler first({1, 0, 1, 1}), second({1, 0, 1, 2});
  bool differs = false;
  for (int i = 0; i < 64; ++i) differs |= first.pick(logits) != second.pick(logits);
  EXPECT_TRUE(differs);
}

TEST(sampler, DrawsInProportionToTheWeights) {
  const auto drawn = draw({1, 0, 1, 3}, {std::log(3.0F), 0}, 20'000);
  EXPECT_NEAR(drawn.at(0) / 20'000.0, 0.75, 0.02);
}

TEST(sampler, KeepsToTheTopKTokens) {
  const auto drawn = draw({5, 2, 1, 3}, {0, 1, 2, 3});
  EXPECT_EQ(drawn.count(0) + drawn.count(1), 0U);
  EXPECT_EQ(drawn.size(), 2U);
}

TEST(sampler, KeepsToTheTopPOfTheWeight) {
  const std::vector<float> logits = {std::log(0.6F), std::log(0.3F), std::log(0.1F)};
  EXPECT_EQ(draw({1, 0, 0.5F, 3}, logits).size(), 1U);
  EXPECT_EQ(draw({1, 0, 0.8F, 3}, logits).size(), 2U);
  EXPECT_EQ(draw({1, 0, 1, 3}, logits).size(), 3U);
}

TEST(sampler, NamesOptionsOutOfRange) {
  EXPECT_EQ(sampling_options{}.validate(), "");
  for (const float bad : {-1.0F, nan_value, infinity}) {
    EXPECT_NE((sampling_options{bad, 0, 1, 0}.validate()), "");
    EXPECT_NE((sampling_options{1, 0, bad, 0}.validate()), "");
  }
}

}  // namespace
}  // namespace tandem::embedded
