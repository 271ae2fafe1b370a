#include "actors/replication/replica_set.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

using namespace std::chrono_literals;
using change = replica_set::change;
using outcome = replica_set::outcome;

constexpr replica_set::copy_id self = 1;
constexpr replica_set::copy_id second = 2;
constexpr replica_set::copy_id third = 3;
constexpr std::uint64_t epoch = 5;

/// A primary whose epoch began with write 10.
class ReplicaSet : public testing::Test {
 protected:
  void begin(const std::vector<replica_set::copy_id>& in_sync, std::uint32_t min_in_sync = 1) {
    limits_.copies = 3;
    limits_.min_in_sync = min_in_sync;
    set_.emplace(self, storage::log_position{epoch, 10}, in_sync, limits_, now_);
    set_->on_local(10);
  }
  void ack(replica_set::copy_id copy, std::uint64_t sequence, std::uint64_t of_epoch = epoch) {
    set_->on_ack(copy, {of_epoch, sequence}, of_epoch, now_);
  }
  void write(std::uint64_t sequence) {
    set_->on_written(sequence, now_);
    set_->on_local(sequence);
  }
  [[nodiscard]] std::optional<change> next() { return set_->next_change(now_); }

  static change add(replica_set::copy_id copy) { return {change::kind::add, copy}; }
  static change remove(replica_set::copy_id copy) { return {change::kind::remove, copy}; }

  replica_set_limits limits_;
  replica_set::time now_{1h};
  std::optional<replica_set> set_;
};

TEST_F(ReplicaSet, AloneItAcknowledgesWhatIsDurableHere) {
  begin({self});
  EXPECT_EQ(set_->acknowledged(), 10u);
  set_->on_written(11, now_);
  EXPECT_EQ(set_->acknowledged(), 10u);
  set_->on_local(11);
  EXPECT_EQ(set_->acknowledged(), 11u);
  EXPECT_FALSE(next());
}

TEST_F(ReplicaSet, WaitsForEveryInSyncCopyAndForItself) {
  begin({self, second, third});
  set_->on_written(11, now_);
  ack(second, 11);
  ack(third, 11);
  EXPECT_EQ(set_->acknowledged(), 10u);
  set_->on_local(11);
  EXPECT_EQ(set_->acknowledged(), 11u);
  write(12);
  ack(second, 12);
  EXPECT_EQ(set_->acknowledged(), 11u);
  ack(third, 12);
  EXPECT_EQ(set_->acknowledged(), 12u);
}

TEST_F(ReplicaSet, WhatAFollowerHasOfAnotherEpochOrBeyondTheEndCountsForNothing) {
  begin({self, second});
  write(11);
  ack(second, 11, epoch - 1);
  ack(second, 12);
  EXPECT_EQ(set_->acknowledged(), 0u);
  ack(second, 11);
  EXPECT_EQ(set_->acknowledged(), 11u);
  ack(second, 10);
  EXPECT_EQ(set_->acknowledged(), 11u);
}

TEST_F(ReplicaSet, ASilentFollowerIsRemovedBeforeAnythingIsAcknowledgedWithoutIt) {
  begin({self, second});
  ack(second, 10);
  now_ += 1h;
  EXPECT_FALSE(next());
  write(11);
  EXPECT_FALSE(next());
  EXPECT_EQ(set_->next_check(), now_ + limits_.ack_timeout);
  now_ += limits_.ack_timeout;
  EXPECT_EQ(next(), remove(second));
  EXPECT_FALSE(next());
  EXPECT_EQ(set_->acknowledged(), 10u);
  set_->on_changed(outcome::done, now_);
  EXPECT_EQ(set_->acknowledged(), 11u);
}

TEST_F(ReplicaSet, AnUncertainRemovalKeepsItRequired) {
  begin({self, second});
  write(11);
  set_->on_lost(second);
  for (const auto how : {outcome::unknown, outcome::unavailable, outcome::refused}) {
    EXPECT_EQ(next(), remove(second));
    set_->on_changed(how, now_);
    EXPECT_TRUE(set_->is_required(second));
    EXPECT_FALSE(next());
    EXPECT_EQ(set_->next_check(), now_ + limits_.retry);
    now_ += limits_.retry;
  }
  EXPECT_EQ(set_->acknowledged(), 0u);
}

TEST_F(ReplicaSet, NeverFallsBelowMinInSyncAndSaysSo) {
  begin({self, second}, 2);
  ack(second, 10);
  write(11);
  set_->on_lost(second);
  now_ += 1h;
  EXPECT_FALSE(next());
  EXPECT_EQ(set_->acknowledged(), 10u);
  EXPECT_EQ(set_->state(), "waiting for a copy");
  ack(second, 11);
  EXPECT_EQ(set_->acknowledged(), 11u);
}

