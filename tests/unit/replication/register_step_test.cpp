#include "actors/replication/register_step.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/replication/register_testing.hpp"

namespace tandem {
namespace {

using kind = register_step::kind;
using testing::HasSubstr;
using testing_register::after;
using testing_register::node;

constexpr std::int64_t my_lease = 77;

/// Every valid record of three nodes with small numbers, led by anybody in sync or nobody, its
/// lease held by nobody, the primary or another.
std::vector<register_view> all_views() {
  std::vector<register_view> out{{}};
  for (std::uint64_t epoch : {1u, 2u, 3u})
    for (std::uint32_t copies : {1u, 2u, 3u})
      for (std::uint32_t min = 1; min <= copies; ++min)
        for (int members = 1; members < 8; ++members)
          for (int leads = -1; leads < 3; ++leads)
            for (std::uint64_t incarnation : {1u, 2u}) {
              journal_record record{.epoch = epoch, .copies = copies, .min_in_sync = min};
              for (int i = 0; i < 3; ++i)
                if (members >> i & 1) record.in_sync.push_back(node(i).copy);
              if (leads >= 0) record.primary = node(leads, incarnation);
              if (!problem_of(record).empty()) continue;
              for (const auto& lease : {std::string{}, lease_text(node(0), my_lease),
                                        lease_text(node(0, 2), 5), lease_text(node(1), 6)})
                out.push_back({record, 10, lease, 20});
            }
  return out;
}

std::vector<register_operation> all_operations() {
  std::vector<register_operation> out{register_create{1, 1}, register_create{3, 2},
                                      register_create{1, 2}, register_take_over{0}};
  for (std::uint64_t epoch : {1u, 2u, 3u}) {
    for (int other = 0; other < 3; ++other) {
      out.emplace_back(register_add{epoch, node(other).copy});
      out.emplace_back(register_remove{epoch, node(other).copy});
      out.emplace_back(register_hand_over{epoch, node(other)});
    }
    // Node c came back without its folder.
    out.emplace_back(register_add{epoch, {"c", 999}});
    out.emplace_back(register_take_over{epoch});
    out.emplace_back(register_resign{epoch});
    out.emplace_back(register_hold{epoch});
    out.emplace_back(register_resize{epoch, 2, 2});
  }
  return out;
}

TEST(register_step, KeepsTheRulesInEveryStateForEveryOperation) {
  auto self = node(0);
  std::size_t writes = 0;
  for (const auto& view : all_views()) {
    for (const auto& operation : all_operations()) {
      auto step = decide(view, self, my_lease, operation);
      SCOPED_TRACE(std::string{name_of(operation)} + " upon " +
                   (view.record ? to_text(*view.record) : "nothing") + " lease " + view.lease);
      if (step.what != kind::write) {
        EXPECT_EQ(step.text.empty(), step.what == kind::done);
        continue;
      }
      ++writes;
      const auto& next = step.next;
      ASSERT_EQ(problem_of(next), "");
      // Done is done.
      auto then = after(view, step, self, my_lease);
      EXPECT_EQ(decide(then, self, my_lease, operation).what, kind::done);
      if (!view.record) {
        EXPECT_EQ(next.epoch, 1u);
        continue;
      }
      const auto& now = *view.record;
      auto makes_primary =
          std::holds_alternative<register_take_over>(operation) && !now.is_led_by(self);
      auto hands_over = std::holds_alternative<register_hand_over>(operation);
      EXPECT_EQ(next.epoch, now.epoch + (makes_primary || hands_over ? 1 : 0));
      // Only those in sync become primary, and only where nobody else holds the lease.
      if (next.primary) {
        EXPECT_TRUE(now.has(next.primary->copy));
      }
      if (step.lease == lease_change::put) {
        EXPECT_TRUE(view.lease.empty() || is_lease_of(view.lease, self.copy));
      }
      // Never fewer than are needed, unless there were fewer.
      EXPECT_GE(next.in_sync.size(), std::min<std::size_t>(now.min_in_sync, now.in_sync.size()));
      // Others than takers and creators act as primary.
      if (!makes_primary) {
        EXPECT_TRUE(now.is_led_by(self));
      }
    }
  }
  EXPECT_GT(writes, 500u);
}

register_view led_by_a(std::uint32_t min_in_sync = 1) {
  return {journal_record{.epoch = 3,
                         .primary = node(0),
                         .in_sync = {node(0).copy, node(1).copy},
                         .copies = 3,
                         .min_in_sync = min_in_sync},
          10, lease_text(node(0), my_lease), 10};
}

TEST(register_step, DropsTheFormerPrimaryWhenAnotherTakesOver) {
  auto view = led_by_a();
  EXPECT_EQ(decide(view, node(1), 5, register_take_over{3}).what, kind::held);
  view.lease.clear();
  auto step = decide(view, node(1), 5, register_take_over{3});
  ASSERT_EQ(step.what, kind::write);
  EXPECT_EQ(step.next.epoch, 4u);
  EXPECT_EQ(step.next.in_sync, std::vector{node(1).copy});
  EXPECT_EQ(step.lease, lease_change::put);
}

TEST(register_step, KeepsTheFormerPrimaryWhereTheSetWouldBeTooSmall) {
  auto view = led_by_a(2);
  view.lease.clear();
  auto step = decide(view, node(1), 5, register_take_over{3});
  ASSERT_EQ(step.what, kind::write);
  EXPECT_EQ(step.next.in_sync.size(), 2u);
}

TEST(register_step, LetsARestartedNodeTakeItsOwnJournalAtOnce) {
  auto view = led_by_a();
  auto step = decide(view, node(0, 2), 5, register_take_over{3});
  ASSERT_EQ(step.what, kind::write);
  EXPECT_EQ(step.next.epoch, 4u);
  EXPECT_EQ(step.next.in_sync.size(), 2u);
  // Not one whose folder is another.
  auto stranger = node(0, 2);
  stranger.copy.replica = 1;
  EXPECT_EQ(decide(view, stranger, 5, register_take_over{3}).what, kind::refused);
}

TEST(register_step, RefusesToRemoveBelowWhatIsNeeded) {
  auto step = decide(led_by_a(2), node(0), my_lease, register_remove{3, node(1).copy});
  EXPECT_EQ(step.what, kind::refused);
  EXPECT_THAT(step.text, HasSubstr("below min_in_sync = 2; bring a follower back"));
}

TEST(register_step, PutsANewCopyOfANodeInThePlaceOfItsLostOne) {
  auto step = decide(led_by_a(2), node(0), my_lease, register_add{3, {"b", 555}});
  ASSERT_EQ(step.what, kind::write);
  EXPECT_TRUE(step.next.has({"b", 555}));
  EXPECT_FALSE(step.next.has(node(1).copy));
  EXPECT_EQ(step.next.in_sync.size(), 2u);
}

TEST(register_step, FencesAPrimaryOfAFormerEpoch) {
  EXPECT_EQ(decide(led_by_a(), node(0), my_lease, register_remove{2, node(1).copy}).what,
            kind::fenced);
  EXPECT_EQ(decide(led_by_a(), node(1), my_lease, register_add{3, node(2).copy}).what,
            kind::fenced);
}

TEST(register_step, BindsTheLeaseKeyToANewLeaseOfTheSameRun) {
  auto step = decide(led_by_a(), node(0), my_lease + 1, register_hold{3});
  ASSERT_EQ(step.what, kind::write);
  EXPECT_EQ(step.lease, lease_change::put);
  EXPECT_EQ(decide(led_by_a(), node(0), my_lease, register_hold{3}).what, kind::done);
}

}  // namespace
}  // namespace tandem
