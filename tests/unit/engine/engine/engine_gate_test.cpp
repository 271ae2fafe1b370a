#include "actors/engine/engine_gate.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

using namespace std::chrono_literals;
using schema::Health;

class engine_gate_test : public ::testing::Test {
 protected:
  engine_gate_test()
      : gate_{"tiny-1", {.failures = 2, .pause = 1000ms, .pause_max = 4000ms}}, now_{base} {}

  errc admit() {
    seen_ = gate_.admit(now_);
    if (seen_.code == errc::unknown) trial_ = seen_.trial;
    return seen_.code;
  }
  void end(errc code, std::chrono::milliseconds retry_after = 0ms,
           const std::string& error = "because") {
    gate_.on_result(code, error, retry_after, now_, trial_);
  }
  void call(errc code, std::chrono::milliseconds retry_after = 0ms) {
    ASSERT_EQ(admit(), errc::unknown) << seen_.why;
    end(code, retry_after);
  }
  [[nodiscard]] Health health() const { return gate_.health(now_); }
  [[nodiscard]] bool says(const std::string& words) const {
    return seen_.why.find(words) != std::string::npos;
  }

  static constexpr engine_gate::clock::time_point base{std::chrono::hours{1}};
  engine_gate gate_;
  engine_gate::clock::time_point now_;
  engine_gate::verdict seen_;
  std::uint64_t trial_ = 0;
};

TEST_F(engine_gate_test, LetsEverythingThroughWhenNothingIsKnown) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(admit(), errc::unknown);
  EXPECT_EQ(health(), Health::HEALTHY);
  EXPECT_EQ(gate_.reason(now_), "");
  EXPECT_FALSE(gate_.next_change(now_));
  EXPECT_EQ(gate_.refusals(), 0u);
}

TEST_F(engine_gate_test, WhileItIsWarmedOnlyWhatWarmsItGetsIn) {
  gate_.warm(true);
  EXPECT_EQ(health(), Health::STARTING);
  EXPECT_EQ(admit(), errc::unavailable);
  EXPECT_TRUE(says("being warmed")) << seen_.why;
  EXPECT_EQ(gate_.look_warm(now_).code, errc::unknown);
  gate_.on_health(Health::UNHEALTHY, "it does not answer");
  EXPECT_EQ(gate_.look_warm(now_).code, errc::unavailable);
  EXPECT_EQ(health(), Health::UNHEALTHY);
  gate_.on_health(Health::HEALTHY, "");
  gate_.warm(false);
  EXPECT_EQ(admit(), errc::unknown);
}

TEST_F(engine_gate_test, AServerThatAsksToWaitIsLeftAloneForThatLong) {
  call(errc::overloaded, 700ms);
  EXPECT_EQ(health(), Health::BUSY);
  EXPECT_EQ(admit(), errc::overloaded);
  EXPECT_TRUE(says("engine 'tiny-1'") && says("because")) << seen_.why;
  EXPECT_EQ(seen_.retry_after, 700ms);
  EXPECT_EQ(gate_.next_change(now_), now_ + 700ms);
  now_ += 699ms;
  EXPECT_EQ(admit(), errc::overloaded);
  EXPECT_EQ(seen_.retry_after, 1ms);
  now_ += 1ms;
  EXPECT_EQ(admit(), errc::unknown);
  EXPECT_EQ(health(), Health::HEALTHY);
}

TEST_F(engine_gate_test, NoServerIsLeftAloneForLongerThanAMinute) {
  call(errc::unavailable, 24h);
  EXPECT_EQ(gate_.busy_until(), now_ + 1min);
}

TEST_F(engine_gate_test, WithoutAnyWordOfItThePauseDoublesWhileTheServerStaysBusy) {
  for (auto pause : {100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 6400ms}) {
    call(errc::overloaded);
    EXPECT_EQ(gate_.busy_until(), now_ + pause);
    now_ += pause;
  }
  call(errc::unknown);
  call(errc::overloaded);
  EXPECT_EQ(gate_.busy_until(), now_ + 100ms) << "an answer makes it small again";
}

TEST_F(engine_gate_test, RefusalsOfOneBurstCountAsOne) {
  for (int i = 0; i < 8; ++i) EXPECT_EQ(admit(), errc::unknown);
  for (int i = 0; i < 8; ++i) end(errc::overloaded);
  EXPECT_EQ(gate_.busy_until(), now_ + 100ms);
}

