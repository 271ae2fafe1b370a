// What others say of third nodes is a hint; and all of it is bounded.

#include <chrono>

#include "tests/unit/mesh/member_table_fixture.hpp"

namespace tandem::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const saying beta{.name = "beta", .incarnation = 2};

TEST_F(MemberTable, WhoIsOnlyHeardOfIsDialedAndIsGoneWhenItIsNotReached) {
  meet(beta);
  EXPECT_THAT(learn({beta, {.name = "gamma", .incarnation = 3, .journals = {5}}}), IsEmpty());
  EXPECT_EQ(told_of(3).state, MemberState::UNKNOWN);
  EXPECT_FALSE(table_->in_session(3));
  EXPECT_THAT(wished(), ElementsAre("gamma:7420"));
  EXPECT_THAT(pass(2999ms), ElementsAre("suspect beta 2"));
  EXPECT_THAT(pass(1ms), ElementsAre("gone beta 2", "gone gamma 3"));
  EXPECT_THAT(wished(), ElementsAre("beta:7420", "gamma:7420"));
}

TEST_F(MemberTable, HintsChangeNothingForWhoIsHeard) {
  meet(beta);
  meet({.name = "gamma", .incarnation = 3});
  for (auto state : {MemberState::GONE, MemberState::LEFT, MemberState::UNKNOWN})
    EXPECT_THAT(learn({beta, {.name = "gamma", .incarnation = 3, .state = state}}), IsEmpty());
  EXPECT_TRUE(table_->in_session(3));
  pass(1400ms);
  hear(2);
  EXPECT_THAT(learn({beta, {.name = "gamma", .incarnation = 3}}), IsEmpty());
  EXPECT_THAT(pass(100ms), ElementsAre("suspect gamma 3"))
      << "that somebody else hears it does not count";
}

TEST_F(MemberTable, WhoGoesFirstIsDecidedByName) {
  meet(beta);
  learn({beta, {.name = "aaron", .incarnation = 3}, {.name = "gamma", .incarnation = 4}});
  std::vector<std::pair<std::string, std::chrono::nanoseconds>> waits;
  for (const auto& wish : table_->wishes())
    waits.emplace_back(wish.address, wish.not_before - now_.at);
  EXPECT_THAT(waits, ElementsAre(std::pair{std::string{"aaron:7420"}, 1000ms},
                                 std::pair{std::string{"gamma:7420"}, 0ms}));
}

TEST_F(MemberTable, AListOfWhoIsNoMemberIsNotRead) {
  EXPECT_THAT(learn({beta, {.name = "gamma", .incarnation = 3}}), IsEmpty());
  EXPECT_EQ(table_->size(), 0u);
  EXPECT_THAT(learn({}), IsEmpty());
  meet(beta);
  pass(3s);
  EXPECT_THAT(learn({beta, {.name = "gamma", .incarnation = 3}}), IsEmpty());
  EXPECT_FALSE(knows(3));
}

TEST_F(MemberTable, GoneMembersOfOthersAreToldForTheirJournals) {
  meet(beta);
  EXPECT_THAT(learn({beta,
                     {.name = "gamma",
                      .incarnation = 3,
                      .journals = {5},
                      .state = MemberState::GONE,
                      .heard_ms_ago = 3'600'000}}),
              ElementsAre("gone gamma 3"));
  EXPECT_THAT(learn({beta,
                     {.name = "delta",
                      .incarnation = 4,
                      .state = MemberState::GONE,
                      .heard_ms_ago = 3'600'000}}),
              IsEmpty())
      << "nothing waits for that one";
}

TEST_F(MemberTable, TheGoneAreForgottenButNotTheLastHomeOfAJournal) {
  meet({.name = "beta", .incarnation = 2});
  meet({.name = "gamma", .incarnation = 3, .journals = {5}});
  pass(3s);
  pass(10min);
  EXPECT_FALSE(knows(2));
  EXPECT_TRUE(knows(3));
  pass(std::chrono::hours{24 * 30});
  EXPECT_TRUE(knows(3));
  // The journal is open elsewhere.
  meet({.name = "delta", .incarnation = 4, .journals = {5}});
  pass(0ms);
  EXPECT_FALSE(knows(3));
}

