#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

#include "actors/router/learning/feature_extractor.hpp"

namespace tandem {
namespace {

feature_vector features(std::string_view text, feature_config config = {},
                        decision_facts facts = {}) {
  facts.texts = {&text, 1};
  feature_vector out;
  feature_extractor{config}.extract(facts, out);
  return out;
}

TEST(feature_extractor, AnEmbeddingTakesThePlaceOfWords) {
  std::vector<float> vector{0.3f, -0.2f, 0.9f, 0.1f};
  std::string_view text = "Tom has 3 apples";
  auto with = features(text, {.embeddings = true}, {.embedding = vector});
  auto without = features(text, {.embeddings = true});
  auto words = features(text);
  float kept = 0, none = 0;
  for (std::size_t i = 37; i < 64; ++i) {
    kept += std::abs(with.dense[i]);
    none += std::abs(without.dense[i]);
  }
  EXPECT_GT(kept, 0.5f);
  EXPECT_EQ(none, 0) << "hashed words mean something else than an embedding in the same place";
  EXPECT_NE(words.dense, without.dense);
  for (std::size_t i = 0; i < 37; ++i) EXPECT_EQ(with.dense[i], words.dense[i]);
}

TEST(feature_extractor, VectorsOfAnotherModelAreAnotherVersion) {
  EXPECT_EQ(feature_version_with("e5"), feature_version_with("e5"));
  EXPECT_NE(feature_version_with("e5"), feature_version_with("e6"));
  EXPECT_NE(feature_version_with("e5"), feature_version);
}

TEST(feature_extractor, TheSameInputGivesTheSameNumbers) {
  for (std::uint32_t dense : {1u, 16u, 64u, 128u}) {
    auto a = features("Tom has 3 apples and buys 12 more.", {.dense = dense, .sparse = true});
    auto b = features("Tom has 3 apples and buys 12 more.", {.dense = dense, .sparse = true});
    EXPECT_EQ(a.dense_size, dense);
    EXPECT_EQ(a.dense, b.dense);
    EXPECT_EQ(a.dense[0], 1);
    EXPECT_EQ(a.sparse.size(), b.sparse.size());
  }
}

TEST(feature_extractor, WhatDiffersInACallDiffersInItsNumbers) {
  auto plain = features("add 2 and 3");
  EXPECT_NE(plain.dense, features("add 2 and 3", {}, {.kind = "calc"}).dense);
  EXPECT_NE(plain.dense, features("add 2 and 3", {}, {.tries = 1}).dense);
  EXPECT_NE(plain.dense, features("add 2 and 3", {}, {.tenant = "acme"}).dense);
  EXPECT_NE(plain.dense, features("write a poem about the sea").dense);
}

TEST(feature_extractor, AnyBytesOfAnyLengthGiveBoundedNumbers) {
  std::mt19937 random{7};
  for (std::size_t length : {0u, 1u, 17u, 5'000u, 16'384u, 200'000u}) {
    std::string text(length, '\0');
    for (auto& c : text) c = static_cast<char>(random());
    std::vector<float> embedding{NAN, INFINITY, 1, -2};
    auto x = features(text, {.dense = 128, .sparse = true}, {.embedding = embedding});
    for (float value : x.dense_part()) EXPECT_LE(std::abs(value), 4);
    EXPECT_LE(x.sparse.size(), sparse_features_max);
    for (auto feature : x.sparse) {
      EXPECT_LT(feature.index, sparse_dimensions);
      EXPECT_TRUE(std::isfinite(feature.value));
    }
  }
}

TEST(feature_extractor, OnlyTheBeginningAndTheEndOfALongPromptAreRead) {
  std::string text(100'000, 'a');
  auto before = features(text);
  text[50'000] = '7';
  EXPECT_EQ(features(text).dense, before.dense);
  text[99'999] = '7';
  EXPECT_NE(features(text).dense, before.dense);
}

}  // namespace
}  // namespace tandem
