// Which address is tried when.

#include "actors/mesh/dial_plan.hpp"

#include "tests/unit/mesh/member_table_fixture.hpp"

namespace tandem::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DialPlan : public MemberTable {
 protected:
  texts due() {
    plan_.update(*table_, now_.at);
    return plan_.start(now_.at);
  }
  bool fail(const std::string& address, errc code = errc::unavailable,
            const std::string& why = "nobody there") {
    return plan_.failed(address, make_error(code, why), now_.at);
  }
  /// How long until the next one starts.
  std::chrono::milliseconds wait() {
    plan_.update(*table_, now_.at);
    return std::chrono::duration_cast<std::chrono::milliseconds>(plan_.next_start() - now_.at);
  }
  void later(std::chrono::milliseconds time) { now_.at += time; }

  dial_plan plan_{{"seed:1"}, 42};
};

TEST_F(DialPlan, SeedsAreTriedAtOnceAndOnlyOnceAtATime) {
  EXPECT_THAT(due(), ElementsAre("seed:1"));
  later(1h);
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_EQ(plan_.under_way(), 1u);
  EXPECT_EQ(plan_.next_start(), dial_plan::clock::time_point::max());
}

TEST_F(DialPlan, PausesDoubleUpToTheLongestAndGoOnForEver) {
  auto pause = dial_plan::pause_first;
  for (int i = 0; i < 40; ++i) {
    ASSERT_THAT(due(), ElementsAre("seed:1")) << i;
    fail("seed:1");
    auto wait = this->wait();
    EXPECT_GE(wait, pause * 3 / 4) << i;
    EXPECT_LE(wait, pause * 5 / 4) << i;
    later(wait - 1ms);
    EXPECT_THAT(due(), IsEmpty());
    later(2ms);
    pause = std::min(2 * pause, dial_plan::pause_max);
  }
}

TEST_F(DialPlan, ARefusalWaitsLongAndIsShown) {
  due();
  EXPECT_TRUE(fail("seed:1", errc::conflict, "another cluster"));
  EXPECT_GE(wait(), 22'500ms);
  EXPECT_LE(wait(), 37'500ms);
  EXPECT_THAT(plan_.refusals(), HasSubstr("seed:1: "));
  EXPECT_THAT(plan_.refusals(), HasSubstr("another cluster"));
  later(40s);
  due();
  EXPECT_FALSE(fail("seed:1", errc::conflict, "another cluster")) << "it was said before";
  later(40s);
  due();
  EXPECT_TRUE(fail("seed:1"));
  EXPECT_EQ(plan_.refusals(), "");
}

TEST_F(DialPlan, WhatTheReasonSaysIsCutAndSafe) {
  due();
  fail("seed:1", errc::conflict, std::string(100'000, 'x'));
  EXPECT_LT(plan_.refusals().size(), 400u);
}

TEST_F(DialPlan, AReachedSeedRestsUntilItIsLost) {
  due();
  meet({.name = "beta", .incarnation = 2, .address = "beta-inside:7"});
  plan_.succeeded("seed:1", 2);
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_EQ(plan_.next_start(), dial_plan::clock::time_point::max());
  text_of(table_->lose(2, now_));
  EXPECT_THAT(due(), IsEmpty()) << "not at once each time";
  later(130ms);
  EXPECT_THAT(due(), ElementsAre("beta-inside:7", "seed:1"));
}

TEST_F(DialPlan, ASeedThatIsConnectedAlreadyIsNotTried) {
  meet({.name = "beta", .incarnation = 2, .address = "seed:1"});
  EXPECT_THAT(due(), IsEmpty());
}

TEST_F(DialPlan, MembersAreTriedAsLongAsTheTableWishes) {
  meet({.name = "beta", .incarnation = 2, .address = "seed:1"});
  saying beta{.name = "beta", .incarnation = 2, .address = "seed:1"};
  learn({beta, {.name = "gamma", .incarnation = 3}});
  EXPECT_THAT(due(), ElementsAre("gamma:7420"));
  fail("gamma:7420");
  meet({.name = "gamma", .incarnation = 3});
  later(1h);
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_EQ(plan_.size(), 1u) << "only the seed is kept";
}

TEST_F(DialPlan, NotMoreThanSomeAreUnderWay) {
  meet({.name = "beta", .incarnation = 2, .address = "seed:1"});
  std::vector<saying> all{{.name = "beta", .incarnation = 2, .address = "seed:1"}};
  for (std::uint64_t i = 0; i < 100; ++i)
    all.push_back({.name = "n" + std::to_string(i), .incarnation = 100 + i});
  learn(all);
  auto first = due();
  EXPECT_THAT(first, SizeIs(dial_plan::at_once_max));
  EXPECT_THAT(due(), IsEmpty());
  fail(first.front());
  auto next = due();
  ASSERT_THAT(next, SizeIs(1));
  EXPECT_NE(next.front(), first.front()) << "who waits longest comes first";
}

TEST_F(DialPlan, AnswersThatNobodyAwaitsChangeNothing) {
  EXPECT_FALSE(fail("seed:1"));
  EXPECT_FALSE(fail("never:1"));
  plan_.succeeded("never:1", 5);
  EXPECT_EQ(plan_.under_way(), 0u);
  EXPECT_THAT(due(), ElementsAre("seed:1"));
}

}  // namespace
}  // namespace tandem::testing
