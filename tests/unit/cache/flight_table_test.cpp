#include "actors/cache/flight_table.hpp"

#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cache/cache_testing.hpp"

namespace tandem {
namespace {

using test::key_of;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr flight_waiter a1{1, 1}, a2{1, 2}, b1{2, 1}, c1{3, 1};
const cache_key key = test::key_of(7);

TEST(FlightTable, OneLeadsTheOthersWaitAndAllGetTheAnswer) {
  flight_table table;
  EXPECT_EQ(table.join(key, a1, 100), flight_role::lead);
  EXPECT_EQ(table.join(key, b1, 100), flight_role::wait);
  EXPECT_EQ(table.join(key, a2, 100), flight_role::wait);
  EXPECT_EQ(table.join(key_of(8), a2, 100), flight_role::lead);
  const auto done = table.complete(key, a1);
  EXPECT_THAT(done.answer, UnorderedElementsAre(b1, a2));
  EXPECT_EQ(done.superseded, std::nullopt);
  EXPECT_THAT(table.complete(key, a1).answer, IsEmpty());
  EXPECT_EQ(table.keys(), 1u);
  EXPECT_EQ(table.join(key, b1, 100), flight_role::lead) << "a new flight";
}

TEST(FlightTable, WhoAsksAgainKeepsTheRoleAndGetsTheNewDeadline) {
  flight_table table;
  (void)table.join(key, a1, 100);
  (void)table.join(key, b1, 100);
  EXPECT_EQ(table.join(key, a1, 300), flight_role::lead);
  EXPECT_EQ(table.join(key, b1, 200), flight_role::wait);
  EXPECT_EQ(table.waiters(), 2u);
  EXPECT_EQ(table.next_deadline(), 200u);
  EXPECT_THAT(table.expire(199).expired, IsEmpty());
}

TEST(FlightTable, AFailedLeaderPromotesWhoeverHasMostTimeLeft) {
  flight_table table;
  (void)table.join(key, a1, 900);
  (void)table.join(key, b1, 100);
  (void)table.join(key, c1, 500);
  auto next = table.fail(key, a1);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->leader, c1);
  EXPECT_EQ(next->failures, 1u);
  EXPECT_FALSE(table.fail(key, a1)) << "it leads no more";
  next = table.fail(key, c1);
  EXPECT_EQ(next->leader, b1);
  EXPECT_EQ(next->failures, 2u);
  EXPECT_FALSE(table.fail(key, b1));
  EXPECT_EQ(table.keys(), 0u);
  EXPECT_EQ(table.waiters(), 0u);
  EXPECT_EQ(table.next_deadline(), std::nullopt);
}

TEST(FlightTable, ALateAnswerOfAReplacedLeaderIsAnAnswer) {
  flight_table table;
  (void)table.join(key, a1, 900);
  (void)table.join(key, b1, 100);
  (void)table.join(key, c1, 500);
  (void)table.fail(key, a1);
  const auto done = table.complete(key, a1);
  EXPECT_THAT(done.answer, UnorderedElementsAre(b1, c1));
  EXPECT_EQ(done.superseded, c1);
}

TEST(FlightTable, TheLastToLeaveCancelsTheComputation) {
  flight_table table;
  (void)table.join(key, a1, 100);
  (void)table.join(key, b1, 100);
  (void)table.join(key, c1, 100);
  EXPECT_EQ(table.leave(key, b1), std::nullopt);
  EXPECT_EQ(table.leave(key, a1), std::nullopt) << "it goes on for the other one";
  EXPECT_EQ(table.leave(key, a1), std::nullopt);
  EXPECT_EQ(table.leave(key, {9, 9}), std::nullopt) << "a stranger changes nothing";
  EXPECT_EQ(table.leave(key, c1), a1);
  EXPECT_EQ(table.keys(), 0u);
  (void)table.join(key, a1, 100);
  EXPECT_EQ(table.leave(key, a1), a1) << "alone";
  EXPECT_EQ(table.waiters(), 0u);
}

TEST(FlightTable, ALeaderThatLeftStillAnswersOrHandsOver) {
  flight_table table;
  (void)table.join(key, a1, 100);
  (void)table.join(key, b1, 200);
  (void)table.leave(key, a1);
  EXPECT_EQ(table.fail(key, a1)->leader, b1);
  (void)table.join(key, c1, 200);
  (void)table.leave(key, b1);
  EXPECT_THAT(table.complete(key, b1).answer, ElementsAre(c1));
}

TEST(FlightTable, EveryoneKeepsTheirOwnDeadline) {
  flight_table table;
  (void)table.join(key, a1, 900);
  (void)table.join(key, b1, 100);
  (void)table.join(key, c1, 500);
  auto changes = table.expire(100);
  EXPECT_THAT(changes.expired, ElementsAre(Pair(key, b1)));
  EXPECT_THAT(changes.promoted, IsEmpty());
  EXPECT_THAT(changes.cancelled, IsEmpty());
  EXPECT_THAT(table.complete(key, a1).answer, ElementsAre(c1));
}

TEST(FlightTable, ALeadThatIsNeverCompletedEndsByItsDeadlineAndPromotes) {
  flight_table table;
  (void)table.join(key, a1, 100);
  (void)table.join(key, b1, 100);
  (void)table.join(key, c1, 500);
  auto changes = table.expire(100);
  EXPECT_THAT(changes.expired, UnorderedElementsAre(Pair(key, a1), Pair(key, b1)));
  ASSERT_THAT(changes.promoted, SizeIs(1));
  EXPECT_EQ(changes.promoted[0].leader, c1);
  changes = table.expire(1000);
  EXPECT_THAT(changes.expired, ElementsAre(Pair(key, c1)));
  EXPECT_THAT(changes.promoted, IsEmpty());
  EXPECT_EQ(table.keys(), 0u);
}

TEST(FlightTable, WhenTheLastDeadlinePassesTheComputationOfOneWhoLeftIsCancelled) {
  flight_table table;
  (void)table.join(key, a1, 900);
  (void)table.join(key, b1, 100);
  (void)table.leave(key, a1);
  const auto changes = table.expire(100);
  EXPECT_THAT(changes.expired, ElementsAre(Pair(key, b1)));
  EXPECT_THAT(changes.cancelled, ElementsAre(Pair(key, a1)));
  EXPECT_EQ(table.keys(), 0u);
}

TEST(FlightTable, ALostNodeIsReplacedWhereItLedAndForgottenWhereItWaited) {
  flight_table table;
  (void)table.join(key, a1, 100);
  (void)table.join(key, a2, 900);
  (void)table.join(key, b1, 200);
  (void)table.join(key_of(2), b1, 100);
  (void)table.join(key_of(2), a1, 100);
  (void)table.leave(key_of(2), b1);
  (void)table.join(key_of(3), a1, 100);
  const auto changes = table.lose(1);
  ASSERT_THAT(changes.promoted, SizeIs(1));
  EXPECT_EQ(changes.promoted[0].key, key);
  EXPECT_EQ(changes.promoted[0].leader, b1) << "not another one of the lost node";
  EXPECT_THAT(changes.cancelled, ElementsAre(Pair(key_of(2), b1)));
  EXPECT_THAT(changes.expired, IsEmpty());
  EXPECT_EQ(table.keys(), 1u);
  EXPECT_EQ(table.waiters(), 1u);
}

TEST(FlightTable, BeyondItsBoundsOneComputesAlone) {
  flight_table table({.keys_max = 2, .waiters_max = 4});
  EXPECT_EQ(table.join(key_of(1), a1, 100), flight_role::lead);
  EXPECT_EQ(table.join(key_of(2), a1, 100), flight_role::lead);
  EXPECT_EQ(table.join(key_of(3), a1, 100), flight_role::alone);
  EXPECT_EQ(table.join(key_of(1), a2, 100), flight_role::wait);
  EXPECT_EQ(table.join(key_of(1), b1, 100), flight_role::wait);
  EXPECT_EQ(table.join(key_of(1), c1, 100), flight_role::alone);
  EXPECT_EQ(table.join(key_of(1), b1, 200), flight_role::wait) << "it is among them already";
  (void)table.complete(key_of(1), a1);
  EXPECT_EQ(table.join(key_of(3), c1, 100), flight_role::lead);
}

/// Whatever happens: every flight has one leader, everyone in it is told how it ended exactly once.
TEST(FlightTable, WhateverHappensEveryoneIsToldOnce) {
  std::mt19937_64 random(11);
  for (int seed = 0; seed < 50; ++seed) {
    flight_table table({.keys_max = 8, .waiters_max = 30});
    // Who is in which flight, by what the table said.
    std::map<cache_key, std::set<flight_waiter>> waiting;
    std::map<cache_key, flight_waiter> leads;
    std::uint64_t now = 0, id = 0;
    const auto tell = [&](const cache_key& k, flight_waiter who) {
      ASSERT_EQ(waiting[k].erase(who), 1u);
    };
    const auto apply = [&](const flight_changes& changes) {
      for (const auto& [k, who] : changes.expired) tell(k, who);
      for (const auto& [k, who] : changes.cancelled) {
        ASSERT_EQ(leads[k], who);
        ASSERT_THAT(waiting[k], IsEmpty());
        leads.erase(k);
      }
      for (const auto& one : changes.promoted) {
        ASSERT_TRUE(waiting[one.key].count(one.leader));
        leads[one.key] = one.leader;
      }
    };
    for (int step = 0; step < 2000; ++step) {
      const auto k = key_of(random() % 10);
      const flight_waiter who{random() % 4, ++id};
      switch (random() % 12) {
        case 0:
          if (leads.count(k)) {
            const auto by = leads[k];
            for (const auto& one : table.complete(k, by).answer) tell(k, one);
            waiting[k].erase(by);
            ASSERT_THAT(waiting[k], IsEmpty());
            leads.erase(k);
          }
          break;
        case 1:
          if (leads.count(k)) {
            const auto by = leads[k];
            const auto next = table.fail(k, by);
            waiting[k].erase(by);
            ASSERT_EQ(next.has_value(), !waiting[k].empty());
            if (next) {
              leads[k] = next->leader;
            } else {
              leads.erase(k);
            }
          }
          break;
        case 2:
        case 3:
          if (!waiting[k].empty()) {
            const auto one = *waiting[k].begin();
            waiting[k].erase(one);
            const auto cancelled = table.leave(k, one);
            ASSERT_EQ(cancelled.has_value(), waiting[k].empty());
            if (cancelled) {
              ASSERT_EQ(*cancelled, leads[k]);
              leads.erase(k);
            }
          }
          break;
        case 4: {
          now += random() % 50;
          const auto changes = table.expire(now);
          apply(changes);
          // Leaders that ended by their deadline without anybody left.
          std::erase_if(leads, [&](const auto& one) { return waiting[one.first].empty(); });
          break;
        }
        case 5:
          if (random() % 8 == 0) {
            const auto party = random() % 4;
            const auto changes = table.lose(party);
            for (auto& [ignored, in] : waiting)
              std::erase_if(in, [&](const auto& one) { return one.party == party; });
            apply(changes);
            std::erase_if(leads, [&](const auto& one) { return waiting[one.first].empty(); });
          }
          break;
        default:
          switch (table.join(k, who, now + 1 + random() % 200)) {
            case flight_role::lead:
              ASSERT_FALSE(leads.count(k));
              leads[k] = who;
              waiting[k].insert(who);
              break;
            case flight_role::wait:
              ASSERT_TRUE(leads.count(k));
              waiting[k].insert(who);
              break;
            case flight_role::alone:
              break;
          }
      }
      ASSERT_EQ(table.keys(), leads.size());
      ASSERT_LE(table.waiters(), 30u);
      ASSERT_EQ(table.next_deadline().has_value(), !leads.empty());
    }
  }
}

}  // namespace
}  // namespace tandem