TEST_F(engine_gate_test, ARefusalWithoutATimeDoesNotShortenAWaitThatTheServerAskedFor) {
  EXPECT_EQ(admit(), errc::unknown);
  EXPECT_EQ(admit(), errc::unknown);
  end(errc::overloaded, 5000ms);
  end(errc::overloaded);
  EXPECT_EQ(gate_.busy_until(), now_ + 5000ms);
}

TEST_F(engine_gate_test, BackPressureAndWrongRequestsOpenNoBreaker) {
  for (int i = 0; i < 50; ++i) {
    call(errc::overloaded, 10ms);
    now_ += 10ms;
    call(errc::invalid_argument);
    call(errc::invalid_output);
  }
  EXPECT_EQ(gate_.breaker().state(now_), schema::Breaker::CLOSED);
}

TEST_F(engine_gate_test, FailuresStallsAndDefectsOpenTheBreaker) {
  for (auto code : {errc::engine_failed, errc::deadline_exceeded, errc::internal}) {
    engine_gate gate{"e", {.failures = 2, .pause = 1000ms, .pause_max = 4000ms}};
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(gate.admit(now_).code, errc::unknown);
      gate.on_result(code, "cut", 0ms, now_, 0);
    }
    auto seen = gate.admit(now_);
    EXPECT_EQ(seen.code, errc::unavailable) << to_string(code);
    EXPECT_NE(seen.why.find("failed too often: cut"), std::string::npos) << seen.why;
    EXPECT_EQ(seen.retry_after, 1000ms);
    EXPECT_EQ(gate.health(now_), Health::UNHEALTHY);
    EXPECT_EQ(gate.next_change(now_), now_ + 1000ms);
  }
}

TEST_F(engine_gate_test, CancelledRequestsAreNoFailures) {
  for (int i = 0; i < 20; ++i) call(errc::cancelled);
  EXPECT_EQ(health(), Health::HEALTHY);
}

TEST_F(engine_gate_test, OneTrialAtATimeAfterThePause) {
  call(errc::engine_failed);
  call(errc::engine_failed);
  now_ += 1000ms;
  EXPECT_EQ(health(), Health::HEALTHY);
  EXPECT_NE(gate_.reason(now_).find("one request at a time"), std::string::npos);
  EXPECT_EQ(admit(), errc::unknown);
  EXPECT_EQ(admit(), errc::unavailable);
  EXPECT_TRUE(says("tried again")) << seen_.why;
  end(errc::engine_failed);
  EXPECT_EQ(health(), Health::UNHEALTHY);
  EXPECT_EQ(gate_.next_change(now_), now_ + 2000ms);
  now_ += 2000ms;
  call(errc::unknown);
  EXPECT_EQ(admit(), errc::unknown);
  EXPECT_EQ(admit(), errc::unknown);
}

TEST_F(engine_gate_test, ALookDoesNotTakeTheTrialsPlace) {
  call(errc::engine_failed);
  call(errc::engine_failed);
  now_ += 1000ms;
  EXPECT_EQ(gate_.look(now_).code, errc::unknown);
  EXPECT_EQ(gate_.look(now_).code, errc::unknown);
  EXPECT_EQ(admit(), errc::unknown);
}

TEST_F(engine_gate_test, WhatTheProbesSayComesFirst) {
  gate_.on_health(Health::STARTING, "it loads its weights");
  EXPECT_EQ(admit(), errc::unavailable);
  EXPECT_TRUE(says("is starting: it loads its weights")) << seen_.why;
  EXPECT_EQ(health(), Health::STARTING);
  gate_.on_health(Health::UNHEALTHY, "connection refused");
  EXPECT_EQ(admit(), errc::unavailable);
  EXPECT_TRUE(says("is not healthy: connection refused")) << seen_.why;
  gate_.on_health(Health::HEALTHY, "");
  EXPECT_EQ(admit(), errc::unknown);
  EXPECT_EQ(gate_.refusals(), 2u);
}