TEST_F(ReplicaSet, BelowMinInSyncAfterATakeoverNothingIsAcknowledgedUntilACopyJoins) {
  begin({self}, 2);
  write(11);
  EXPECT_EQ(set_->acknowledged(), 0u);
  EXPECT_NE(set_->state().find("min_in_sync is 2"), std::string::npos);
  ack(third, 11);
  EXPECT_EQ(next(), add(third));
  EXPECT_EQ(set_->acknowledged(), 0u);
  set_->on_changed(outcome::done, now_);
  EXPECT_EQ(set_->acknowledged(), 11u);
  EXPECT_EQ(set_->state(), "ok: 2 of 3 copies");
}

TEST_F(ReplicaSet, AFollowerIsAddedOnlyWithEverythingAcknowledged) {
  begin({self});
  write(11);
  ack(third, 10);
  EXPECT_FALSE(next());
  ack(third, 11);
  EXPECT_EQ(next(), add(third));
}

TEST_F(ReplicaSet, AnAddedFollowerIsRequiredFromTheMomentThatTheRegisterIsAsked) {
  begin({self});
  ack(third, 10);
  ASSERT_EQ(next(), add(third));
  write(11);
  EXPECT_EQ(set_->acknowledged(), 10u);
  set_->on_changed(outcome::unknown, now_);
  EXPECT_EQ(set_->acknowledged(), 10u);
  now_ += limits_.retry;
  EXPECT_EQ(next(), add(third));
  set_->on_changed(outcome::done, now_);
  EXPECT_EQ(set_->acknowledged(), 10u);
  ack(third, 11);
  EXPECT_EQ(set_->acknowledged(), 11u);
}

TEST_F(ReplicaSet, ARefusedAdditionEndsTheWait) {
  begin({self});
  ack(third, 10);
  ASSERT_EQ(next(), add(third));
  write(11);
  set_->on_changed(outcome::refused, now_);
  EXPECT_EQ(set_->acknowledged(), 11u);
}

TEST_F(ReplicaSet, ALostAdditionThatIsThenRefusedIsTakenBack) {
  begin({self});
  ack(third, 10);
  ASSERT_EQ(next(), add(third));
  write(11);
  set_->on_changed(outcome::unknown, now_);
  now_ += limits_.retry;
  ASSERT_EQ(next(), add(third));
  set_->on_changed(outcome::refused, now_);
  now_ += limits_.retry;
  EXPECT_EQ(next(), remove(third));
  EXPECT_EQ(set_->acknowledged(), 10u);
  set_->on_changed(outcome::done, now_);
  EXPECT_EQ(set_->acknowledged(), 11u);
}

TEST_F(ReplicaSet, APerhapsAddedFollowerThatDiesIsRemoved) {
  begin({self});
  ack(third, 10);
  ASSERT_EQ(next(), add(third));
  write(11);
  set_->on_lost(third);
  set_->on_changed(outcome::unknown, now_);
  now_ += limits_.retry;
  EXPECT_EQ(next(), remove(third));
  set_->on_changed(outcome::done, now_);
  EXPECT_EQ(set_->acknowledged(), 11u);
}

TEST_F(ReplicaSet, NoMoreThanTheConfiguredCopiesAreAdded) {
  begin({self, second, third});
  ack(4, 10);
  EXPECT_FALSE(next());
}

TEST_F(ReplicaSet, AFollowerThatKnowsAHigherEpochStopsItForGood) {
  begin({self, second});
  write(11);
  set_->on_ack(second, {epoch, 10}, epoch + 2, now_);
  EXPECT_TRUE(set_->is_fenced());
  ack(second, 11);
  set_->on_local(12);
  EXPECT_EQ(set_->acknowledged(), 0u);
  EXPECT_FALSE(next());
  EXPECT_FALSE(set_->next_check());
  EXPECT_EQ(set_->state(), "stopped: epoch 7 has begun, this one was 5");
}

TEST_F(ReplicaSet, AFencedChangeStopsItForGood) {
  begin({self, second});
  write(11);
  set_->on_lost(second);
  ASSERT_EQ(next(), remove(second));
  set_->on_changed(outcome::fenced, now_);
  EXPECT_TRUE(set_->is_fenced());
  EXPECT_EQ(set_->acknowledged(), 0u);
}

TEST_F(ReplicaSet, WhatTheRegisterHoldsIsTakenOver) {
  begin({self, second});
  ack(second, 10);
  // A removal whose answer was lost, seen later.
  set_->on_agreed({self}, now_);
  EXPECT_FALSE(set_->is_in_sync(second));
  EXPECT_TRUE(set_->is_required(second));
  EXPECT_EQ(next(), add(second));
  set_->on_changed(outcome::done, now_);
  set_->on_agreed({self, second, third}, now_);
  EXPECT_TRUE(set_->is_required(third));
}

}  // namespace
}  // namespace tandem
