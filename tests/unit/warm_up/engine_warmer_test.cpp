#include "actors/warm_up/engine_warmer.hpp"

#include "tests/unit/warm_up/warm_testing.hpp"

namespace tandem::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using outcome = engine_warmer::outcome;

class EngineWarmer : public ::testing::Test {
 protected:
  explicit EngineWarmer(std::uint64_t budget = 8000)
      : warmer{{.budget_tokens = budget, .patience_s = 60, .window_s = 100}, 7} {}

  bool serves(const std::string& life, bool does = true, double now_s = 0) {
    return warmer.on_engine({.name = "e", .model = "tiny", .life = life, .serves = does}, now_s);
  }
  /// Remembers it, and returns how a call that begins so is named.
  std::vector<std::uint64_t> hot(const std::string& prompt) {
    for (int i = 0; i < 3; ++i) note(warmer.memory(), prompt);
    return note(warmer.memory(), prompt);
  }
  /// All that it wants to replay on one life of the engine.
  std::size_t replay(const std::string& life, double now_s = 0) {
    std::size_t count = 0;
    for (; auto next = warmer.next("e", now_s); ++count)
      warmer.on_reply("e", life, outcome::read, next->tokens, now_s);
    return count;
  }

  engine_warmer warmer;
};

TEST_F(EngineWarmer, AnEngineIsColdAtItsStartAndWithEachNewLife) {
  hot(made_text("a", 2000));
  EXPECT_TRUE(serves("1"));
  EXPECT_EQ(replay("1"), 1);
  EXPECT_FALSE(serves("1")) << "it is warm";
  EXPECT_FALSE(serves("1", false));
  EXPECT_FALSE(serves("1")) << "it was ill, and is the same";
  EXPECT_FALSE(serves("2", false)) << "it does not serve yet";
  EXPECT_TRUE(serves("2"));
  EXPECT_EQ(replay("2"), 1);
}

TEST_F(EngineWarmer, OneAtATimeAndWhatMetWorkComesAgain) {
  hot(made_text("a", 2000));
  hot(made_text("b", 2000));
  ASSERT_TRUE(serves("1"));
  auto first = warmer.next("e", 0);
  ASSERT_TRUE(first);
  EXPECT_FALSE(warmer.next("e", 0));
  warmer.on_reply("e", "1", outcome::busy, 0, 0);
  auto again = warmer.next("e", 1);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->mark, first->mark);
  warmer.on_reply("e", "1", outcome::failed, 0, 1);
  EXPECT_TRUE(warmer.next("e", 1)) << "the other one";
  warmer.on_reply("e", "1", outcome::busy, 0, 1);
  EXPECT_FALSE(warmer.next("e", 100)) << "too late";
  EXPECT_EQ(warmer.total().replayed, 0);
}

TEST_F(EngineWarmer, AReplyOfAnEarlierLifeIsOfNoUse) {
  auto chain = hot(made_text("a", 2000));
  ASSERT_TRUE(serves("1"));
  ASSERT_TRUE(warmer.next("e", 0));
  ASSERT_TRUE(serves("2"));
  warmer.on_reply("e", "1", outcome::read, 500, 0);
  EXPECT_THAT(warmer.expected("e", chain), IsEmpty());
  EXPECT_EQ(replay("2"), 1);
  EXPECT_THAT(warmer.expected("e", chain), SizeIs(1));
}

TEST_F(EngineWarmer, WasteHalvesTheBudgetAndUseBringsItBack) {
  auto chain = hot(made_text("a", 2000));
  ASSERT_TRUE(serves("1"));
  ASSERT_EQ(replay("1"), 1);
  warmer.expire(99);
  EXPECT_EQ(warmer.total().wasted, 0) << "its time is not over";
  warmer.expire(101);
  EXPECT_EQ(warmer.total().wasted, 1);
  EXPECT_EQ(warmer.budget("tiny"), 4000);
  EXPECT_EQ(warmer.budget("big"), 8000);
  EXPECT_THAT(warmer.expected("e", chain), IsEmpty());
  ASSERT_TRUE(serves("2"));
  ASSERT_EQ(replay("2"), 1);
  auto replays = warmer.expected("e", chain);
  ASSERT_THAT(replays, SizeIs(1));
  EXPECT_GT(replays[0].tokens, 200);
  warmer.on_used("e", replays, 64);
  EXPECT_EQ(warmer.total().used, 0) << "a first block that all have in common is no use of it";
  warmer.on_used("e", replays, 200);
  warmer.on_used("e", replays, 200);
  EXPECT_EQ(warmer.total().used, 1) << "each once";
  warmer.expire(101);
  EXPECT_EQ(warmer.budget("tiny"), 8000);
  EXPECT_EQ(warmer.total().wasted, 1);
}

