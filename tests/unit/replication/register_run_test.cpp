#include "actors/replication/register_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/replication/register_testing.hpp"

namespace tandem {
namespace {

using action = register_run::action;
using testing::HasSubstr;
using testing_register::after;
using testing_register::node;

register_view start_view() {
  return {journal_record{.epoch = 3,
                         .primary = node(0),
                         .in_sync = {node(0).copy, node(1).copy},
                         .copies = 3,
                         .min_in_sync = 1},
          10, lease_text(node(0), 7), 10};
}

register_run remove_b(std::optional<register_view> cached = start_view(), std::uint32_t tries = 3) {
  return {node(0), 7, register_remove{3, node(1).copy}, {}, tries, std::move(cached)};
}

TEST(register_run, WritesUponWhatItKnowsWithoutAReadBefore) {
  auto run = remove_b();
  ASSERT_EQ(run.next(), action::write);
  run.on_written(11);
  ASSERT_EQ(run.next(), action::end);
  EXPECT_EQ(run.outcome(), register_outcome::done);
  EXPECT_EQ(run.view().version, 11);
  EXPECT_EQ(run.text(), "");
}

TEST(register_run, ReadsBeforeItRefuses) {
  auto old = start_view();
  old.record->min_in_sync = 2;
  auto run = remove_b(old);
  ASSERT_EQ(run.next(), action::read);
  run.on_view(start_view());
  EXPECT_EQ(run.next(), action::write);
}

TEST(register_run, RecognisesWhatALostWriteHasDone) {
  auto run = remove_b();
  auto done = after(start_view(), run.step(), node(0), 7);
  run.on_lost("timed out");
  ASSERT_EQ(run.next(), action::read);
  run.on_view(done);
  EXPECT_EQ(run.outcome(), register_outcome::done);
}

TEST(register_run, WritesAgainWhatWasLostBeforeItWasDone) {
  auto run = remove_b();
  run.on_lost("timed out");
  run.on_view(start_view());
  EXPECT_EQ(run.next(), action::write);
}

TEST(register_run, SaysUnknownWhenALostWriteCannotBeReadBack) {
  auto run = remove_b();
  run.on_lost("timed out");
  run.on_failed(register_outcome::unavailable, "no etcd");
  EXPECT_EQ(run.outcome(), register_outcome::unknown);
  EXPECT_THAT(run.text(), HasSubstr("timed out; then no etcd"));
}

TEST(register_run, SaysUnknownAfterItsLastTryWasLost) {
  auto run = remove_b(start_view(), 2);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(run.next(), action::write);
    run.on_lost("timed out");
    run.on_view(start_view());
  }
  ASSERT_EQ(run.next(), action::end);
  EXPECT_EQ(run.outcome(), register_outcome::unknown);
}

TEST(register_run, ASettlingRemovalMakesALostAdditionFail) {
  auto start = start_view();
  start.record->in_sync = {node(0).copy};
  register_run add{node(0), 7, register_add{3, node(1).copy}, {}, 1, start};
  ASSERT_EQ(add.next(), action::write);
  const auto late = add.step();
  add.on_lost("timed out");
  add.on_failed(register_outcome::unavailable, "no etcd");
  ASSERT_EQ(add.outcome(), register_outcome::unknown);

  // The addition may still be done upon version 10: the removal is done only with a higher one.
  register_run remove{node(0), 7, register_remove{3, node(1).copy, true}, {}, 3, start};
  ASSERT_EQ(remove.next(), action::write);
  EXPECT_EQ(remove.step().next, *start.record);
  remove.on_written(11);
  EXPECT_EQ(remove.outcome(), register_outcome::done);
  EXPECT_GT(remove.view().version, start.version);

  // It was done first: the removal's compare fails, and it takes the copy out.
  register_run after_it{node(0), 7, register_remove{3, node(1).copy, true}, {}, 3, start};
  auto added = start;
  added.record = late.next;
  added.version = added.revision = 11;
  after_it.on_view(added);
  ASSERT_EQ(after_it.next(), action::write);
  EXPECT_FALSE(after_it.step().next.has(node(1).copy));
}

TEST(register_run, GivesUpAgainstOthersThatAlwaysWin) {
  auto run = remove_b(start_view(), 3);
  auto view = start_view();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(run.next(), action::write);
    ++view.version;
    run.on_view(view);
  }
  ASSERT_EQ(run.next(), action::end);
  EXPECT_EQ(run.outcome(), register_outcome::unavailable);
}

TEST(register_run, BelievesNoEtcdThatWasPutBack) {
  register_run run{node(0), 7, register_hold{3}, {.epoch = 4, .version = 0}, 3};
  ASSERT_EQ(run.next(), action::read);
  run.on_view(start_view());
  EXPECT_EQ(run.outcome(), register_outcome::corrupted);
  EXPECT_THAT(run.text(), HasSubstr("put back"));
  register_run gone{node(0), 7, register_create{1, 1}, {.epoch = 0, .version = 10}, 3};
  gone.on_view({});
  EXPECT_EQ(gone.outcome(), register_outcome::corrupted);
}

}  // namespace
}  // namespace tandem
