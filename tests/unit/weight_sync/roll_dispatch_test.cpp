#include "actors/weight_sync/roll_dispatch.hpp"

#include <gtest/gtest.h>

#include "schema/text.hpp"

namespace tandem {
namespace {

using schema::OrderAction;

constexpr std::uint64_t node = 11;

class RollDispatch : public testing::Test {
 protected:
  std::vector<roll_dispatch::letter> send(const std::vector<roll_order>& wanted) {
    return dispatch_.send(roll_, wanted, node, now_);
  }
  std::optional<roll_dispatch::ended> answer(const roll_dispatch::letter& to,
                                             std::uint64_t jobs = 0, std::uint64_t roll = 7) {
    message_builder<schema::WeightOutcome> out;
    out->setId(to.order.read()->getId());
    out->setRoll(roll);
    if (jobs != 0) {
      auto pins = out->initPins(1);
      pins[0].setVersion("1");
      pins[0].setJobs(jobs);
    }
    return dispatch_.take(roll_, out.finish());
  }

  roll_record roll_{.id = 7, .model = "m", .version = "2", .epoch = 5};
  roll_dispatch dispatch_;
  std::uint64_t now_ = 1000;
  const roll_order update_{OrderAction::UPDATE, "a", "e", "2"};
  const roll_order hold_{OrderAction::HOLD, "a", "e", "2"};
  const roll_order ask_a_{OrderAction::ASK, "a", {}, {}};
  const roll_order ask_b_{OrderAction::ASK, "b", {}, {}};
};

TEST_F(RollDispatch, AnOrderIsToldAgainUnderItsNumberUntilItsOutcomeComes) {
  auto first = send({update_});
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].node, "a");
  EXPECT_EQ(first[0].order.read()->getEpoch(), 5u);
  EXPECT_TRUE(send({update_}).empty());
  now_ += order_book::again_ms;
  auto again = send({update_});
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].order.read()->getId(), first[0].order.read()->getId());
  EXPECT_FALSE(answer(first[0], 0, 8)) << "of another roll";
  EXPECT_TRUE(answer(first[0]));
  EXPECT_FALSE(answer(first[0])) << "it came twice";
}

TEST_F(RollDispatch, NodesAreAskedWhatJobsHoldOnlyOnceTheEngineIsHeld) {
  auto first = send({hold_, ask_a_, ask_b_});
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].order.read()->getAction(), OrderAction::HOLD);
  EXPECT_TRUE(answer(first[0]));
  auto asked = send({hold_, ask_a_, ask_b_});
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_TRUE(answer(asked[0], 2));
  EXPECT_FALSE(dispatch_.pins({"a", "b"})) << "b has not said it";
  EXPECT_TRUE(answer(asked[1], 1));
  auto pins = dispatch_.pins({"a", "b"});
  ASSERT_TRUE(pins);
  EXPECT_EQ((*pins)["1"], 3u);
  // Asked again after a while, and what was said stands until then.
  now_ += roll_dispatch::ask_again_ms;
  EXPECT_EQ(send({hold_, ask_a_, ask_b_}).size(), 2u);
  EXPECT_TRUE(dispatch_.pins({"a", "b"}));
  // Of the next engine that is held nothing is known.
  EXPECT_EQ(send({update_}).size(), 1u);
  EXPECT_FALSE(dispatch_.pins({"a", "b"}));
}

TEST_F(RollDispatch, OldWeightsNeedNotSayWhatTheNewOnesAreToSay) {
  roll_.options.expected = "19";
  auto there = send({update_});
  EXPECT_EQ(view(there[0].order.read()->getOptions().getExpected()), "19");
  roll_.phase = schema::RollPhase::ROLLING_BACK;
  auto back = send({{OrderAction::UPDATE, "a", "e", "1"}});
  EXPECT_EQ(view(back[0].order.read()->getOptions().getExpected()), "");
}

TEST(OrderFence, TheNewestEpochIsObeyedAndOfTwoRollsOfOneTheFirst) {
  order_fence fence;
  EXPECT_TRUE(fence.admit(5, 1));
  EXPECT_TRUE(fence.admit(5, 1));
  EXPECT_FALSE(fence.admit(5, 2)) << "another roll that began at once";
  EXPECT_TRUE(fence.admit(5, 0)) << "its own";
  EXPECT_FALSE(fence.admit(5, 2));
  EXPECT_FALSE(fence.admit(4, 1));
  EXPECT_TRUE(fence.admit(6, 2));
  fence.know(9, 3);
  EXPECT_FALSE(fence.admit(8, 2));
  EXPECT_FALSE(fence.admit(9, 2));
  EXPECT_TRUE(fence.admit(9, 3));
  fence.know(3, 4);
  EXPECT_EQ(fence.epoch(), 9u);
}

}  // namespace
}  // namespace tandem
