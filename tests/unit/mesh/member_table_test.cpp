// Who is alive, suspect, gone: by what is heard, and by steady time alone.

#include "tests/unit/mesh/member_table_fixture.hpp"

namespace tandem::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(MemberTable, WhoSaysHelloIsAliveUntilItIsSilent) {
  EXPECT_THAT(meet({.name = "beta", .incarnation = 2}), ElementsAre("alive beta 2"));
  EXPECT_THAT(pass(1499ms), IsEmpty());
  EXPECT_THAT(pass(1ms), ElementsAre("suspect beta 2"));
  EXPECT_TRUE(table_->in_session(2));
  EXPECT_THAT(pass(1499ms), IsEmpty());
  EXPECT_THAT(pass(1ms), ElementsAre("gone beta 2"));
  EXPECT_FALSE(table_->in_session(2));
  EXPECT_THAT(pass(1h), IsEmpty());
}

TEST_F(MemberTable, DeadlinesAreThoseOfTheNextChange) {
  EXPECT_EQ(table_->next_deadline(), member_table::clock::time_point::max());
  meet({.name = "beta", .incarnation = 2});
  auto heard = now_.at;
  EXPECT_EQ(table_->next_deadline(), heard + 1500ms);
  pass(1500ms);
  EXPECT_EQ(table_->next_deadline(), heard + 3000ms);
  pass(1500ms);
  EXPECT_EQ(table_->next_deadline(), now_.at + 10min);
  pass(10min);
  EXPECT_FALSE(knows(2));
  EXPECT_EQ(table_->next_deadline(), member_table::clock::time_point::max());
}

TEST_F(MemberTable, OneThatIsHeardAgainIsAlive) {
  meet({.name = "beta", .incarnation = 2});
  pass(1000ms);
  EXPECT_THAT(hear(2), IsEmpty());
  EXPECT_THAT(pass(1000ms), IsEmpty());
  EXPECT_THAT(pass(600ms), ElementsAre("suspect beta 2"));
  EXPECT_THAT(hear(2), ElementsAre("alive beta 2"));
  EXPECT_THAT(pass(1400ms), IsEmpty());
}

TEST_F(MemberTable, APulseDoesNotBringBackWhoIsGone) {
  meet({.name = "beta", .incarnation = 2});
  pass(3s);
  EXPECT_THAT(hear(2), IsEmpty());
  EXPECT_FALSE(table_->in_session(2));
  EXPECT_THAT(hear(77), IsEmpty());
}

TEST_F(MemberTable, AfterALongPauseOfThisNodeEachIsToldOnce) {
  meet({.name = "beta", .incarnation = 2});
  meet({.name = "gamma", .incarnation = 3});
  EXPECT_THAT(pass(1h), ElementsAre("gone beta 2", "gone gamma 3"));
}

TEST_F(MemberTable, APausedNodeComesBackWithTheSameIncarnation) {
  meet({.name = "beta", .incarnation = 2});
  pass(3s);
  EXPECT_THAT(wished(), ElementsAre("beta:7420"));
  EXPECT_THAT(meet({.name = "beta", .incarnation = 2}), ElementsAre("alive beta 2"));
  EXPECT_EQ(told_of(2).losses, 1u);
  EXPECT_THAT(wished(), IsEmpty());
}

TEST_F(MemberTable, ASecondHelloOfTheSameSessionChangesNothing) {
  meet({.name = "beta", .incarnation = 2});
  EXPECT_THAT(meet({.name = "beta", .incarnation = 2}), IsEmpty());
  EXPECT_EQ(told_of(2).losses, 0u);
}

TEST_F(MemberTable, ALossThatOnlyTheOtherSideNoticedIsALossHere) {
  meet({.name = "beta", .incarnation = 2});
  saying own{.name = "alpha", .incarnation = 1, .losses = 1};
  EXPECT_THAT(meet({.of = {.name = "beta", .incarnation = 2}, .knows = {own}}),
              ElementsAre("gone beta 2", "alive beta 2"));
  EXPECT_EQ(told_of(2).losses, 1u);
  EXPECT_THAT(meet({.of = {.name = "beta", .incarnation = 2}, .knows = {own}}), IsEmpty())
      << "the session after that loss has begun";
}

