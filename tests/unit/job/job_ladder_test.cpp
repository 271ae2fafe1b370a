// Every rung, as a table.

#include <gtest/gtest.h>

#include "actors/job/ladder.hpp"

namespace tandem {
namespace {

planner_config config() {
  planner_config c;
  c.small_attempts_max = 2;
  c.large_attempts_max = 1;
  c.plan_attempts_max = 3;
  c.epochs_max = 2;
  return c;
}

TEST(ladder, ClimbsForAStep) {
  struct row {
    errc error;
    std::uint32_t failures;
    std::uint32_t epoch;
    rung expected;
  };
  for (const auto& [error, failures, epoch, expected] :
       std::initializer_list<row>{{errc::engine_failed, 1, 1, rung::retry},
                                  {errc::engine_failed, 2, 1, rung::large},
                                  {errc::engine_failed, 3, 1, rung::new_epoch},
                                  {errc::engine_failed, 3, 2, rung::fail},
                                  {errc::engine_failed, 1'000, 1, rung::new_epoch},
                                  {errc::invalid_output, 1, 1, rung::retry},
                                  {errc::deadline_exceeded, 2, 2, rung::large},
                                  {errc::internal, 1, 1, rung::retry},
                                  {errc::invalid_argument, 1, 1, rung::large},
                                  {errc::invalid_argument, 2, 1, rung::new_epoch},
                                  {errc::invalid_argument, 2, 2, rung::fail},
                                  {errc::overloaded, 1'000, 2, rung::wait},
                                  {errc::unavailable, 1'000, 2, rung::wait}}) {
    EXPECT_EQ(climb_step({.error = error, .failures = failures, .epoch = epoch}, config()),
              expected)
        << to_string(error) << ' ' << failures << " epoch " << epoch;
  }
}

TEST(ladder, TriesAnotherModelOfTheTierBeforeTheLargeOne) {
  auto c = config();
  c.other_models_max = 2;
  auto at = [&](std::uint32_t failures, std::uint32_t others) {
    return climb_step({.error = errc::invalid_output, .failures = failures, .other_models = others},
                      c);
  };
  EXPECT_EQ(at(1, 5), rung::retry);
  EXPECT_EQ(at(2, 5), rung::other_model);
  EXPECT_EQ(at(3, 5), rung::other_model);
  EXPECT_EQ(at(4, 5), rung::large);
  EXPECT_EQ(at(5, 5), rung::new_epoch);
  EXPECT_EQ(at(3, 1), rung::large);
  EXPECT_EQ(at(2, 0), rung::large);
}

TEST(ladder, AKindHasRungsOfItsOwn) {
  kind_config kind{.name = "calc", .small_attempts_max = 1, .large_attempts_max = 3};
  auto at = [&](std::uint32_t failures) {
    return climb_step({.error = errc::engine_failed, .failures = failures}, config(), &kind);
  };
  EXPECT_EQ(at(1), rung::large);
  EXPECT_EQ(at(3), rung::large);
  EXPECT_EQ(at(4), rung::new_epoch);
}

TEST(ladder, WhatABudgetForbidsIsNotTriedAgain) {
  EXPECT_EQ(climb_step({.error = errc::budget_exceeded, .failures = 1}, config()), rung::fail);
  EXPECT_EQ(climb_plan({.error = errc::budget_exceeded, .failures = 1}, config()), rung::fail);
  EXPECT_EQ(climb_answer({.error = errc::budget_exceeded, .failures = 1}, true, config()),
            rung::fail);
}

TEST(ladder, AnAnswerThatDoesNotFitBringsANewPlanAndABrokenCheckAnotherTry) {
  auto at = [&](errc error, std::uint32_t failures, std::uint32_t epoch) {
    return climb_verification({.error = error, .failures = failures, .epoch = epoch}, config());
  };
  EXPECT_EQ(at(errc::invalid_output, 1, 1), rung::new_epoch);
  EXPECT_EQ(at(errc::invalid_output, 1, 2), rung::fail);
  EXPECT_EQ(at(errc::engine_failed, 1, 1), rung::retry);
  EXPECT_EQ(at(errc::engine_failed, 2, 1), rung::fail);
  EXPECT_EQ(at(errc::overloaded, 9, 1), rung::wait);
}

TEST(ladder, ClimbsForAPlan) {
  struct row {
    errc error;
    std::uint32_t failures;
    std::uint32_t epoch;
    bool begun;
    rung expected;
  };
  for (const auto& [error, failures, epoch, begun, expected] :
       std::initializer_list<row>{{errc::engine_failed, 1, 1, false, rung::retry},
                                  {errc::invalid_output, 2, 1, false, rung::retry},
                                  {errc::invalid_output, 3, 1, false, rung::fail},
                                  {errc::engine_failed, 3, 1, false, rung::fail},
                                  {errc::invalid_argument, 1, 1, false, rung::retry},
                                  {errc::invalid_argument, 2, 1, false, rung::fail},
                                  {errc::engine_failed, 1, 1, true, rung::retry},
                                  {errc::engine_failed, 3, 1, true, rung::new_epoch},
                                  {errc::engine_failed, 3, 2, true, rung::fail},
                                  {errc::invalid_output, 1, 1, true, rung::new_epoch},
                                  {errc::invalid_output, 1, 2, true, rung::fail},
                                  {errc::unavailable, 99, 1, true, rung::wait},
                                  {errc::overloaded, 99, 1, false, rung::wait}}) {
    EXPECT_EQ(
        climb_plan({.error = error, .failures = failures, .epoch = epoch, .plan_begun = begun},
                   config()),
        expected)
        << to_string(error) << ' ' << failures << " epoch " << epoch << " begun " << begun;
  }
}

TEST(ladder, ClimbsForAnAnswer) {
  auto at = [](errc error, std::uint32_t failures, bool composed) {
    return climb_answer({.error = error, .failures = failures}, composed, config());
  };
  EXPECT_EQ(at(errc::engine_failed, 1, true), rung::retry);
  EXPECT_EQ(at(errc::engine_failed, 2, true), rung::large);
  EXPECT_EQ(at(errc::engine_failed, 3, true), rung::fail);
  EXPECT_EQ(at(errc::engine_failed, 1, false), rung::retry);
  EXPECT_EQ(at(errc::engine_failed, 2, false), rung::fail);
  EXPECT_EQ(at(errc::invalid_argument, 1, true), rung::retry);
  EXPECT_EQ(at(errc::invalid_argument, 2, true), rung::large);
  EXPECT_EQ(at(errc::invalid_argument, 1, false), rung::retry);
  EXPECT_EQ(at(errc::invalid_argument, 2, false), rung::fail);
  EXPECT_EQ(at(errc::overloaded, 9, false), rung::wait);
}

TEST(ladder, AlwaysEndsWhateverTheLimits) {
  for (std::uint32_t small : {0u, 1u, 3u})
    for (std::uint32_t large : {0u, 1u, 2u})
      for (std::uint32_t epochs : {0u, 1u, 3u}) {
        auto c = config();
        c.small_attempts_max = small;
        c.large_attempts_max = large;
        c.epochs_max = epochs;
        climb at{.error = errc::engine_failed, .failures = 1, .epoch = 1};
        std::uint32_t tries = 0;
        for (rung next; (next = climb_step(at, c)) != rung::fail; ++tries) {
          ASSERT_LT(tries, 100u);
          if (next == rung::new_epoch) {
            ++at.epoch;
            at.failures = 0;
          }
          ++at.failures;
        }
        EXPECT_LE(tries, (small + large + 1) * std::max(epochs, 1u));
      }
}

TEST(ladder, NamesItsRungs) {
  EXPECT_EQ(to_string(rung::retry), "retry");
  EXPECT_EQ(to_string(rung::large), "large");
  EXPECT_EQ(to_string(rung::new_epoch), "new plan");
  EXPECT_EQ(to_string(rung::fail), "fail");
  EXPECT_EQ(to_string(rung::wait), "wait");
}

}  // namespace
}  // namespace tandem
