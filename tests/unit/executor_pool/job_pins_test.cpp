#include "actors/executor_pool/job_pins.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

constexpr job_pins::job job_one{7, 1};
constexpr job_pins::job job_two{7, 2};
constexpr job_pins::job elsewhere{8, 1};

TEST(job_pins, AJobHasTheVersionOfItsFirstAttemptWhileAnyOfItIsHere) {
  job_pins pins;
  for (int i = 0; i < 3; ++i) pins.enter(job_one);
  EXPECT_EQ(pins.find(job_one, "small"), "");
  pins.hold(job_one, "small", "v1");
  pins.hold(job_one, "small", "v1");
  pins.release(job_one, "small", true);
  pins.leave(job_one);
  EXPECT_EQ(pins.find(job_one, "small"), "v1");
  pins.release(job_one, "small", true);
  pins.leave(job_one);
  EXPECT_EQ(pins.find(job_one, "small"), "v1")
      << "one that was sent before the results still waits";
  pins.leave(job_one);
  EXPECT_EQ(pins.find(job_one, "small"), "");
  EXPECT_EQ(pins.jobs(), 0u);
}

TEST(job_pins, NothingIsLeftOfAttemptsThatTheirEnginesRefused) {
  job_pins pins;
  pins.enter(job_one);
  pins.enter(job_one);
  pins.hold(job_one, "small", "v1");
  pins.hold(job_one, "small", "v1");
  pins.release(job_one, "small", false);
  EXPECT_EQ(pins.find(job_one, "small"), "v1") << "the other has it";
  pins.release(job_one, "small", false);
  EXPECT_EQ(pins.find(job_one, "small"), "");
  pins.hold(job_one, "small", "v2");
  EXPECT_EQ(pins.find(job_one, "small"), "v2");
}

TEST(job_pins, JobsAndModelsDoNotKnowOfEachOther) {
  job_pins pins;
  for (const auto& job : {job_one, job_two}) pins.enter(job);
  pins.hold(job_one, "small", "v1");
  pins.hold(job_two, "small", "v2");
  pins.hold(job_one, "large", "L");
  EXPECT_EQ(pins.find(elsewhere, "small"), "") << "the same number of another journal";
  EXPECT_EQ(pins.of(job_one).size(), 2u);
  pins.release(job_one, "small", false);
  EXPECT_EQ(pins.find(job_one, "large"), "L");
  pins.leave(job_one);
  EXPECT_EQ(pins.find(job_two, "small"), "v2");
}

TEST(job_pins, IsAsLargeAsWhatIsHere) {
  job_pins pins;
  for (std::uint64_t number = 0; number < 1'000; ++number) {
    pins.enter({1, number});
    for (const auto* model : {"a", "b", "c"}) pins.hold({1, number}, model, "v");
  }
  EXPECT_EQ(pins.jobs(), 1'000u);
  for (std::uint64_t number = 0; number < 1'000; ++number) {
    for (const auto* model : {"b", "c", "a"}) pins.release({1, number}, model, number % 2 == 0);
    pins.leave({1, number});
  }
  EXPECT_EQ(pins.jobs(), 0u);
  pins.release(job_one, "a", true);
  pins.leave(job_one);
  pins.hold(job_one, "a", "v");
  EXPECT_EQ(pins.jobs(), 0u) << "what is not here is left alone";
}

TEST(job_pins, AnAttemptThatUsesAnotherVersionTakesItsJobAlong) {
  job_pins pins;
  pins.enter(job_one);
  pins.hold(job_one, "small", "v1");
  pins.release(job_one, "small", true);
  pins.hold(job_one, "small", "v2");
  EXPECT_EQ(pins.find(job_one, "small"), "v2");
}

}  // namespace
}  // namespace tandem
