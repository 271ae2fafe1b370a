#include "actors/replication/register_copies.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

using outcome = replica_set::outcome;

TEST(register_copies, WhatMayHaveBeenDoneCountsAsUnknown) {
  EXPECT_EQ(outcome_for_set(register_outcome::done), outcome::done);
  EXPECT_EQ(outcome_for_set(register_outcome::refused), outcome::refused);
  EXPECT_EQ(outcome_for_set(register_outcome::fenced), outcome::fenced);
  EXPECT_EQ(outcome_for_set(register_outcome::held), outcome::unavailable);
  EXPECT_EQ(outcome_for_set(register_outcome::unavailable), outcome::unavailable);
  EXPECT_EQ(outcome_for_set(register_outcome::unknown), outcome::unknown);
  EXPECT_EQ(outcome_for_set(register_outcome::corrupted), outcome::unknown);
}

}  // namespace
}  // namespace tandem
