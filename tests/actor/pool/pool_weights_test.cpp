// Attempts of one job are of one weight version while any of them is in the pool.

#include "tests/actor/pool/pool_fixture.hpp"

namespace tandem::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

const wish of_tiny{.tier = "small"};

class PoolWeights : public Pool {
 protected:
  PoolWeights() { routing_.weights_patience = 0ms; }

  static std::string weights_of(const held_engine::call& call) {
    return std::string{view(call.decision.read()->getWeightVersion())};
  }
};

TEST_F(PoolWeights, WhatComesWhileAnotherIsUnderWayUsesItsVersion) {
  start_pool();
  auto& one = hold_engine("tiny-1", "tiny", "1");
  auto& two = hold_engine("tiny-2", "tiny", "2");
  for (std::uint32_t number = 1; number <= 4; ++number) send(number, of_tiny);
  EXPECT_THAT(one.calls, SizeIs(4));
  EXPECT_THAT(two.calls, IsEmpty());
}

TEST_F(PoolWeights, ItIsGoneWithTheLastOfThem) {
  start_pool();
  auto& one = hold_engine("tiny-1", "tiny", "1");
  send(1, of_tiny);
  send(2, of_tiny);
  one.answer({.code = errc::engine_failed});
  serve(one, "2");
  run();
  send(3, of_tiny);
  EXPECT_EQ(code(3), errc::weights_changed) << "the second may yet succeed";
  one.answer({.code = errc::engine_failed});
  run();
  send(4, of_tiny);
  ASSERT_THAT(one.calls, SizeIs(1));
  EXPECT_EQ(weights_of(one.calls[0]), "2");
}

TEST_F(PoolWeights, WhoIsRefusedIsNotPinnedByIt) {
  start_pool();
  auto& one = hold_engine("tiny-1", "tiny", "1");
  auto& two = hold_engine("tiny-2", "tiny", "2");
  send(1, of_tiny);
  one.answer({.code = errc::unavailable});
  serve(one, "2");
  run();
  ASSERT_THAT(two.calls, SizeIs(1));
  two.answer({.text = "3"});
  run();
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_EQ(view(results_.at(1).read()->getWeightVersion()), "2");
}

TEST_F(PoolWeights, AJudgeKeepsToItsVersionToo) {
  start_pool();
  auto& tiny = hold_engine("tiny-1", "tiny", "1");
  auto& one = hold_engine("big-1", "big", "1");
  auto& two = hold_engine("big-2", "big", "2");
  for (std::uint32_t number = 1; number <= 2; ++number) {
    send(number, {.tier = "small", .check_kind = "judge", .check_argument = "is it so?"});
    tiny.answer({.text = "yes"});
    run();
  }
  EXPECT_THAT(one.calls, SizeIs(2));
  EXPECT_THAT(two.calls, IsEmpty());
}

}  // namespace
}  // namespace tandem::testing