TEST_F(engine_gate_test, NotesEachChangeOnceWithItsReasonAndKeepsTheLatest) {
  EXPECT_TRUE(gate_.note(now_, 1));
  EXPECT_FALSE(gate_.note(now_, 2));
  call(errc::overloaded, 500ms);
  EXPECT_TRUE(gate_.note(now_, 3));
  EXPECT_FALSE(gate_.note(now_, 4));
  ASSERT_EQ(gate_.changes().size(), 2u);
  EXPECT_EQ(gate_.changes()[1].health, Health::BUSY);
  EXPECT_EQ(gate_.changes()[1].at_ms, 3u);
  EXPECT_NE(gate_.changes()[1].reason.find("because"), std::string::npos);
  for (std::uint64_t i = 0; i < 100; ++i) {
    gate_.on_health(i % 2 == 0 ? Health::UNHEALTHY : Health::STARTING, "");
    EXPECT_TRUE(gate_.note(now_, 10 + i));
  }
  EXPECT_EQ(gate_.changes().size(), engine_gate::changes_max);
  EXPECT_EQ(gate_.changes().back().at_ms, 109u);
}

TEST_F(engine_gate_test, TheEarlierOfTwoPausesIsTheNextChange) {
  call(errc::engine_failed);
  EXPECT_EQ(admit(), errc::unknown);
  EXPECT_EQ(admit(), errc::unknown);
  end(errc::engine_failed);
  EXPECT_EQ(gate_.next_change(now_), now_ + 1000ms);
  end(errc::overloaded, 300ms);
  EXPECT_EQ(gate_.next_change(now_), now_ + 300ms);
}

TEST_F(engine_gate_test, ADrainingEngineTakesNothingAndSaysSo) {
  call(errc::unknown);
  gate_.drain(true);
  EXPECT_EQ(health(), Health::DRAINING);
  EXPECT_EQ(admit(), errc::unavailable);
  EXPECT_TRUE(says("is being drained")) << seen_.why;
  EXPECT_EQ(gate_.reason(now_), seen_.why);
  gate_.drain(false);
  EXPECT_EQ(health(), Health::HEALTHY);
  EXPECT_EQ(admit(), errc::unknown);
}

TEST_F(engine_gate_test, DrainingIsShownWhateverElseIsWrong) {
  gate_.on_health(Health::UNHEALTHY, "no answer");
  gate_.drain(true);
  EXPECT_EQ(health(), Health::DRAINING);
  gate_.drain(false);
  EXPECT_EQ(health(), Health::UNHEALTHY);
}

TEST_F(engine_gate_test, WhileItsWeightsChangeNothingOrOnlyWhatHoldsThemPasses) {
  using admission = weight_change::admission;
  gate_.on_weights(admission::held, "held: v2 comes");
  EXPECT_EQ(health(), Health::UPDATING);
  EXPECT_EQ(admit(), errc::unavailable);
  EXPECT_TRUE(says("held: v2 comes")) << seen_.why;
  EXPECT_EQ(gate_.admit(now_, true).code, errc::unknown);
  gate_.on_weights(admission::closed, "loading");
  EXPECT_EQ(gate_.admit(now_, true).code, errc::unavailable);
  gate_.on_weights(admission::open, "");
  EXPECT_EQ(admit(), errc::unknown);
}

TEST_F(engine_gate_test, ADrainByHandIsSaidBeforeAChangeOfWeightsAndThatBeforeProbes) {
  gate_.on_health(Health::STARTING, "loads");
  gate_.on_weights(weight_change::admission::closed, "loading");
  EXPECT_EQ(health(), Health::UPDATING);
  gate_.drain(true);
  EXPECT_EQ(health(), Health::DRAINING);
  EXPECT_EQ(admit(), errc::unavailable);
  EXPECT_TRUE(says("drained")) << seen_.why;
}

TEST_F(engine_gate_test, OfAChangeOfWeightsTheLatestReasonIsKept) {
  for (auto reason : {"draining", "loading", "flushing"}) {
    gate_.on_weights(weight_change::admission::closed, reason);
    EXPECT_TRUE(gate_.note(now_, 1));
    EXPECT_FALSE(gate_.note(now_, 1));
  }
  ASSERT_EQ(gate_.changes().size(), 1u);
  EXPECT_EQ(gate_.changes().back().reason, "flushing");
}

}  // namespace
}  // namespace tandem
