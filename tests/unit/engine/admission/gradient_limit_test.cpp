#include "actors/engine/admission/gradient_limit.hpp"

#include <gtest/gtest.h>

#include "tests/unit/engine/admission/saturating_server.hpp"

namespace tandem::testing {
namespace {

using namespace std::chrono_literals;

class SaturatingBatch : public ::testing::TestWithParam<double> {};

TEST_P(SaturatingBatch, TheLimitSettlesWhereThroughputSaturates) {
  auto batch = GetParam();
  saturating_server server{128};
  server.saturate_at(batch);
  server.run(600s);
  server.run(400s);
  EXPECT_GE(server.mean_limit, batch);
  EXPECT_LE(server.mean_limit, 2 * batch + 1);
  EXPECT_LE(server.stretch, 2.4)
      << "noise alone makes it 1.05; a limit of one place too many, more";
}

INSTANTIATE_TEST_SUITE_P(batches, SaturatingBatch, ::testing::Values(4, 8, 16, 32, 64));

TEST(gradient_limit, FollowsAServerThatCanDoLessAndMore) {
  saturating_server server{128};
  server.saturate_at(32);
  server.run(400s);
  for (double batch : {16.0, 32.0, 64.0, 32.0}) {
    server.saturate_at(batch);
    server.run(300s);
    server.run(200s);
    EXPECT_GE(server.mean_limit, batch) << batch;
    EXPECT_LE(server.mean_limit, 2 * batch) << batch;
    EXPECT_LE(server.stretch, 2) << batch;
  }
}

TEST(gradient_limit, KeepsAlmostAllOfTheThroughputThatTheServerHas) {
  saturating_server limited{128};
  limited.saturate_at(32);
  limited.run(300s);
  limited.run(2000s);
  saturating_server best{32, 32};
  best.saturate_at(32);
  best.run(300s);
  best.run(2000s);
  EXPECT_GE(static_cast<double>(limited.done), 0.95 * static_cast<double>(best.done));
}

TEST(gradient_limit, LeavesTheLimitWhereLatencyDoesNotComeFromUs) {
  saturating_server server{128};
  server.run(100s);
  for (double slower : {1.0, 3.0, 0.5, 2.0}) {
    server.slower = slower;
    server.run(100s);
    server.run(400s);
    EXPECT_GE(server.mean_limit, 0.9 * 128) << slower;
  }
}

TEST(gradient_limit, DoesNotCollapseUnderNoise) {
  saturating_server server{128};
  server.noise = 0.8;
  server.saturate_at(32);
  server.run(300s);
  for (int i = 0; i < 10; ++i) {
    server.run(100s);
    EXPECT_GE(server.mean_limit, 20);
    EXPECT_LE(server.mean_limit, 80);
  }
}

TEST(gradient_limit, IsNotMovedByCallsOfOtherSizes) {
  saturating_server server{128};
  server.saturate_at(32);
  server.run(200s);
  for (int i = 0; i < 3; ++i) {
    for (auto [prompt, written] : {std::pair{30'000u, 10u}, {10u, 1000u}, {10u, 5u}}) {
      server.prompt_max = prompt;
      server.written_max = written;
      server.run(200s);
      EXPECT_GE(server.mean_limit, 32);
      EXPECT_LE(server.mean_limit, 70);
    }
  }
}

TEST(gradient_limit, LightTrafficIsNotLimited) {
  saturating_server server{128};
  server.saturate_at(32);
  server.clients = 5;
  server.run(1000s);
  EXPECT_EQ(server.limit.limit(), 128u);
  server.clients = 1000;
  server.run(200s);
  server.run(200s);
  EXPECT_LE(server.mean_limit, 64);
  server.clients = 5;
  server.run(200s);
  auto limit = server.limit.limit();
  server.run(1000s);
  EXPECT_EQ(server.limit.limit(), limit) << "what is not used does not grow";
}

TEST(gradient_limit, RefusalsCutItByAQuarterOncePerRound) {
  gradient_limit limit{1, 64};
  gradient_limit::clock::time_point start{1s};
  for (int i = 0; i < 10; ++i) limit.on_overload(start, start + 1s, 64);
  EXPECT_EQ(limit.limit(), 48u);
  EXPECT_TRUE(limit.is_measured());
  limit.on_overload(start + 2s, start + 3s, 20);
  EXPECT_EQ(limit.limit(), 15u) << "of what was at work";
}

TEST(gradient_limit, CallsThatAreGivenUpCountOnlyWhereTheyShouldHaveBeenOver) {
  gradient_limit limit{1, 16};
  gradient_limit::clock::time_point start{1s};
  limit.on_given_up({.started = start, .ended = start + 1s, .in_flight = 16});
  EXPECT_EQ(limit.limit(), 16u) << "nothing is known yet, and it was not long";
  for (int i = 0; i < 16; ++i)
    limit.on_done({.started = start,
                   .ended = start + 4s,
                   .prompt_tokens = 100,
                   .completion_tokens = 200,
                   .in_flight = 2});
  start += 4s;
  limit.on_given_up({.started = start,
                     .ended = start + 10s,
                     .prompt_tokens = 100,
                     .completion_tokens = 200,
                     .in_flight = 16});
  EXPECT_EQ(limit.limit(), 16u) << "as long as some take";
  limit.on_given_up({.started = start,
                     .ended = start + 20s,
                     .prompt_tokens = 100,
                     .completion_tokens = 200,
                     .in_flight = 16});
  EXPECT_EQ(limit.limit(), 12u);
  limit.on_given_up({.started = start + 21s,
                     .ended = start + 41s,
                     .prompt_tokens = 100,
                     .completion_tokens = 4000,
                     .in_flight = 12});
  EXPECT_EQ(limit.limit(), 12u) << "it may have had much to write";
}

TEST(gradient_limit, NeverGoesBelowItsMinimumAndComesBack) {
  for (std::uint32_t minimum : {1u, 3u}) {
    saturating_server server{64, minimum};
    server.saturate_at(16);
    for (int i = 1; i <= 50; ++i)
      server.limit.on_overload(server.now() + 1s * i, server.now() + 1s * i, 64);
    EXPECT_EQ(server.limit.limit(), minimum);
    server.run(600s);
    server.run(200s);
    EXPECT_GE(server.mean_limit, 16);
  }
}

TEST(gradient_limit, IgnoresWhatAServerCannotMean) {
  gradient_limit limit{1, 8};
  gradient_limit::clock::time_point start{1s};
  for (int i = 0; i < 1000; ++i) {
    start += 1s;
    limit.on_done({.started = start, .ended = start, .in_flight = 8});
    limit.on_done({.started = start, .ended = start - 1s, .in_flight = 8});
    limit.on_done({.started = start,
                   .ended = start + 1s,
                   .prompt_tokens = UINT64_MAX,
                   .completion_tokens = i % 2 == 0 ? UINT64_MAX : 0,
                   .in_flight = UINT32_MAX});
    ASSERT_GE(limit.limit(), 1u);
    ASSERT_LE(limit.limit(), 8u);
  }
}

TEST(call_expectation, LearnsWhatReadingAndWritingTake) {
  call_expectation expectation;
  EXPECT_EQ(expectation.of({.prompt_tokens = 1}), 0);
  std::mt19937_64 random{3};
  for (int window = 0; window < 200; ++window) {
    std::vector<call_expectation::sample> calls;
    for (int i = 0; i < 32; ++i) {
      auto prompt = random() % 4000;
      auto written = random() % 400;
      calls.push_back(
          {prompt, written,
           0.1 + static_cast<double>(prompt) / 2000 + static_cast<double>(written) * 0.01});
    }
    (void)expectation.learn(calls);
  }
  EXPECT_NEAR(expectation.of({.prompt_tokens = 4000}), 2.1, 0.2);
  EXPECT_NEAR(expectation.of({.completion_tokens = 400}), 4.1, 0.4);
  EXPECT_NEAR(expectation.of({.prompt_tokens = 4000, .completion_tokens = 400}), 6.1, 0.3);
}

}  // namespace
}  // namespace tandem::testing