TEST_F(MemberTable, ThisNodesOwnJournalsWaitForNobody) {
  meet({.name = "gamma", .incarnation = 3, .journals = {5}});
  pass(3s);
  auto own = member_of({.name = "alpha", .incarnation = 1, .journals = {5}});
  table_->set_own(*own.read());
  pass(10min);
  EXPECT_FALSE(knows(3));
}

TEST_F(MemberTable, WhoEndsAsASecondHomeIsForgotten) {
  meet({.name = "beta", .incarnation = 2, .journals = {5}});
  meet({.name = "gamma", .incarnation = 3, .journals = {5}});
  text_of(table_->lose(3, now_));
  for (int i = 0; i < 610; ++i) {
    pass(1s);
    hear(2);
  }
  EXPECT_FALSE(knows(3));
  // And the one that stays becomes the last home.
  text_of(table_->lose(2, now_));
  pass(1h);
  EXPECT_TRUE(knows(2));
}

TEST_F(MemberTable, SomebodyWhoStillHearsItKeepsItKnown) {
  meet({.name = "gamma", .incarnation = 3});
  pass(3s);
  meet(beta);
  for (int i = 0; i < 20; ++i) {
    pass(1min);
    meet(beta);
    EXPECT_THAT(learn({beta, {.name = "gamma", .incarnation = 3, .heard_ms_ago = 100}}), IsEmpty());
  }
  EXPECT_TRUE(knows(3));
  pass(11min);
  EXPECT_FALSE(knows(3));
}

TEST_F(MemberTable, ADeadNodeIsForgottenEverywhereEvenIfAllTalkOfIt) {
  member_table other{config(), member_of(beta)};
  auto hello = table_->hello(now_);
  ASSERT_TRUE(other.meet(*hello.read(), false, now_));
  meet(beta);
  meet({.name = "gamma", .incarnation = 3});
  pass(0ms);
  for (int i = 0; i < 15 * 60; ++i) {
    pass(1s);
    hear(2);
    static_cast<void>(other.tick(now_));
    static_cast<void>(other.heard(1, now_));
    auto ours = table_->members(now_);
    static_cast<void>(other.learn(ours.read()->getMembers(), now_));
    auto theirs = other.members(now_);
    static_cast<void>(table_->learn(theirs.read()->getMembers(), now_));
  }
  EXPECT_EQ(table_->size(), 1u);
  EXPECT_EQ(other.size(), 1u);
}

TEST_F(MemberTable, NoMoreThanMembersMaxAreKept) {
  auto limits = config();
  limits.members_max = 4;
  start(limits, {.name = "alpha", .incarnation = 1});
  meet({.name = "n2", .incarnation = 2});
  meet({.name = "n3", .incarnation = 3});
  meet({.name = "n4", .incarnation = 4});
  EXPECT_EQ(table_->size(), 3u) << "and this node";
  std::string reason;
  EXPECT_EQ(refusal({.of = {.name = "n5", .incarnation = 5}}, &reason), errc::overloaded);
  EXPECT_THAT(reason, ::testing::HasSubstr("cluster.members_max"));
  EXPECT_THAT(reason, ::testing::HasSubstr("4 members"));
  text_of(table_->lose(3, now_));
  EXPECT_THAT(meet({.name = "n5", .incarnation = 5}), ElementsAre("alive n5 5"));
  EXPECT_FALSE(knows(3)) << "who is gone makes room";
}

TEST_F(MemberTable, WhoComesMakesWhoIsOnlyHeardOfGoAway) {
  auto limits = config();
  limits.members_max = 3;
  start(limits, {.name = "alpha", .incarnation = 1});
  meet(beta);
  learn({beta, {.name = "ghost", .incarnation = 9, .journals = {1}}});
  EXPECT_TRUE(knows(9));
  learn({beta, {.name = "ghoul", .incarnation = 10}});
  EXPECT_FALSE(knows(10)) << "a hint makes nobody go";
  EXPECT_THAT(meet({.name = "gamma", .incarnation = 3}), ElementsAre("alive gamma 3"));
  EXPECT_FALSE(knows(9));
}

