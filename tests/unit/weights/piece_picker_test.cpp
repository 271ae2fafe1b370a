#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/weights/piece_picker.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr piece_picker::time_point start{std::chrono::hours{1}};

std::vector<std::uint8_t> bits(std::size_t count, const std::set<std::size_t>& without = {}) {
  std::vector<std::uint8_t> out((count + 7) / 8);
  for (std::size_t i = 0; i < count; ++i)
    if (!without.contains(i)) out[i / 8] |= static_cast<std::uint8_t>(1u << (i % 8));
  return out;
}

std::vector<std::uint8_t> only(std::size_t count, const std::set<std::size_t>& these) {
  std::set<std::size_t> without;
  for (std::size_t i = 0; i < count; ++i)
    if (!these.contains(i)) without.insert(i);
  return bits(count, without);
}

piece_picker::peer peer(const std::string& name, std::vector<std::uint8_t> have) {
  return {name, "https://" + name, std::move(have)};
}

piece_picker picker_of(std::size_t count, std::uint64_t seed = 1,
                       const picker_limits& limits = {}) {
  piece_picker out{limits, seed};
  out.pieces(count, {}, 1000);
  return out;
}

/// The order in which one after the other is asked for.
std::vector<std::size_t> order_of(piece_picker& picker) {
  std::vector<std::size_t> out;
  while (auto request = picker.next(start)) {
    out.push_back(request->piece);
    EXPECT_THAT(picker.arrived(request->ticket, start), IsEmpty());
  }
  return out;
}

TEST(PiecePicker, AsksForEachMissingPieceOnce) {
  piece_picker picker{{}, 7};
  picker.pieces(100, only(100, {3, 50}), 1000);
  EXPECT_EQ(picker.missing(), 98u);
  picker.peers({peer("a", bits(100))});
  auto order = order_of(picker);
  std::set<std::size_t> all{order.begin(), order.end()};
  EXPECT_EQ(order.size(), 98u);
  EXPECT_EQ(all.size(), 98u);
  EXPECT_FALSE(all.contains(3) || all.contains(50));
  EXPECT_EQ(picker.missing(), 0u);
}

TEST(PiecePicker, TheRarestComeFirst) {
  auto picker = picker_of(64);
  picker.peers({peer("a", bits(64)), peer("b", bits(64, {10, 20, 30})), peer("c", bits(64, {20}))});
  auto order = order_of(picker);
  EXPECT_EQ(order[0], 20u);
  EXPECT_THAT((std::set<std::size_t>{order[1], order[2]}), ElementsAre(10, 30));
}

TEST(PiecePicker, NodesTakeEquallyRareOnesInOrdersOfTheirOwn) {
  auto one = picker_of(256, 1), two = picker_of(256, 2), again = picker_of(256, 1);
  for (auto* each : {&one, &two, &again}) each->peers({peer("a", bits(256))});
  auto first = order_of(one);
  EXPECT_EQ(first, order_of(again));
  auto second = order_of(two);
  std::size_t same = 0;
  for (std::size_t i = 0; i < 256; ++i) same += first[i] == second[i] ? 1 : 0;
  EXPECT_LT(same, 16u);
}

TEST(PiecePicker, SpreadsRequestsAndKeepsToItsLimits) {
  auto picker = picker_of(64, 1, {.requests_max = 6, .requests_per_peer_max = 4});
  picker.peers({peer("a", bits(64)), peer("b", bits(64))});
  std::map<std::string, int> at;
  while (auto request = picker.next(start)) ++at[request->peer];
  EXPECT_EQ(at["a"], 3);
  EXPECT_EQ(at["b"], 3);
  picker = picker_of(64, 1, {.requests_max = 6, .requests_per_peer_max = 4});
  picker.peers({peer("a", bits(64))});
  for (at.clear(); auto request = picker.next(start);) ++at[request->peer];
  EXPECT_EQ(at["a"], 4);
}

TEST(PiecePicker, NobodyIsAskedForWhatItDoesNotHave) {
  auto picker = picker_of(16);
  picker.peers({peer("a", only(16, {1, 2})), peer("b", only(16, {3}))});
  auto order = order_of(picker);
  EXPECT_THAT((std::set<std::size_t>{order.begin(), order.end()}), ElementsAre(1, 2, 3));
  EXPECT_EQ(picker.missing(), 13u);
  EXPECT_EQ(picker.wake_at(), piece_picker::time_point::max()) << "only news help";
  EXPECT_FALSE(picker.all_avoided());
  picker.peers({peer("b", bits(16))});
  EXPECT_EQ(order_of(picker).size(), 13u);
}

TEST(PiecePicker, WhoLiedIsNamedAndNeverAskedAgain) {
  auto picker = picker_of(8);
  picker.peers({peer("liar", bits(8))});
  picker.lied(picker.next(start)->ticket, "chunk 3 does not match");
  EXPECT_FALSE(picker.next(start));
  EXPECT_THAT(picker.avoided(), ElementsAre("liar: chunk 3 does not match"));
  EXPECT_TRUE(picker.all_avoided());
  picker.peers({{"liar", "https://elsewhere", bits(8)}, peer("good", bits(8))});
  EXPECT_FALSE(picker.all_avoided());
  EXPECT_EQ(picker.next(start)->peer, "good");
  picker.peers({{"liar", "https://elsewhere", bits(8)}});
  EXPECT_TRUE(picker.all_avoided());
}

