// When there is to be one server more for an engine, or one fewer.

#include <gtest/gtest.h>

#include "actors/engine/managed/scale_rule.hpp"

namespace tandem::test {
namespace {

using namespace std::chrono_literals;

class ScaleRule : public ::testing::Test {
 protected:
  /// Half a second later, with what has ended since in `facts_`.
  scale_step look() {
    now_ += 500ms;
    return rule_.look(facts_, now_);
  }
  /// How often it says so within that time.
  int count(scale_step step, std::chrono::milliseconds time) {
    int times = 0;
    for (auto end = now_ + time; now_ < end;) times += look() == step ? 1 : 0;
    return times;
  }
  void end_calls(std::uint64_t calls, std::chrono::milliseconds each) {
    facts_.finished += calls;
    facts_.busy += calls * each;
  }

  scale_rule rule_{{.max = 3, .queue_delay = 500ms, .grow_after = 2s, .shrink_after = 60s}};
  scale_facts facts_{.serving = 1, .places = 4};
  scale_rule::time_point now_{1h};
};

TEST_F(ScaleRule, GrowsWhereCallsWouldWaitTooLongAndKeepDoingSo) {
  end_calls(10, 1000ms);
  facts_.running = 4;
  facts_.queued = 4;
  EXPECT_EQ(look(), scale_step::stay) << "a moment";
  EXPECT_EQ(rule_.delay(), 1000ms) << "four, a second each, four at once";
  facts_.queued = 1;
  EXPECT_EQ(look(), scale_step::stay) << "250 ms are borne";
  facts_.queued = 4;
  EXPECT_EQ(count(scale_step::grow, 2s), 0) << "and it is not two seconds yet";
  EXPECT_EQ(look(), scale_step::grow);
}

TEST_F(ScaleRule, ALongQueueOfShortCallsIsNoReason) {
  end_calls(1000, 5ms);
  facts_.running = 4;
  facts_.queued = 100;
  EXPECT_EQ(count(scale_step::grow, 30s), 0);
}

TEST_F(ScaleRule, WhereNothingHasEndedTheyWaitAsLongAsTheyHave) {
  facts_.running = 4;
  facts_.queued = 1;
  EXPECT_EQ(count(scale_step::grow, 2s), 0);
  EXPECT_EQ(count(scale_step::grow, 2s), 1);
}

TEST_F(ScaleRule, OneThatStartsIsWaitedForUnlessThatIsNotEnough) {
  end_calls(10, 1000ms);
  facts_.running = 4;
  facts_.queued = 4;
  ASSERT_EQ(count(scale_step::grow, 3s), 1);
  facts_.starting = 1;
  EXPECT_EQ(count(scale_step::grow, 30s), 0) << "1 s for two";
  facts_.queued = 40;
  EXPECT_EQ(count(scale_step::grow, 3s), 1) << "10 s are too much for two, too";
  facts_.starting = 2;
  EXPECT_EQ(count(scale_step::grow, 60s), 0) << "there are three";
}

TEST_F(ScaleRule, DoesNotGrowBecauseNothingServes) {
  facts_.serving = 0;
  facts_.places = 0;
  facts_.queued = 100;
  EXPECT_EQ(count(scale_step::grow, 30s), 0);
}

TEST_F(ScaleRule, DoesNotGrowWhereOneHasPlacesToSpare) {
  facts_ = {.serving = 2, .idle = 1, .places = 8, .running = 4, .queued = 50};
  EXPECT_EQ(count(scale_step::grow, 30s), 0) << "what waits at one is the other's soon";
}

TEST_F(ScaleRule, ShrinksWhenThoseLeftWouldHaveBeenEnoughForLong) {
  facts_ = {.serving = 3, .places = 12, .running = 5};
  EXPECT_EQ(count(scale_step::shrink, 60s), 0);
  EXPECT_EQ(count(scale_step::shrink, 1s), 1) << "5.6 of 8 places are the most";
  facts_.running = 6;
  EXPECT_EQ(count(scale_step::shrink, 300s), 0);
  facts_ = {.serving = 1, .places = 4};
  EXPECT_EQ(count(scale_step::shrink, 200s), 0) << "the last one stays";
}

TEST_F(ScaleRule, IsNotMisledByAMomentOfWork) {
  facts_ = {.serving = 2, .places = 2};
  auto times = 0;
  for (int i = 0; i < 130; ++i) {
    facts_.running = i % 4 == 0 ? 2 : 0;
    times += look() == scale_step::shrink ? 1 : 0;
  }
  EXPECT_EQ(times, 1) << "half a place in the mean";
}

TEST_F(ScaleRule, WhatWasGivenUpIsStopped) {
  facts_ = {.serving = 1, .failed = 1, .places = 4, .running = 4, .queued = 50};
  EXPECT_EQ(look(), scale_step::shrink);
}

}  // namespace
}  // namespace tandem::test
