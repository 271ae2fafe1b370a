#pragma once

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/mesh/member_table.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"
#include "tests/unit/mesh/sayings.hpp"

namespace tandem::testing {

using namespace std::chrono_literals;
using schema::MemberState;

/// The table of node alpha, incarnation 1; time is the test's.
class MemberTable : public ::testing::Test {
 protected:
  using texts = std::vector<std::string>;

  static cluster_config config() { return {.name = "tandem", .join = {}, .advertise = {}}; }
  void start(const cluster_config& config, const saying& own) {
    own_ = own;
    table_.emplace(config, member_of(own));
  }
  MemberTable() { start(config(), {.name = "alpha", .incarnation = 1}); }

  /// As `alive beta 2`.
  static texts text_of(const member_changes& changes) {
    texts result;
    for (const auto& change : changes) {
      auto member = change.member.read();
      EXPECT_EQ(member->getState(), change.state);
      EXPECT_EQ(member->getIncarnation(), change.incarnation);
      result.push_back(to_text(change.state) + ' ' + std::string{view(member->getName())} + ' ' +
                       std::to_string(change.incarnation));
    }
    return result;
  }
  texts meet(const greeting& what, bool other_handles = false) {
    auto hello = hello_of(what);
    auto met = table_->meet(*hello.read(), other_handles, now_);
    if (!met) return {"refused: " + message_of(met.error())};
    EXPECT_EQ(met->incarnation, what.of.incarnation);
    return text_of(met->changes);
  }
  texts meet(const saying& who) { return meet(greeting{.of = who}); }
  errc refusal(const greeting& what, std::string* reason = nullptr) {
    auto hello = hello_of(what);
    auto met = table_->meet(*hello.read(), false, now_);
    if (met) return errc::unknown;
    if (reason != nullptr) *reason = message_of(met.error());
    return code_of(met.error());
  }
  texts hear(std::uint64_t incarnation) { return text_of(table_->heard(incarnation, now_)); }
  texts learn(const std::vector<saying>& all) {
    auto list = list_of(all);
    auto reader = list.read();
    return text_of(table_->learn(reader->getMembers(), now_));
  }
  texts pass(std::chrono::milliseconds time) {
    now_.at += time;
    now_.wall_ms += static_cast<std::uint64_t>(time.count());
    return text_of(table_->tick(now_));
  }
  /// What this node says of another; incarnation 0: nothing.
  saying told_of(std::uint64_t incarnation) {
    auto list = table_->members(now_);
    auto reader = list.read();
    for (auto member : reader->getMembers())
      if (member.getIncarnation() == incarnation)
        return {.name = std::string{view(member.getName())},
                .incarnation = incarnation,
                .address = std::string{view(member.getAddress())},
                .state = member.getState(),
                .heard_ms_ago = member.getHeardMsAgo(),
                .losses = member.getLosses(),
                .draining = member.getDraining()};
    return {.name = {}, .incarnation = 0};
  }
  bool knows(std::uint64_t incarnation) { return told_of(incarnation).incarnation != 0; }
  texts wished() {
    texts result;
    for (const auto& wish : table_->wishes()) result.push_back(wish.address);
    return result;
  }

  saying own_;
  std::optional<member_table> table_;
  moment now_{std::chrono::steady_clock::time_point{1h}, 1'700'000'000'000};
};

}  // namespace tandem::testing