TEST_F(EngineWarmer, ItNeverStopsToTryUnlessItIsOff) {
  warm_budget budget{8000};
  for (int i = 0; i < 40; ++i) budget.on_window(0, 3);
  EXPECT_EQ(budget.tokens(), 512);
  for (int i = 0; i < 40; ++i) budget.on_window(3, 0);
  EXPECT_EQ(budget.tokens(), 8000);
  warm_budget none{0};
  none.on_window(3, 0);
  EXPECT_EQ(none.tokens(), 0);
}

TEST_F(EngineWarmer, WarmsAgainWhenItIsTold) {
  hot(made_text("a", 2000));
  ASSERT_TRUE(serves("1"));
  ASSERT_EQ(replay("1"), 1);
  EXPECT_FALSE(warmer.warm_again("other", 1));
  EXPECT_TRUE(warmer.warm_again("e", 1));
  EXPECT_EQ(replay("1", 1), 1);
  warmer.on_gone("e");
  EXPECT_FALSE(warmer.warm_again("e", 1));
}

/// Jobs that read, and then write with a prompt of their kind.
class EngineWarmerAhead : public EngineWarmer {
 protected:
  std::vector<std::string> call(std::uint64_t job, const std::string& kind, double now_s,
                                const std::string& engine = "e") {
    auto chain =
        note(warmer.memory(), made_text(kind, 2000) + " of job " + std::to_string(job), now_s);
    return warmer.on_call(
        {.job = job, .model = "tiny", .kind = kind, .chain = chain, .engine = engine}, now_s);
  }
  void learn(double now_s) {
    for (std::uint64_t job = 1; job <= 5; ++job) {
      EXPECT_THAT(call(job, "read", now_s), IsEmpty()) << "it was written here lately";
      EXPECT_THAT(call(job, "write", now_s), IsEmpty());
    }
  }
  bool add(const std::string& name) {
    return warmer.on_engine({.name = name, .model = "tiny", .life = "1", .serves = true}, 0);
  }
};

TEST_F(EngineWarmerAhead, WhatUsuallyComesNextIsReplayedWhereItWasNotReadForLong) {
  add("e");
  learn(1);
  EXPECT_THAT(call(10, "read", 100), IsEmpty());
  EXPECT_THAT(call(11, "read", 700), ::testing::ElementsAre("e"));
  EXPECT_THAT(call(12, "read", 701), IsEmpty()) << "it is under way";
  auto next = warmer.next("e", 701);
  ASSERT_TRUE(next);
  EXPECT_GE(next->tokens, 400);
  EXPECT_EQ(next->turns.at(0).text.substr(0, 12), made_text("write", 12));
  warmer.on_reply("e", "1", outcome::read, next->tokens, 702);
  EXPECT_FALSE(warmer.next("e", 702));
  auto chain = note(warmer.memory(), made_text("write", 2000) + " of job 11", 703);
  warmer.on_used("e", warmer.expected("e", chain), 500);
  EXPECT_EQ(warmer.total().used, 1);
}

TEST_F(EngineWarmerAhead, AnotherEngineThanTheBusyOneIsChosen) {
  add("e");
  add("f");
  learn(1);
  EXPECT_THAT(call(11, "read", 700, "e"), ::testing::ElementsAre("f"));
}

TEST_F(EngineWarmerAhead, OneThatHasItIsEnough) {
  add("e");
  add("f");
  learn(1);
  call(10, "write", 650, "f");
  EXPECT_THAT(call(11, "read", 700, "e"), IsEmpty());
}

TEST_F(EngineWarmerAhead, ANewLifeHasReadNothing) {
  add("e");
  learn(1);
  ASSERT_TRUE(serves("2", true, 2));
  replay("2", 2);
  EXPECT_THAT(call(11, "read", 3), ::testing::ElementsAre("e"));
}

TEST_F(EngineWarmerAhead, WhatCostsMoreThanTheBudgetIsLeftOut) {
  warmer = engine_warmer{{.budget_tokens = 100}, 7};
  add("e");
  learn(1);
  EXPECT_THAT(call(11, "read", 700), IsEmpty());
}

}  // namespace
}  // namespace tandem::testing
