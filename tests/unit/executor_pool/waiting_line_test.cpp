#include "actors/waiting_line.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "schema/message.hpp"

namespace tandem {
namespace {

fence_key key(std::uint32_t attempt, std::uint64_t job = 1) {
  message_builder<schema::Fence> fence;
  fence->initJob().setJournal(9);
  fence->getJob().setNumber(job);
  fence->setAttempt(attempt);
  auto finished = fence.finish();
  return fence_key{*finished.read()};
}

TEST(waiting_line, HigherPriorityFirstThenFirstComeFirstServed) {
  waiting_line<std::string> line{10};
  EXPECT_TRUE(line.push(0, key(1), "first"));
  EXPECT_TRUE(line.push(-100, key(2), "low"));
  EXPECT_TRUE(line.push(100, key(3), "high"));
  EXPECT_TRUE(line.push(0, key(4), "second"));
  EXPECT_TRUE(line.push(-128, key(5), "lowest"));
  EXPECT_TRUE(line.push(127, key(6), "highest"));
  for (auto expected : {"highest", "high", "first", "second", "low", "lowest"})
    EXPECT_EQ(line.pop(), expected);
  EXPECT_EQ(line.pop(), std::nullopt);
}

TEST(waiting_line, RefusesMoreThanItsBound) {
  waiting_line<int> line{2};
  EXPECT_TRUE(line.push(0, key(1), 1));
  EXPECT_TRUE(line.push(0, key(2), 2));
  EXPECT_FALSE(line.push(100, key(3), 3)) << "whatever the priority";
  EXPECT_EQ(line.size(), 2u);
  EXPECT_EQ(line.pop(), 1);
  EXPECT_TRUE(line.push(0, key(3), 3));
  waiting_line<int> none;
  EXPECT_FALSE(none.push(0, key(1), 1));
  EXPECT_TRUE(none.empty());
}

TEST(waiting_line, RefusesAnAttemptThatWaitsAlready) {
  waiting_line<int> line{10};
  EXPECT_TRUE(line.push(0, key(1), 1));
  EXPECT_FALSE(line.push(5, key(1), 2));
  EXPECT_TRUE(line.push(0, key(1, 2), 3)) << "another job's attempt of the same number";
  EXPECT_EQ(line.size(), 2u);
  EXPECT_EQ(line.pop(), 1);
  EXPECT_TRUE(line.push(0, key(1), 4)) << "it left";
}

TEST(waiting_line, TakesAnAttemptOutOfTheMiddle) {
  waiting_line<int> line{10};
  for (std::uint32_t i = 1; i <= 4; ++i) EXPECT_TRUE(line.push(0, key(i), static_cast<int>(i)));
  EXPECT_EQ(line.take(key(2)), 2);
  EXPECT_EQ(line.take(key(2)), std::nullopt);
  EXPECT_EQ(line.take(key(9)), std::nullopt);
  EXPECT_EQ(line.size(), 3u);
  for (int expected : {1, 3, 4}) EXPECT_EQ(line.pop(), expected);
  EXPECT_TRUE(line.empty());
}

TEST(waiting_line, HoldsWhatCanOnlyBeMoved) {
  waiting_line<std::unique_ptr<int>> line{1};
  EXPECT_TRUE(line.push(0, key(1), std::make_unique<int>(7)));
  auto value = line.pop();
  ASSERT_TRUE(value);
  EXPECT_EQ(**value, 7);
}

}  // namespace
}  // namespace tandem
