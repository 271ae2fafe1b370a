#include "actors/replication/copy_plan.hpp"

#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/replication/register_testing.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using testing_register::node;

constexpr journal_id journal{77};

journal_record led_by_a(std::vector<journal_copy> others, std::uint32_t copies = 3) {
  journal_record record{.epoch = 3, .primary = node(0), .in_sync = {node(0).copy}};
  record.in_sync.insert(record.in_sync.end(), others.begin(), others.end());
  record.copies = copies;
  return record;
}

std::vector<copy_place> all_of(const std::string& names) {
  std::vector<copy_place> out;
  for (char name : names) out.push_back({std::string(1, name), true});
  return out;
}

TEST(copy_plan, ChoosesAsManyNodesAsThereAreToBeCopies) {
  EXPECT_EQ(nodes_to_follow(journal, led_by_a({}), all_of("abcdef")).size(), 2u);
  EXPECT_THAT(nodes_to_follow(journal, led_by_a({}), all_of("abc")),
              UnorderedElementsAre("b", "c"));
  EXPECT_THAT(nodes_to_follow(journal, led_by_a({}), all_of("ab")), ElementsAre("b"));
  EXPECT_THAT(nodes_to_follow(journal, led_by_a({}, 1), all_of("abc")), IsEmpty());
  EXPECT_THAT(nodes_to_follow(journal, led_by_a({}), {}), IsEmpty());
}

TEST(copy_plan, KeepsCopiesThatAreInSync) {
  for (int kept = 1; kept < 6; ++kept) {
    auto chosen = nodes_to_follow(journal, led_by_a({node(kept).copy}), all_of("abcdef"));
    ASSERT_EQ(chosen.size(), 2u);
    EXPECT_EQ(chosen.front(), node(kept).copy.node);
  }
}

TEST(copy_plan, ANodeThatLeavesGetsNoNewCopiesAndKeepsItsOwn) {
  auto places = all_of("abc");
  places[1].takes_new = false;
  EXPECT_THAT(nodes_to_follow(journal, led_by_a({}), places), ElementsAre("c"));
  EXPECT_THAT(nodes_to_follow(journal, led_by_a({node(1).copy}), places), ElementsAre("b", "c"));
}

TEST(copy_plan, ALostNodeIsReplacedAndTheOthersStay) {
  for (std::uint64_t id = 1; id < 50; ++id) {
    auto before = nodes_to_follow({id}, led_by_a({}), all_of("abcdef"));
    ASSERT_EQ(before.size(), 2u);
    std::vector<copy_place> left;
    for (const auto& place : all_of("abcdef"))
      if (place.node != before[0]) left.push_back(place);
    auto after = nodes_to_follow({id}, led_by_a({}), left);
    EXPECT_EQ(after[0], before[1]);
    EXPECT_EQ(after.size(), 2u);
  }
}

TEST(copy_plan, SpreadsTheCopiesOfManyJournals) {
  std::map<std::string, int> copies;
  for (std::uint64_t id = 1; id <= 1000; ++id)
    for (const auto& one : nodes_to_follow({id}, led_by_a({}), all_of("abcdef"))) ++copies[one];
  for (const auto& [name, count] : copies) {
    EXPECT_GT(count, 300) << name;
    EXPECT_LT(count, 500) << name;
  }
  EXPECT_EQ(copies.size(), 5u);
}

TEST(copy_plan, NamesTheCopiesThatALostNodeTakesAway) {
  auto record = led_by_a({node(1).copy});
  EXPECT_THAT(copies_on(record, "b"), ElementsAre(node(1).copy));
  EXPECT_THAT(copies_on(record, "c"), IsEmpty());
  EXPECT_THAT(copies_on(record, "a"), IsEmpty()) << "the primary's own";
}

TEST(copy_plan, OnlyCopiesInSyncTakeOverAndOnlyWithoutALease) {
  register_view view{led_by_a({node(1).copy}), 5, "", 5};
  EXPECT_TRUE(takeover_delay(journal, view, "b", 300ms));
  EXPECT_FALSE(takeover_delay(journal, view, "c", 300ms));
  view.lease = lease_text(node(0), 9);
  EXPECT_FALSE(takeover_delay(journal, view, "b", 300ms));
  EXPECT_FALSE(takeover_delay(journal, {}, "b", 300ms));
  view.lease = lease_text(node(1), 9);
  EXPECT_TRUE(takeover_delay(journal, view, "b", 300ms)) << "its own former run's";
}

TEST(copy_plan, CandidatesWaitOneAfterAnother) {
  register_view view{led_by_a({node(1).copy, node(2).copy}), 5, "", 5};
  std::set<std::chrono::milliseconds> delays;
  for (const char* name : {"b", "c"}) delays.insert(*takeover_delay(journal, view, name, 300ms));
  EXPECT_THAT(delays, ElementsAre(0ms, 300ms)) << "the dead primary is not waited for";
}

TEST(copy_plan, ANodeOpensItsJournalOnlyWhenNobodyElseMayHaveGoneOn) {
  auto own = node(0).copy;
  EXPECT_EQ(decide_home({}, own), home_decision::create);
  register_view view{led_by_a({node(1).copy}), 5, "", 5};
  EXPECT_EQ(decide_home(view, own), home_decision::take_over);
  view.lease = lease_text(node(0, 8), 4);
  EXPECT_EQ(decide_home(view, own), home_decision::take_over) << "a former run's";
  view.lease = lease_text(node(1), 4);
  EXPECT_EQ(decide_home(view, own), home_decision::follow);
  view.lease.clear();
  EXPECT_EQ(decide_home(view, {"a", 4711}), home_decision::follow) << "another folder";
}

}  // namespace
}  // namespace tandem
