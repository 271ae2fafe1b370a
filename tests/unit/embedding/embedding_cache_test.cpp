#include "actors/embedding/embedding_cache.hpp"

#include <gtest/gtest.h>

#include <string>

#include "actors/embedding/failure_pause.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;

embedding vector_of(float value) {
  return std::make_shared<const std::vector<float>>(1, value);
}

TEST(embedding_cache, ForgetsWhatWasNotAskedForTheLongest) {
  embedding_cache cache{2};
  cache.put(digest_of("a"), vector_of(1));
  cache.put(digest_of("b"), vector_of(2));
  ASSERT_NE(cache.find(digest_of("a")), nullptr);
  cache.put(digest_of("c"), vector_of(3));
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(cache.find(digest_of("b")), nullptr);
  EXPECT_EQ(cache.find(digest_of("a"))->at(0), 1);
  EXPECT_EQ(cache.find(digest_of("c"))->at(0), 3);
}

TEST(embedding_cache, TheLaterVectorOfATextCounts) {
  embedding_cache cache{2};
  cache.put(digest_of("a"), vector_of(1));
  cache.put(digest_of("a"), vector_of(2));
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_EQ(cache.find(digest_of("a"))->at(0), 2);
}

TEST(embedding_cache, MayBeOff) {
  embedding_cache cache{0};
  cache.put(digest_of("a"), vector_of(1));
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_EQ(cache.find(digest_of("a")), nullptr);
}

TEST(failure_pause, DoublesUpToAMinuteAndEndsWithASuccess) {
  failure_pause pause;
  auto now = 5'000ms;
  EXPECT_TRUE(pause.admit(now));
  for (auto wait : {1'000ms, 2'000ms, 4'000ms, 8'000ms, 16'000ms, 32'000ms, 60'000ms, 60'000ms}) {
    pause.failed(now);
    EXPECT_FALSE(pause.admit(now + wait - 1ms));
    now += wait;
    EXPECT_TRUE(pause.admit(now)) << wait.count();
  }
  pause.succeeded();
  EXPECT_TRUE(pause.admit(now));
  EXPECT_TRUE(pause.admit(now));
  pause.failed(now);
  EXPECT_TRUE(pause.admit(now + 1s));
}

TEST(failure_pause, OneAloneTriesWhetherTheServerIsBack) {
  failure_pause pause;
  EXPECT_TRUE(pause.admit(0ms));
  pause.failed(0ms);
  EXPECT_TRUE(pause.admit(1s));
  EXPECT_FALSE(pause.admit(1s));
  pause.ended();
  EXPECT_TRUE(pause.admit(1s));
}

TEST(failure_pause, RequestsThatFailTogetherAreOneFailure) {
  failure_pause pause;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(pause.admit(0ms));
  for (int i = 0; i < 10; ++i) pause.failed(1ms);
  EXPECT_TRUE(pause.admit(1'001ms));
}

}  // namespace
}  // namespace tandem
