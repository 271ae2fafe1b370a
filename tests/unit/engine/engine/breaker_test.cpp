#include "actors/engine/breaker.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

using namespace std::chrono_literals;
using schema::Breaker;

class breaker_test : public ::testing::Test {
 protected:
  breaker make(std::uint32_t failures = 3) const {
    return breaker{{.failures = failures, .pause = 100ms, .pause_max = 350ms}};
  }
  /// Sends a request that fails now.
  void fail(breaker& of) const {
    auto trial = of.admit(now_);
    ASSERT_TRUE(trial);
    of.on_failure(now_, *trial);
  }
  void open(breaker& of, int failures = 3) const {
    for (int i = 0; i < failures; ++i) fail(of);
    EXPECT_EQ(of.state(now_), Breaker::OPEN);
  }

  breaker::clock::time_point now_ = breaker::clock::time_point{} + 1h;
};

TEST_F(breaker_test, OpensAfterSoManyFailuresInARow) {
  auto b = make();
  fail(b);
  fail(b);
  EXPECT_EQ(b.state(now_), Breaker::CLOSED);
  fail(b);
  EXPECT_EQ(b.state(now_), Breaker::OPEN);
  EXPECT_EQ(b.failures_in_a_row(), 3u);
  EXPECT_FALSE(b.admit(now_));
  EXPECT_EQ(b.retry_at(), now_ + 100ms);
}

TEST_F(breaker_test, ASuccessBetweenThemBeginsTheCountAnew) {
  auto b = make();
  for (int i = 0; i < 10; ++i) {
    fail(b);
    fail(b);
    EXPECT_TRUE(b.admit(now_));
    b.on_success();
  }
  EXPECT_EQ(b.state(now_), Breaker::CLOSED);
  EXPECT_EQ(b.failures_in_a_row(), 0u);
}

TEST_F(breaker_test, WhatWasCancelledNeitherOpensNorCloses) {
  auto b = make();
  fail(b);
  fail(b);
  auto call = b.admit(now_);
  ASSERT_TRUE(call);
  b.on_nothing(*call);
  EXPECT_EQ(b.failures_in_a_row(), 2u);
  fail(b);
  EXPECT_EQ(b.state(now_), Breaker::OPEN);
}

TEST_F(breaker_test, AdmitsOneTrialAtATimeWhenItsPauseIsOver) {
  auto b = make();
  open(b);
  now_ += 99ms;
  EXPECT_FALSE(b.admit(now_));
  now_ += 1ms;
  EXPECT_EQ(b.state(now_), Breaker::HALF_OPEN);
  EXPECT_TRUE(b.admit(now_));
  EXPECT_FALSE(b.admit(now_));
  b.on_success();
  EXPECT_EQ(b.state(now_), Breaker::CLOSED);
  EXPECT_TRUE(b.admit(now_));
  EXPECT_TRUE(b.admit(now_));
}

TEST_F(breaker_test, ACancelledTrialLeavesRoomForTheNext) {
  auto b = make();
  open(b);
  now_ += 100ms;
  auto trial = b.admit(now_);
  ASSERT_TRUE(trial);
  b.on_nothing(*trial);
  EXPECT_EQ(b.state(now_), Breaker::HALF_OPEN);
  EXPECT_TRUE(b.admit(now_));
}

TEST_F(breaker_test, EachFailedTrialDoublesThePauseUpToItsMaximum) {
  auto b = make();
  open(b);
  for (auto pause : {100ms, 200ms, 350ms, 350ms}) {
    EXPECT_EQ(b.retry_at(), now_ + pause);
    now_ += pause;
    fail(b);
  }
  now_ += 350ms;
  EXPECT_TRUE(b.admit(now_));
  b.on_success();
  open(b);
  EXPECT_EQ(b.retry_at(), now_ + 100ms) << "a success makes the pause small again";
}

TEST_F(breaker_test, FailuresOfWhatWasUnderWayWhenItOpenedDoNotProlongThePause) {
  auto b = make();
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(b.admit(now_));
  for (int i = 0; i < 3; ++i) b.on_failure(now_, 0);
  auto retry_at = b.retry_at();
  now_ += 50ms;
  for (int i = 0; i < 5; ++i) b.on_failure(now_, 0);
  EXPECT_EQ(b.retry_at(), retry_at);
}

TEST_F(breaker_test, WhatWasUnderWayWhenItOpenedIsNoTrial) {
  auto b = make();
  open(b);
  now_ += 100ms;
  auto trial = b.admit(now_);
  ASSERT_TRUE(trial);
  b.on_failure(now_, 0);
  b.on_nothing(0);
  EXPECT_EQ(b.state(now_), Breaker::HALF_OPEN);
  EXPECT_FALSE(b.admit(now_)) << "the trial is still under way";
  b.on_failure(now_, *trial);
  EXPECT_EQ(b.retry_at(), now_ + 200ms);
}

TEST_F(breaker_test, AnOldTrialIsNotTheNewOne) {
  auto b = make();
  open(b);
  now_ += 100ms;
  auto old = b.admit(now_);
  ASSERT_TRUE(old);
  b.on_success();
  open(b);
  now_ += 100ms;
  EXPECT_TRUE(b.admit(now_));
  b.on_failure(now_, *old);
  b.on_nothing(*old);
  EXPECT_EQ(b.state(now_), Breaker::HALF_OPEN);
  EXPECT_FALSE(b.admit(now_));
}

TEST_F(breaker_test, OneThatWasUnderWayAndSucceedsClosesIt) {
  auto b = make();
  EXPECT_TRUE(b.admit(now_));
  open(b);
  b.on_success();
  EXPECT_EQ(b.state(now_), Breaker::CLOSED);
}

TEST_F(breaker_test, NeverOpensWhereItIsSwitchedOff) {
  auto b = make(0);
  for (int i = 0; i < 1'000; ++i) fail(b);
  EXPECT_EQ(b.state(now_), Breaker::CLOSED);
}

}  // namespace
}  // namespace tandem
