#include <algorithm>

#include "tests/unit/warm_up/warm_testing.hpp"

namespace tandem::testing {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::uint64_t seed = 7;

TEST(prefix_memory, SaysAgainWhatCameTwice) {
  prefix_memory memory{{}, seed};
  auto prompt = made_text("a", 1000);
  note(memory, prompt);
  EXPECT_EQ(memory.size(), 0) << "once is no reason to keep it";
  note(memory, prompt);
  auto picked = memory.pick("tiny", 20'000, 1, 0);
  ASSERT_THAT(picked, SizeIs(1));
  ASSERT_THAT(picked[0].turns, SizeIs(1));
  EXPECT_EQ(picked[0].turns[0].role, '2');
  // Whole blocks, and two bytes of role and mark before it.
  EXPECT_EQ(picked[0].turns[0].text, prompt.substr(0, 3 * 256 - 2));
  EXPECT_EQ(picked[0].tokens, 3 * 64);
  EXPECT_THAT(memory.pick("big", 20'000, 1, 0), IsEmpty());
}

TEST(prefix_memory, KeepsTheSharedHeadOfDifferentPromptsAlone) {
  prefix_memory memory{{}, seed};
  auto head = made_text("head", 2048);
  for (int i = 0; i < 10; ++i)
    note(memory, head + made_text("tail" + std::to_string(i) + "-", 2048));
  EXPECT_LE(memory.size(), 2048 / 256);
  auto picked = memory.pick("tiny", 20'000, 1, 0);
  ASSERT_THAT(picked, SizeIs(1));
  EXPECT_TRUE(head.starts_with(picked[0].turns[0].text));
  EXPECT_GE(picked[0].turns[0].text.size(), 2048 - 2 * 256);
}

TEST(prefix_memory, CountsWhatTwoPrefixesShareOnce) {
  prefix_memory memory{{}, seed};
  auto head = made_text("head", 2046);
  for (int i = 0; i < 3; ++i)
    for (const auto* tail : {"x", "y"}) note(memory, head + made_text(tail, 512));
  auto picked = memory.pick("tiny", 20'000, 1, 0);
  ASSERT_THAT(picked, SizeIs(2));
  EXPECT_EQ(picked[0].tokens + picked[1].tokens, (8 + 2 + 2) * 64);
  EXPECT_EQ(std::min(picked[0].tokens, picked[1].tokens), 2 * 64);
}

TEST(prefix_memory, TheBudgetGoesToWhatComesMostOften) {
  prefix_memory memory{{}, seed};
  auto rare = made_text("rare", 4096);
  auto hot = made_text("hot", 4096);
  for (int i = 0; i < 2; ++i) note(memory, rare);
  for (int i = 0; i < 9; ++i) note(memory, hot);
  auto picked = memory.pick("tiny", 600, 1, 0);
  ASSERT_THAT(picked, SizeIs(1));
  EXPECT_LE(picked[0].tokens, 600);
  EXPECT_TRUE(hot.starts_with(picked[0].turns[0].text));
}

TEST(prefix_memory, WhatIsNotSeenAnyMoreIsNotReplayed) {
  prefix_memory memory{{.life_s = 600}, seed};
  for (int i = 0; i < 4; ++i) note(memory, made_text("a", 1000), 10);
  EXPECT_THAT(memory.pick("tiny", 20'000, 1, 20), SizeIs(1));
  EXPECT_THAT(memory.pick("tiny", 20'000, 16, 20), IsEmpty()) << "spread over so many engines";
  EXPECT_THAT(memory.pick("tiny", 20'000, 1, 10 + 4 * 600), IsEmpty());
}

TEST(prefix_memory, TheModelsOwnWordsAreWorthACallAlone) {
  prefix_memory memory{{}, seed};
  for (int i = 0; i < 3; ++i) note(memory, "short " + std::to_string(i), 0, "tiny", 500);
  auto picked = memory.pick("tiny", 20'000, 1, 0);
  ASSERT_THAT(picked, SizeIs(1));
  EXPECT_EQ(picked[0].tokens, 500);
  EXPECT_THAT(picked[0].turns, SizeIs(1)) << "an engine needs a message";
}

TEST(prefix_memory, NeverTakesMoreThanItsBytes) {
  prefix_memory memory{{.bytes_max = 256 << 10, .roots_max = 4}, seed};
  for (int round = 0; round < 400; ++round) {
    auto prompt = made_text("p" + std::to_string(round) + "-", 9000);
    note(memory, prompt, round, "model" + std::to_string(round % 7));
    note(memory, prompt, round, "model" + std::to_string(round % 7));
    ASSERT_LE(memory.bytes(), 256 << 10);
  }
  EXPECT_GT(memory.size(), 0);
  EXPECT_THAT(memory.pick("model0", 20'000, 1, 400), Not(IsEmpty())) << "what came last is there";
}

TEST(prefix_memory, ManySortsOfCallsDoNotKeepOthersOut) {
  prefix_memory memory{{.roots_max = 4}, seed};
  for (int i = 0; i < 100; ++i) note(memory, "x", 0, "model" + std::to_string(i));
  for (int i = 0; i < 3; ++i) note(memory, made_text("a", 1000));
  EXPECT_THAT(memory.pick("tiny", 20'000, 1, 0), SizeIs(1));
}

TEST(prefix_memory, ALongPromptIsCutAndHostileBytesDoNoHarm) {
  prefix_memory memory{{.blocks_max = 8}, seed};
  std::string marks(5000, '\xff');
  std::string halves;
  for (int i = 0; i < 2000; ++i) halves += "\xf0\x9f\x98\x80";
  for (const auto& prompt : {made_text("a", 10'000'000), marks, halves, std::string{}}) {
    for (int i = 0; i < 3; ++i) EXPECT_THAT(note(memory, prompt).size(), ::testing::Le(9u));
    for (const auto& each : memory.pick("tiny", 20'000, 1, 0)) {
      EXPECT_THAT(each.turns, Not(IsEmpty()));
      EXPECT_LE(each.tokens, 8 * 64);
    }
  }
  auto picked = memory.pick("tiny", 20'000, 1, 0);
  auto whole = [&](const auto& each) {
    return halves.starts_with(each.turns[0].text) && each.turns[0].text.size() % 4 == 0;
  };
  EXPECT_TRUE(std::any_of(picked.begin(), picked.end(), whole)) << "cut between characters";
}

TEST(prefix_memory, MessagesComeBackInTheirOrder) {
  prefix_memory memory{{}, seed};
  auto first = made_text("first", 300);
  auto second = made_text("second", 300);
  std::vector<prompt_part> parts{{"1", first}, {"3", second}};
  std::vector<std::uint64_t> chain;
  for (int i = 0; i < 2; ++i)
    memory.note({.model = "tiny", .purpose = 1, .steps_max = 9, .messages = parts}, 0, chain);
  auto picked = memory.pick("tiny", 20'000, 1, 0);
  ASSERT_THAT(picked, SizeIs(1));
  EXPECT_EQ(picked[0].purpose, 1);
  EXPECT_EQ(picked[0].steps_max, 9);
  ASSERT_THAT(picked[0].turns, SizeIs(2));
  EXPECT_EQ(picked[0].turns[0].text, first);
  EXPECT_EQ(picked[0].turns[1].role, '3');
  EXPECT_TRUE(second.starts_with(picked[0].turns[1].text));
  EXPECT_THAT(chain, Contains(picked[0].mark));
}

}  // namespace
}  // namespace tandem::testing
