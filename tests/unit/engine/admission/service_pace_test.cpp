#include "actors/engine/admission/service_pace.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

using namespace std::chrono_literals;

TEST(service_pace, SaysNothingBeforeItHasMeasured) {
  service_pace pace;
  EXPECT_EQ(pace.wait_behind(100, 4), 0ms);
}

TEST(service_pace, IsTheQueueDividedByTheRate) {
  service_pace pace;
  for (int i = 0; i < 5; ++i) pace.on_done(2s);
  EXPECT_EQ(pace.wait_behind(0, 1), 2s);
  EXPECT_EQ(pace.wait_behind(7, 4), 4s);
  for (int i = 0; i < 100; ++i) pace.on_done(1s);
  EXPECT_NEAR(static_cast<double>(pace.wait_behind(7, 4).count()), 2000, 10);
}

TEST(service_pace, IsBoundedWhateverComes) {
  service_pace pace;
  pace.on_done(-5s);
  EXPECT_EQ(pace.wait_behind(0, 1), 0ms);
  pace.on_done(24h);
  EXPECT_EQ(pace.wait_behind(SIZE_MAX - 1, 1), 24h);
  EXPECT_EQ(pace.wait_behind(1, 0), 0ms);
}

}  // namespace
}  // namespace tandem