TEST_F(MemberTable, AListOfTenThousandStaysWithinTheLimitsAndIsDoneQuickly) {
  meet(beta);
  std::vector<saying> all{beta};
  for (std::uint64_t i = 0; i < 10'000; ++i)
    all.push_back({.name = "n" + std::to_string(i),
                   .incarnation = 1000 + i,
                   .journals = {i, i + 1, i + 2},
                   .state = i % 2 == 0 ? MemberState::ALIVE : MemberState::GONE});
  auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) learn(all);
  EXPECT_EQ(table_->size(), config().members_max - 1);
  pass(1s);
  static_cast<void>(table_->next_deadline());
  static_cast<void>(table_->wishes());
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
  EXPECT_LT(table_->members(now_).bytes().size(), std::size_t{1} << 20);
  EXPECT_LT(table_->hello(now_).bytes().size(), std::size_t{1} << 20);
  EXPECT_THAT(meet({.name = "late", .incarnation = 5}), ElementsAre("alive late 5"))
      << "rumours keep nobody out";
}

TEST_F(MemberTable, FatMembersFitIntoOneMessageAndSessionsComeFirst) {
  std::vector<std::uint64_t> journals(256);
  std::vector<saying> all{beta};
  for (std::uint64_t i = 0; i < 1000; ++i) {
    for (std::size_t j = 0; j < journals.size(); ++j) journals[j] = i * 256 + j;
    all.push_back({.name = "n" + std::to_string(i), .incarnation = 1000 + i, .journals = journals});
  }
  meet(beta);
  learn(all);
  meet({.name = "zeta", .incarnation = 999'999});
  auto list = table_->members(now_);
  EXPECT_LT(list.bytes().size(), std::size_t{1} << 20);
  EXPECT_TRUE(knows(999'999)) << "there is a session with it";
}

TEST_F(MemberTable, NonsenseInAListIsLeftOut) {
  meet(beta);
  learn({beta,
         {.name = "bad\nname", .incarnation = 10},
         {.name = std::string{"nul\0", 4}, .incarnation = 11},
         {.name = "", .incarnation = 12},
         {.name = std::string(65, 'a'), .incarnation = 13},
         {.name = "no-address", .incarnation = 14, .address = "nowhere"},
         {.name = "zero", .incarnation = 0},
         {.name = "alpha", .incarnation = 15},
         {.name = "own", .incarnation = 1},
         {.name = "sound", .incarnation = 16}});
  EXPECT_EQ(table_->size(), 2u);
  EXPECT_TRUE(knows(16));
}

TEST_F(MemberTable, ExtremeAgesAreBounded) {
  meet(beta);
  learn({beta,
         {.name = "gamma", .incarnation = 3, .heard_ms_ago = ~std::uint64_t{0}},
         {.name = "delta",
          .incarnation = 4,
          .journals = {1},
          .state = MemberState::GONE,
          .heard_ms_ago = ~std::uint64_t{0}}});
  EXPECT_TRUE(knows(3));
  EXPECT_TRUE(knows(4));
  pass(3s);
  static_cast<void>(table_->next_deadline());
  EXPECT_TRUE(knows(4)) << "its journal waits";
}

TEST_F(MemberTable, AHelloThatIsNoneSaysWhatIsWrong) {
  std::string reason;
  for (const auto& bad :
       {saying{.name = "bad\nname", .incarnation = 10}, saying{.name = "zero", .incarnation = 0},
        saying{.name = "gamma", .incarnation = 3, .address = "\x1b[2J:1"}}) {
    EXPECT_EQ(refusal({.of = bad}, &reason), errc::invalid_argument) << reason;
    for (char c : reason) EXPECT_TRUE(c >= ' ' && c <= '~') << reason;
  }
  EXPECT_EQ(refusal({.of = {.name = "a\x1b[2J"}, .cluster = "evil\n\x1b"}, &reason),
            errc::conflict);
  for (char c : reason) EXPECT_TRUE(c >= ' ' && c <= '~') << reason;
  EXPECT_EQ(table_->size(), 0u);
}

TEST_F(MemberTable, LossesBeyondReasonDoNotWrapAround) {
  saying own{.name = "alpha", .incarnation = 1, .losses = ~std::uint32_t{0}};
  EXPECT_THAT(meet({.of = beta, .knows = {own}}), ElementsAre("alive beta 2"));
  EXPECT_THAT(meet({.of = beta, .knows = {own}}), IsEmpty());
  text_of(table_->lose(2, now_));
  EXPECT_EQ(told_of(2).losses, 1u);
}

}  // namespace
}  // namespace tandem::testing
