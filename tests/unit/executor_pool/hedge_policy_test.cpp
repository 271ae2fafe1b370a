#include "actors/executor_pool/hedge_policy.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

using namespace std::chrono_literals;
using schema::Purpose;

void learn(hedge_policy& policy, std::size_t count, hedge_policy::duration took,
           std::string_view model = "m", Purpose purpose = Purpose::STEP) {
  for (std::size_t i = 0; i < count; ++i) policy.on_done(model, purpose, took);
}

TEST(hedge_policy, SaysNothingBeforeItKnowsEnough) {
  hedge_policy policy;
  EXPECT_FALSE(policy.delay("m", Purpose::STEP));
  learn(policy, hedge_policy::samples_min - 1, 300ms);
  EXPECT_FALSE(policy.delay("m", Purpose::STEP));
  learn(policy, 1, 300ms);
  EXPECT_EQ(policy.delay("m", Purpose::STEP), hedge_policy::duration{300ms});
}

TEST(hedge_policy, WaitsForTheQuantileOfTheLatestTimes) {
  hedge_policy policy{{.share = 0.1, .quantile = 0.9, .delay_min = 0ms}};
  for (int i = 1; i <= 100; ++i) policy.on_done("m", Purpose::STEP, i * 1ms);
  EXPECT_EQ(policy.delay("m", Purpose::STEP), hedge_policy::duration{91ms});
}

TEST(hedge_policy, ForgetsWhatIsLongAgo) {
  hedge_policy policy{{.delay_min = 0ms}};
  learn(policy, hedge_policy::window, 10s);
  EXPECT_EQ(policy.delay("m", Purpose::STEP), hedge_policy::duration{10s});
  learn(policy, hedge_policy::window, 20ms);
  EXPECT_EQ(policy.delay("m", Purpose::STEP), hedge_policy::duration{20ms});
}

TEST(hedge_policy, NeverCallsAnythingSlowBeforeTheLeastDelay) {
  hedge_policy policy{{.delay_min = 100ms}};
  learn(policy, 50, 3ms);
  EXPECT_EQ(policy.delay("m", Purpose::STEP), hedge_policy::duration{100ms});
}

TEST(hedge_policy, TellsModelsAndPurposesApart) {
  hedge_policy policy{{.delay_min = 0ms}};
  learn(policy, 20, 500ms, "m", Purpose::STEP);
  learn(policy, 20, 50ms, "n", Purpose::STEP);
  learn(policy, 20, 5s, "m", Purpose::COMPOSE);
  EXPECT_EQ(policy.delay("m", Purpose::STEP), hedge_policy::duration{500ms});
  EXPECT_EQ(policy.delay("n", Purpose::STEP), hedge_policy::duration{50ms});
  EXPECT_EQ(policy.delay("m", Purpose::COMPOSE), hedge_policy::duration{5s});
  EXPECT_FALSE(policy.delay("n", Purpose::COMPOSE));
}

TEST(hedge_policy, CopiesAreAShareOfTheAttempts) {
  hedge_policy policy{{.share = 0.25}};
  int copies = 0;
  for (int i = 0; i < 1'000; ++i) {
    policy.on_attempt();
    if (policy.take()) ++copies;
  }
  EXPECT_EQ(copies, 250);
}

TEST(hedge_policy, QuietTimesSaveUpABoundedNumberOfCopies) {
  hedge_policy policy{{.share = 0.5}};
  for (int i = 0; i < 100'000; ++i) policy.on_attempt();
  int copies = 0;
  while (copies < 1'000 && policy.take()) ++copies;
  EXPECT_EQ(copies, 16);
}

TEST(hedge_policy, IsSwitchedOffByAShareOfNothing) {
  hedge_policy policy{{.share = 0}};
  learn(policy, 100, 500ms);
  for (int i = 0; i < 100; ++i) policy.on_attempt();
  EXPECT_FALSE(policy.delay("m", Purpose::STEP));
  EXPECT_FALSE(policy.take());
}

TEST(hedge_policy, KnowsABoundedNumberOfModels) {
  hedge_policy policy{{.delay_min = 0ms}};
  for (std::size_t i = 0; i < hedge_policy::keys_max; ++i)
    policy.on_done(std::to_string(i), Purpose::STEP, 1ms);
  learn(policy, 100, 1ms, "one too many");
  EXPECT_FALSE(policy.delay("one too many", Purpose::STEP));
  learn(policy, 100, 1ms, "0");
  EXPECT_TRUE(policy.delay("0", Purpose::STEP));
}

TEST(hedge_policy, TakesAbsurdTimes) {
  hedge_policy policy{{.delay_min = 0ms}};
  learn(policy, 20, -5s);
  EXPECT_EQ(policy.delay("m", Purpose::STEP), hedge_policy::duration{0});
  learn(policy, hedge_policy::window, hedge_policy::duration::max());
  EXPECT_EQ(policy.delay("m", Purpose::STEP), hedge_policy::duration{UINT32_MAX});
}

}  // namespace
}  // namespace tandem
