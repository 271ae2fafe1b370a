#include "actors/supervisor/restart_policy.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

using namespace std::chrono_literals;
using what = restart_decision::what;

class RestartPolicy : public ::testing::Test {
 protected:
  restart_policy make(restart_rule rule) const { return restart_policy{config_, rule}; }
  [[nodiscard]] static restart_decision again(std::chrono::milliseconds pause) {
    return {what::restart, pause};
  }

  supervisor_config config_{
      .restarts_max = 3, .restart_period = 10s, .backoff = 50ms, .backoff_max = 150ms};
  restart_policy::time_point now_{};
};

TEST_F(RestartPolicy, APermanentChildIsStartedAgainHoweverItEnded) {
  auto policy = make(restart_rule::permanent);
  EXPECT_EQ(policy.on_end(child_end::normal, now_), again(50ms));
  EXPECT_EQ(policy.on_end(child_end::failed, now_), again(100ms));
  EXPECT_EQ(policy.total(), 2u);
}

TEST_F(RestartPolicy, ATransientChildIsStartedAgainAfterAFailureAlone) {
  auto policy = make(restart_rule::transient);
  EXPECT_EQ(policy.on_end(child_end::failed, now_), again(50ms));
  EXPECT_EQ(policy.on_end(child_end::normal, now_), restart_decision{what::leave});
  EXPECT_EQ(policy.total(), 1u);
}

TEST_F(RestartPolicy, ATemporaryChildIsNeverStartedAgainAndEndsNobody) {
  auto policy = make(restart_rule::temporary);
  for (auto how : {child_end::normal, child_end::failed, child_end::hopeless})
    EXPECT_EQ(policy.on_end(how, now_), restart_decision{what::leave});
  EXPECT_EQ(policy.total(), 0u);
}

TEST_F(RestartPolicy, ThePauseDoublesUpToItsMaximum) {
  config_.restarts_max = 10;
  auto policy = make(restart_rule::permanent);
  for (auto pause : {50ms, 100ms, 150ms, 150ms})
    EXPECT_EQ(policy.on_end(child_end::failed, now_), again(pause));
}

TEST_F(RestartPolicy, TooManyRestartsWithinThePeriodEscalate) {
  for (auto rule : {restart_rule::permanent, restart_rule::transient}) {
    auto policy = make(rule);
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(policy.on_end(child_end::failed, now_).then, what::restart);
    EXPECT_EQ(policy.on_end(child_end::failed, now_ + 10s).then, what::escalate);
  }
}

TEST_F(RestartPolicy, RestartsOfBeforeThePeriodDoNotCount) {
  auto policy = make(restart_rule::permanent);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(policy.on_end(child_end::failed, now_), again(50ms));
    now_ += 10s + 1ms;
  }
  EXPECT_EQ(policy.total(), 100u);
}

TEST_F(RestartPolicy, WhatIsHopelessEscalatesAtOnce) {
  for (auto rule : {restart_rule::permanent, restart_rule::transient})
    EXPECT_EQ(make(rule).on_end(child_end::hopeless, now_), restart_decision{what::escalate});
}

TEST_F(RestartPolicy, NoRestartsAllowedMeansTheFirstFailureEscalates) {
  config_.restarts_max = 0;
  EXPECT_EQ(make(restart_rule::permanent).on_end(child_end::failed, now_),
            restart_decision{what::escalate});
}

}  // namespace
}  // namespace tandem
