#include "actors/engine/admission/fair_line.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "schema/message.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using outcome = fair_line<int>::outcome;

fence_key key(std::uint32_t attempt, std::uint64_t job = 1) {
  message_builder<schema::Fence> fence;
  fence->initJob().setJournal(9);
  fence->getJob().setNumber(job);
  fence->setAttempt(attempt);
  auto finished = fence.finish();
  return fence_key{*finished.read()};
}

/// Numbers attempts by itself where no fence is given.
class Line : public ::testing::Test {
 protected:
  outcome push(int value, std::int8_t priority = 0, std::string_view tenant = {},
               std::uint64_t tokens = 1) {
    return line.push({.priority = priority,
                      .tenant = tenant,
                      .fence = key(static_cast<std::uint32_t>(value)),
                      .tokens = tokens},
                     int{value});
  }
  std::vector<int> rest() {
    std::vector<int> all;
    while (auto next = line.pop()) all.push_back(*next);
    return all;
  }

  fair_line<int> line{1000};
};

TEST_F(Line, HigherPriorityFirstThenFirstComeFirstServed) {
  EXPECT_EQ(push(3), outcome::waits);
  EXPECT_EQ(push(5, -100), outcome::waits);
  EXPECT_EQ(push(2, 100), outcome::waits);
  EXPECT_EQ(push(4), outcome::waits);
  EXPECT_EQ(push(6, -128), outcome::waits);
  EXPECT_EQ(push(1, 127), outcome::waits);
  EXPECT_EQ(rest(), (std::vector<int>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(line.pop(), std::nullopt);
}

TEST_F(Line, RefusesMoreThanItsBound) {
  line = fair_line<int>{2};
  EXPECT_EQ(push(1), outcome::waits);
  EXPECT_EQ(push(2), outcome::waits);
  EXPECT_EQ(push(3, 100), outcome::full) << "whatever the priority";
  EXPECT_EQ(line.size(), 2u);
  EXPECT_EQ(line.pop(), 1);
  EXPECT_EQ(push(3), outcome::waits);
  line = fair_line<int>{};
  EXPECT_EQ(push(1), outcome::full);
  EXPECT_TRUE(line.empty());
}

TEST_F(Line, RefusesAnAttemptThatWaitsAlready) {
  EXPECT_EQ(push(1), outcome::waits);
  EXPECT_EQ(push(1, 5), outcome::twice);
  EXPECT_EQ(line.push({.fence = key(1, 2)}, 3), outcome::waits)
      << "another job's attempt of the same number";
  EXPECT_EQ(line.size(), 2u);
  EXPECT_EQ(line.pop(), 1);
  EXPECT_EQ(push(1), outcome::waits) << "it left";
}

TEST_F(Line, TakesAnAttemptOutOfTheMiddle) {
  for (int i = 1; i <= 4; ++i) EXPECT_EQ(push(i), outcome::waits);
  EXPECT_EQ(line.take(key(2)), 2);
  EXPECT_EQ(line.take(key(2)), std::nullopt);
  EXPECT_EQ(line.take(key(9)), std::nullopt);
  EXPECT_EQ(line.size(), 3u);
  EXPECT_EQ(rest(), (std::vector<int>{1, 3, 4}));
  EXPECT_TRUE(line.empty());
}

TEST_F(Line, HoldsWhatCanOnlyBeMovedAndGivesBackWhatItRefuses) {
  fair_line<std::unique_ptr<int>> moved{1};
  EXPECT_EQ(moved.push({.fence = key(1)}, std::make_unique<int>(7)),
            fair_line<std::unique_ptr<int>>::outcome::waits);
  auto second = std::make_unique<int>(8);
  EXPECT_EQ(moved.push({.fence = key(2)}, std::move(second)),
            fair_line<std::unique_ptr<int>>::outcome::full);
  ASSERT_TRUE(second);
  auto value = moved.pop();
  ASSERT_TRUE(value);
  EXPECT_EQ(**value, 7);
}

TEST_F(Line, OneTenantCannotFillIt) {
  line = fair_line<int>{100};
  for (int i = 0; i < 75; ++i) EXPECT_EQ(push(i, 0, "greedy"), outcome::waits);
  EXPECT_EQ(push(75, 0, "greedy"), outcome::tenant_full);
  EXPECT_EQ(push(75, 100, "greedy"), outcome::tenant_full) << "of all priorities together";
  EXPECT_EQ(push(76, 0, "other"), outcome::waits);
  EXPECT_EQ(line.take(key(7)), 7);
  EXPECT_EQ(push(77, 0, "greedy"), outcome::waits);
}

TEST_F(Line, AFewAttemptsOfOneTenantDoNotWaitBehindTheManyOfAnother) {
  for (int i = 0; i < 400; ++i) EXPECT_EQ(push(i, 0, "many", 2000), outcome::waits);
  for (int i = 400; i < 403; ++i) EXPECT_EQ(push(i, 0, "few", 2000), outcome::waits);
  std::vector<std::size_t> places;
  auto order = rest();
  for (std::size_t i = 0; i < order.size(); ++i)
    if (order[i] >= 400) places.push_back(i);
  ASSERT_EQ(places.size(), 3u);
  EXPECT_LE(places.back(), 6u);
}

TEST_F(Line, TenantsShareByTokensNotByAttempts) {
  std::map<std::string, std::uint64_t> tokens{{"short", 100}, {"long", 10'000}, {"middle", 1500}};
  std::map<int, std::string> of;
  int number = 0;
  for (const auto& [tenant, each] : tokens)
    for (int i = 0; i < 300; ++i) {
      of[number] = tenant;
      EXPECT_EQ(push(number++, 0, tenant, each), outcome::waits);
    }
  // As long as each of them has something waiting.
  std::map<std::string, std::uint64_t> served;
  for (int i = 0; i < 300; ++i) {
    const auto& tenant = of.at(*line.pop());
    served[tenant] += tokens[tenant];
    auto [least, most] = std::minmax({served["short"], served["long"], served["middle"]});
    EXPECT_LE(most - least, deficit_rounds::quantum + 2 * 10'000) << i;
  }
  EXPECT_GT(served["short"], 20'000u);
}

TEST_F(Line, ALongAttemptGetsItsTurnAmongShortOnes) {
  EXPECT_EQ(push(0, 0, "long", 8 * deficit_rounds::quantum), outcome::waits);
  for (int i = 1; i <= 20; ++i)
    EXPECT_EQ(push(i, 0, "short", deficit_rounds::quantum), outcome::waits);
  auto order = rest();
  EXPECT_EQ(order.at(7), 0) << "after as many tokens of the other";
}

TEST_F(Line, WhoHasNothingWaitingSavesNothingUp) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(push(i, 0, "steady", 1024), outcome::waits);
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(line.pop());
  for (int i = 100; i < 110; ++i) EXPECT_EQ(push(i, 0, "late", 1024), outcome::waits);
  std::map<bool, int> seen;
  for (int i = 0; i < 10; ++i) ++seen[*line.pop() >= 100];
  EXPECT_EQ(seen[true], 5) << "half, as from now on";
}

TEST_F(Line, LosesThoseWhoseDeadlineIsOver) {
  fair_line<int>::clock::time_point start{1h};
  EXPECT_EQ(line.next_deadline(), std::nullopt);
  EXPECT_EQ(push(1), outcome::waits);
  EXPECT_EQ(line.next_deadline(), std::nullopt) << "this one has none";
  EXPECT_EQ(line.push({.fence = key(2), .deadline = start + 2s}, 2), outcome::waits);
  EXPECT_EQ(line.push({.fence = key(3), .deadline = start + 1s}, 3), outcome::waits);
  EXPECT_EQ(line.push({.fence = key(4), .deadline = start + 3s}, 4), outcome::waits);
  EXPECT_EQ(line.next_deadline(), start + 1s);
  EXPECT_EQ(line.take_late(start), std::nullopt);
  EXPECT_EQ(line.take_late(start + 2s), 3);
  EXPECT_EQ(line.take_late(start + 2s), 2);
  EXPECT_EQ(line.take_late(start + 2s), std::nullopt);
  EXPECT_EQ(rest(), (std::vector<int>{1, 4}));
  EXPECT_EQ(line.next_deadline(), std::nullopt);
}

TEST_F(Line, KeepsItsPromisesWhateverComesAndGoes) {
  std::mt19937_64 random{5};
  fair_line<int>::clock::time_point now{1h};
  std::map<int, fair_line<int>::clock::time_point> inside;
  int number = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto dice = random() % 10;
    std::optional<int> out;
    if (dice < 5) {
      auto deadline = now + std::chrono::seconds{random() % 200};
      auto tenant = "t" + std::to_string(random() % 7);
      auto done = line.push({.priority = static_cast<std::int8_t>(random() % 3),
                             .tenant = tenant,
                             .fence = key(static_cast<std::uint32_t>(number)),
                             .tokens = random() % 5000,
                             .deadline = deadline},
                            int{number});
      ASSERT_EQ(done == outcome::full, inside.size() == 1000);
      if (done == outcome::waits) inside[number] = deadline;
      ++number;
    } else if (dice < 7) {
      out = line.pop();
      ASSERT_EQ(out.has_value(), !inside.empty());
    } else if (dice < 8) {
      out = line.take(key(static_cast<std::uint32_t>(random() % (number + 1))));
    } else {
      now += 1s;
      out = line.take_late(now);
      if (out) {
        ASSERT_LE(inside.at(*out), now);
      }
    }
    if (out) {
      ASSERT_EQ(inside.erase(*out), 1u);
    }
    ASSERT_EQ(line.size(), inside.size());
  }
  EXPECT_EQ(rest().size(), inside.size());
}

}  // namespace
}  // namespace tandem
