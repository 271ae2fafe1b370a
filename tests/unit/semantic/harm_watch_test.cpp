#include "actors/semantic/harm_watch.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

using state = harm_watch::state;

TEST(HarmWatch, TurnsOffWhenJobsWithHitsFailMoreOftenThanOthers) {
  harm_watch watch{{}};
  for (int i = 0; i < 200; ++i) watch.outcome(false, i % 20 != 0, 0);
  for (int i = 0; i < 9; ++i) watch.outcome(true, false, 0);
  EXPECT_EQ(watch.at(0), state::on) << "nine prove nothing";
  watch.outcome(true, false, 0);
  EXPECT_EQ(watch.at(0), state::off);
  EXPECT_EQ(watch.times_off(), 1U);
  EXPECT_FALSE(watch.reason().empty());
}

TEST(HarmWatch, DoesNotBlameHitsForWhatFailsAnyway) {
  harm_watch watch{{}};
  for (int i = 0; i < 900; ++i) watch.outcome(i % 3 == 0, i % 4 != 0, 0);
  EXPECT_EQ(watch.at(0), state::on);
}

TEST(HarmWatch, TurnsOffWhenComparedHitsWereWrong) {
  harm_watch watch{{}};
  for (int i = 0; i < 30; ++i) watch.label(true, i % 10 == 0, 0);
  EXPECT_EQ(watch.at(0), state::off);
}

TEST(HarmWatch, ServesAgainOnlyAfterAPauseAndEnoughThatIsRight) {
  harm_watch watch{{.off_ms = 1'000, .probation_labels = 5}};
  for (int i = 0; i < 20; ++i) watch.outcome(true, false, 100);
  EXPECT_EQ(watch.at(1'099), state::off);
  for (int i = 0; i < 50; ++i) watch.label(false, false, 1'099);
  EXPECT_EQ(watch.at(1'100), state::probation);
  for (int i = 0; i < 4; ++i) watch.label(false, false, 1'200);
  watch.label(false, true, 1'200);
  for (int i = 0; i < 4; ++i) watch.label(false, false, 1'200);
  EXPECT_EQ(watch.at(1'200), state::probation) << "a wrong one begins the row anew";
  watch.label(false, false, 1'200);
  EXPECT_EQ(watch.at(1'200), state::on);
}

}  // namespace
}  // namespace tandem