TEST_F(MemberTable, BothSidesCountTheSameSessions) {
  member_table other{config(), member_of({.name = "beta", .incarnation = 2})};
  auto greet = [&](const member_table& from, member_table& to, std::size_t changes) {
    auto hello = from.hello(now_);
    auto met = to.meet(*hello.read(), false, now_);
    ASSERT_TRUE(met) << message_of(met.error());
    EXPECT_EQ(met->changes.size(), changes);
  };
  greet(*table_, other, 1);
  greet(other, *table_, 1);
  // Three losses here that the other side saw nothing of.
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(table_->lose(2, now_).size(), 1u);
    greet(*table_, other, 2);
    greet(other, *table_, 1);
    greet(*table_, other, 0);
    greet(other, *table_, 0);
  }
  EXPECT_EQ(told_of(2).losses, 3u);
}

TEST_F(MemberTable, OtherHandlesAreANewSession) {
  meet({.name = "beta", .incarnation = 2});
  EXPECT_THAT(meet({.of = {.name = "beta", .incarnation = 2}}, true),
              ElementsAre("gone beta 2", "alive beta 2"));
}

TEST_F(MemberTable, ALostConnectionIsALoss) {
  meet({.name = "beta", .incarnation = 2});
  EXPECT_THAT(text_of(table_->lose(2, now_)), ElementsAre("gone beta 2"));
  EXPECT_THAT(text_of(table_->lose(2, now_)), IsEmpty());
  EXPECT_THAT(wished(), ElementsAre("beta:7420"));
}

TEST_F(MemberTable, ARestartAtTheSameAddressReplacesTheOldStartAtOnce) {
  meet({.name = "beta", .incarnation = 2, .journals = {7}});
  EXPECT_THAT(meet({.name = "beta", .incarnation = 22, .journals = {7}}),
              ElementsAre("gone beta 2", "alive beta 22"));
  EXPECT_FALSE(knows(2));
  std::string reason;
  EXPECT_EQ(refusal({.of = {.name = "beta", .incarnation = 2}}, &reason), errc::conflict);
  EXPECT_THAT(reason, HasSubstr("replaced by a later start"));
}

TEST_F(MemberTable, ARestartElsewhereWithTheSameJournalWaitsUntilTheOldStartIsSilent) {
  meet({.name = "beta", .incarnation = 2, .journals = {7}});
  greeting moved{
      .of = {.name = "beta", .incarnation = 22, .address = "elsewhere:7420", .journals = {7}}};
  std::string reason;
  EXPECT_EQ(refusal(moved, &reason), errc::unavailable);
  EXPECT_THAT(reason, HasSubstr("beta:7420"));
  EXPECT_THAT(reason, HasSubstr("elsewhere:7420"));
  pass(1s);
  EXPECT_THAT(meet(moved), ElementsAre("gone beta 2", "alive beta 22"));
}

TEST_F(MemberTable, TwoLivingNodesOfOneNameAreRefusedWithBothAddresses) {
  meet({.name = "beta", .incarnation = 2, .journals = {7}});
  std::string reason;
  greeting other{.of = {.name = "beta", .incarnation = 9, .address = "other:1", .journals = {8}}};
  EXPECT_EQ(refusal(other, &reason), errc::conflict);
  EXPECT_THAT(reason, HasSubstr("beta:7420"));
  EXPECT_THAT(reason, HasSubstr("other:1"));
  EXPECT_THAT(reason, HasSubstr("--name"));
  EXPECT_TRUE(table_->in_session(2));
  pass(3s);
  EXPECT_THAT(meet(other), ElementsAre("alive beta 9")) << "the name is free";
}

TEST_F(MemberTable, OnlyTheLastStartOfANameIsDialedAndOldJournalsStayWaited) {
  meet({.name = "beta", .incarnation = 2, .journals = {7}});
  pass(3s);
  meet({.name = "beta", .incarnation = 22, .address = "new:1", .journals = {8}});
  EXPECT_EQ(told_of(2).state, MemberState::GONE) << "journal 7 has no other home";
  pass(3s);
  EXPECT_THAT(wished(), ElementsAre("new:1"));
}

TEST_F(MemberTable, AnotherClusterIsRefusedWithBothNames) {
  std::string reason;
  EXPECT_EQ(refusal({.of = {}, .cluster = "other"}, &reason), errc::conflict);
  EXPECT_THAT(reason, HasSubstr("'other'"));
  EXPECT_THAT(reason, HasSubstr("'tandem'"));
  EXPECT_THAT(reason, HasSubstr("cluster.name"));
  EXPECT_EQ(table_->size(), 0u);
}