TEST(PiecePicker, WhoFailsThreeTimesInARowIsAvoidedUntilItHasAnotherUrl) {
  auto picker = picker_of(8);
  picker.peers({peer("a", bits(8))});
  auto now = start;
  for (int i = 0; i < 3; ++i) {
    auto request = picker.next(now);
    ASSERT_TRUE(request) << i;
    picker.failed(request->ticket, "cannot connect", now);
    EXPECT_FALSE(picker.next(now)) << "not at once";
    if (i < 2) now = picker.wake_at();
  }
  EXPECT_FALSE(picker.next(now + 1h));
  EXPECT_THAT(picker.avoided(), ElementsAre("a: cannot connect"));
  picker.peers({peer("a", bits(8))});
  EXPECT_FALSE(picker.next(now + 1h)) << "the same one again";
  picker.peers({{"a", "https://a:2", bits(8)}});
  EXPECT_TRUE(picker.next(now));
  EXPECT_THAT(picker.avoided(), IsEmpty());
}

TEST(PiecePicker, RequestsThatWereUnderWayTogetherFailAsOne) {
  auto picker = picker_of(64);
  picker.peers({peer("a", bits(64))});
  std::vector<std::uint64_t> tickets;
  while (auto request = picker.next(start)) tickets.push_back(request->ticket);
  ASSERT_EQ(tickets.size(), 4u);
  for (auto ticket : tickets) picker.failed(ticket, "reset", start);
  EXPECT_THAT(picker.avoided(), IsEmpty());
  EXPECT_TRUE(picker.next(start + 1s));
  EXPECT_FALSE(picker.next(start + 1s)) << "one alone shows whether it is back";
}

TEST(PiecePicker, ASuccessEndsARowOfFailures) {
  auto picker = picker_of(64);
  picker.peers({peer("a", bits(64))});
  auto now = start;
  for (int i = 0; i < 8; ++i) {
    picker.failed(picker.next(now)->ticket, "reset", now);
    now += 1min;
    (void)picker.arrived(picker.next(now)->ticket, now);
  }
  EXPECT_THAT(picker.avoided(), IsEmpty());
}

TEST(PiecePicker, WhoLacksAPieceIsAskedForOthersAndIsNoFailure) {
  auto picker = picker_of(2);
  picker.peers({peer("a", bits(2))});
  for (int i = 0; i < 2; ++i) picker.lacks(picker.next(start)->ticket, false);
  EXPECT_FALSE(picker.next(start));
  EXPECT_THAT(picker.avoided(), IsEmpty());
  EXPECT_FALSE(picker.all_avoided());
  picker.peers({peer("a", bits(2))});
  EXPECT_TRUE(picker.next(start));
}

TEST(PiecePicker, WhatFailedIsAskedOfAnother) {
  auto picker = picker_of(1);
  picker.peers({peer("a", bits(1)), peer("b", bits(1))});
  auto first = picker.next(start);
  picker.failed(first->ticket, "reset", start);
  auto second = picker.next(start);
  ASSERT_TRUE(second);
  EXPECT_NE(first->peer, second->peer);
}

TEST(PiecePicker, TheLastOnesAreAskedForTwiceWhenTheyTakeTooLong) {
  auto picker = picker_of(2, 1, {.patience = 2, .patience_min = 10ms});
  picker.peers({peer("fast", only(2, {0})), peer("slow", bits(2))});
  // The usual time: 100 ms.
  auto one = picker.next(start), two = picker.next(start);
  ASSERT_TRUE(one && two);
  if (one->peer == "fast") std::swap(one, two);
  EXPECT_EQ(one->peer, "slow");
  EXPECT_THAT(picker.arrived(two->ticket, start + 100ms), IsEmpty());
  picker.peers({peer("fast", bits(2)), peer("slow", bits(2))});
  EXPECT_FALSE(picker.next(start + 150ms));
  EXPECT_EQ(picker.wake_at(), start + 200ms);
  auto again = picker.next(start + 200ms);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->peer, "fast");
  EXPECT_EQ(again->piece, one->piece);
  EXPECT_FALSE(picker.next(start + 1h)) << "not a third time";
  EXPECT_THAT(picker.arrived(again->ticket, start + 210ms), ElementsAre(one->ticket));
  picker.cancelled(one->ticket);
  EXPECT_EQ(picker.missing(), 0u);
  EXPECT_EQ(picker.running(), 0u);
}

TEST(PiecePicker, ASourceAloneIsNotAskedTwice) {
  auto picker = picker_of(1);
  picker.peers({peer("a", bits(1))});
  ASSERT_TRUE(picker.next(start));
  EXPECT_FALSE(picker.next(start + 1h));
}

TEST(PiecePicker, BitsThatAreTooFewOrTooManyDoNoHarm) {
  auto picker = picker_of(10);
  picker.peers(
      {peer("few", {0xff}), peer("many", std::vector<std::uint8_t>(1000, 0xff)), peer("none", {})});
  EXPECT_EQ(order_of(picker).size(), 10u);
}

}  // namespace
}  // namespace tandem
