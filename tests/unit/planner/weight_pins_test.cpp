#include "actors/planner/weight_pins.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tandem {
namespace {

using counts = std::map<std::string, std::uint64_t>;

TEST(weight_pins, CountsJobsByVersionOfOneModel) {
  weight_pins pins;
  EXPECT_EQ(pins.count("small"), counts{});
  pins.set(1, "small", "v1");
  pins.set(2, "small", "v1");
  pins.set(3, "small", "v2");
  pins.set(1, "large", "v1");
  EXPECT_EQ(pins.count("small"), (counts{{"v1", 2}, {"v2", 1}}));
  EXPECT_EQ(pins.count("large"), (counts{{"v1", 1}}));
  EXPECT_EQ(pins.count("v1"), counts{});
}

TEST(weight_pins, SayingItAgainCountsOnceAndANewVersionTakesTheOldOnesPlace) {
  weight_pins pins;
  for (int i = 0; i < 3; ++i) pins.set(1, "small", "v1");
  EXPECT_EQ(pins.count("small"), (counts{{"v1", 1}}));
  pins.set(1, "small", "v2");
  EXPECT_EQ(pins.count("small"), (counts{{"v2", 1}}));
}

TEST(weight_pins, AForgottenJobHoldsNothing) {
  weight_pins pins;
  pins.set(1, "small", "v1");
  pins.set(1, "large", "L");
  pins.set(2, "small", "v1");
  pins.forget(1);
  pins.forget(1);
  pins.forget(9);
  EXPECT_EQ(pins.count("small"), (counts{{"v1", 1}}));
  EXPECT_EQ(pins.count("large"), counts{});
  EXPECT_EQ(pins.jobs(), 1u);
}

TEST(weight_pins, AJobHoldsSoManyModelsAtMost) {
  weight_pins pins;
  for (std::size_t i = 0; i <= weight_pins::models_max; ++i)
    pins.set(1, "model " + std::to_string(i), "v");
  EXPECT_EQ(pins.count("model 0").size(), 1u);
  EXPECT_EQ(pins.count("model " + std::to_string(weight_pins::models_max)).size(), 0u);
  pins.forget(1);
  EXPECT_EQ(pins.count("model 0"), counts{});
}

TEST(weight_pins, IsExactWhateverHappens) {
  weight_pins pins;
  std::map<std::uint64_t, std::map<std::string, std::string>> model;
  std::mt19937 random{20261127};
  auto pick = [&](unsigned below) { return random() % below; };
  for (int i = 0; i < 20'000; ++i) {
    auto job = pick(40);
    if (pick(8) == 0) {
      pins.forget(job);
      model.erase(job);
      continue;
    }
    auto name = "m" + std::to_string(pick(3));
    auto version = std::to_string(pick(5));
    pins.set(job, name, version);
    model[job][name] = version;
    counts expected;
    for (const auto& [number, own] : model)
      if (auto found = own.find(name); found != own.end()) ++expected[found->second];
    ASSERT_EQ(pins.count(name), expected) << "after " << i;
    ASSERT_EQ(pins.jobs(), model.size());
  }
}

}  // namespace
}  // namespace tandem