TEST_F(MemberTable, AnotherProtocolIsRefusedWithBothNumbersAndVersions) {
  std::string reason;
  EXPECT_EQ(refusal({.of = {}, .protocol = 9}, &reason), errc::conflict);
  EXPECT_THAT(reason, HasSubstr("protocol 9"));
  EXPECT_THAT(reason, HasSubstr("protocol " + std::to_string(protocol_version)));
  EXPECT_THAT(reason, HasSubstr("'beta'"));
  EXPECT_THAT(reason, HasSubstr("'alpha'"));
  EXPECT_THAT(reason, HasSubstr("0.1.0"));
}

TEST_F(MemberTable, ThisNodeItselfAndItsNameAreRefused) {
  std::string reason;
  EXPECT_EQ(refusal({.of = own_}, &reason), errc::conflict);
  EXPECT_THAT(reason, HasSubstr("this node itself"));
  EXPECT_EQ(refusal({.of = {.name = "alpha", .incarnation = 5, .address = "far:1"}}, &reason),
            errc::conflict);
  EXPECT_THAT(reason, HasSubstr("two nodes are called 'alpha'"));
  EXPECT_THAT(reason, HasSubstr("far:1"));
}

TEST_F(MemberTable, WhoSaysGoodByeHasLeftAndIsNotDialed) {
  meet({.name = "beta", .incarnation = 2});
  auto bye = member_of({.name = "beta", .incarnation = 2, .state = MemberState::LEFT});
  EXPECT_THAT(text_of(table_->told(*bye.read(), now_)), ElementsAre("left beta 2"));
  EXPECT_THAT(wished(), IsEmpty());
  EXPECT_THAT(text_of(table_->told(*bye.read(), now_)), IsEmpty());
  EXPECT_THAT(meet({.name = "beta", .incarnation = 2}), ElementsAre("alive beta 2"));
}

TEST_F(MemberTable, NobodySaysGoodByeUnderAnothersName) {
  meet({.name = "beta", .incarnation = 2});
  auto bye = member_of({.name = "gamma", .incarnation = 2, .state = MemberState::LEFT});
  EXPECT_THAT(text_of(table_->told(*bye.read(), now_)), IsEmpty());
  EXPECT_TRUE(table_->in_session(2));
}

TEST_F(MemberTable, WhatANodeSaysOfItselfIsToldWhenItChanges) {
  meet({.name = "beta", .incarnation = 2});
  saying draining{.name = "beta", .incarnation = 2, .draining = true};
  EXPECT_THAT(learn({draining}), ElementsAre("alive beta 2"));
  EXPECT_TRUE(told_of(2).draining);
  EXPECT_THAT(learn({draining}), IsEmpty());
}

TEST_F(MemberTable, OwnChangesKeepNameIncarnationAndProtocol) {
  auto changed = member_of({.name = "other", .incarnation = 9, .draining = true});
  EXPECT_TRUE(table_->set_own(*changed.read()));
  EXPECT_FALSE(table_->set_own(*changed.read()));
  auto list = table_->news({}, now_);
  auto reader = list.read();
  ASSERT_EQ(reader->getMembers().size(), 1u);
  auto own = reader->getMembers()[0];
  EXPECT_EQ(view(own.getName()), "alpha");
  EXPECT_EQ(own.getIncarnation(), 1u);
  EXPECT_EQ(own.getState(), MemberState::ALIVE);
  EXPECT_TRUE(own.getDraining());
}

TEST_F(MemberTable, TheWallClockDecidesNothing) {
  meet({.name = "beta", .incarnation = 2});
  for (std::uint64_t wall :
       {std::uint64_t{1}, std::uint64_t{4'000'000'000'000}, std::uint64_t{0}, ~std::uint64_t{0}}) {
    now_.wall_ms = wall;
    EXPECT_THAT(text_of(table_->tick(now_)), IsEmpty()) << wall;
    EXPECT_THAT(hear(2), IsEmpty()) << wall;
  }
  EXPECT_EQ(table_->next_deadline(), now_.at + 1500ms);
  now_.at += 1500ms;
  now_.wall_ms = 5;
  EXPECT_THAT(text_of(table_->tick(now_)), ElementsAre("suspect beta 2"));
  EXPECT_EQ(told_of(2).heard_ms_ago, 1500u);
}

}  // namespace
}  // namespace tandem::testing
