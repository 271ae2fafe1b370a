#include <gtest/gtest.h>

#include "tests/unit/replication/replication_model.hpp"

namespace tandem::test {
namespace {

struct sums {
  std::size_t acknowledged = 0;
  std::size_t takeovers = 0;
  std::size_t removals = 0;
};

void run_seeds(std::uint64_t first, int count, replication_model::faults with, sums& sum) {
  for (auto seed = first; seed < first + static_cast<std::uint64_t>(count); ++seed) {
    replication_model model(seed, with);
    model.run(6000);
    ASSERT_EQ(model.broken(), "") << "seed " << seed;
    model.heal();
    ASSERT_EQ(model.broken(), "") << "seed " << seed << ", healed";
    sum.acknowledged += model.acknowledged();
    sum.takeovers += model.takeovers();
    sum.removals += model.removals();
  }
}

TEST(ReplicationSimulation, NothingAcknowledgedIsLostAndItGoesOnAfterwards) {
  sums sum;
  run_seeds(1, 40, {}, sum);
  EXPECT_GT(sum.takeovers, 300u);
  EXPECT_GT(sum.removals, 50u);
  EXPECT_GT(sum.acknowledged, 5'000u);
}

TEST(ReplicationSimulation, NeitherIsItWithTwoCopiesAtLeast) {
  sums sum;
  run_seeds(1000, 40, {.min_in_sync = 2}, sum);
  EXPECT_GT(sum.takeovers, 300u);
}

TEST(ReplicationSimulation, NeitherIsItInABadNetworkWithARegisterThatHardlyAnswers) {
  sums sum;
  run_seeds(2000, 40, {.message_loss_percent = 50, .crash_percent = 5, .register_loss_percent = 60},
            sum);
  EXPECT_GT(sum.takeovers, 100u);
}

}  // namespace
}  // namespace tandem::test
