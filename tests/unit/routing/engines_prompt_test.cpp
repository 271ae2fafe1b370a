#include <set>
#include <string>

#include <gtest/gtest.h>

#include "actors/router/engines/engine_rates.hpp"
#include "actors/router/engines/prompt_blocks.hpp"

namespace tandem {
namespace {

prompt_blocks blocks_of(const std::vector<prompt_part>& parts, std::uint64_t seed = 1) {
  prompt_blocks out;
  prompt_hasher{seed}.from_text(parts, out);
  return out;
}

std::size_t common(const prompt_blocks& a, const prompt_blocks& b) {
  std::size_t n = 0;
  while (n < a.hashes.size() && n < b.hashes.size() && a.hashes[n] == b.hashes[n]) ++n;
  return n;
}

std::string words(std::size_t bytes, char from = 'a') {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(from + i * i % 23);
  return text;
}

TEST(prompt_blocks, ALongerTalkBeginsWithTheShorterOne) {
  auto system = words(1'000);
  auto first = words(3'000, 'b');
  auto answer = words(500, 'c');
  auto before = blocks_of({{"system", system}, {"user", first}});
  auto after =
      blocks_of({{"system", system}, {"user", first}, {"assistant", answer}, {"user", "go on"}});
  EXPECT_EQ(before.hashes.size(), (1'000 + 3'000 + 6 + 4 + 4) / prompt_hasher::block_bytes);
  EXPECT_EQ(common(before, after), before.hashes.size());
  EXPECT_EQ(before.tokens, 1'000u);
  EXPECT_EQ(before.tokens_in(2), 128u);
  EXPECT_EQ(before.tokens_in(1'000), 1'000u) << "never more than there are";
}

TEST(prompt_blocks, WhatDiffersEarlyHasNothingInCommonLater) {
  auto a = words(5'000);
  auto b = a;
  b[700] = '!';
  EXPECT_EQ(common(blocks_of({{"user", a}}), blocks_of({{"user", b}})), 2u);
  std::set<std::uint64_t> all;
  for (const auto& text : {a, b})
    for (auto hash : blocks_of({{"user", text}}).hashes) all.insert(hash);
  EXPECT_EQ(all.size(), 19u * 2 - 2);
}

TEST(prompt_blocks, RolesAndWhereMessagesEndCount) {
  auto text = words(1'000);
  EXPECT_EQ(common(blocks_of({{"user", text}}), blocks_of({{"system", text}})), 0u);
  auto whole = blocks_of({{"user", text}});
  auto cut = blocks_of({{"user", text.substr(0, 10)}, {"user", text.substr(10)}});
  EXPECT_EQ(common(whole, cut), 0u);
}

TEST(prompt_blocks, ChainsOfAnotherSeedHaveNothingInCommon) {
  auto text = words(10'000);
  EXPECT_EQ(common(blocks_of({{"user", text}}, 1), blocks_of({{"user", text}}, 2)), 0u);
  EXPECT_EQ(common(blocks_of({{"user", text}}, 1), blocks_of({{"user", text}}, 1)), 39u);
}

TEST(prompt_blocks, AHugePromptIsCutAndCounted) {
  std::string huge(10'000'000, 'x');
  auto out = blocks_of({{"user", huge}});
  EXPECT_EQ(out.hashes.size(), prompt_hasher::blocks_max);
  EXPECT_EQ(out.tokens, 2'500'000u);
  EXPECT_TRUE(blocks_of({}).hashes.empty());
  EXPECT_EQ(blocks_of({{"user", "short"}}).hashes.size(), 0u);
}

TEST(prompt_blocks, IdsOfATraceMakeChainsToo) {
  prompt_hasher hasher{1};
  prompt_blocks a, b;
  hasher.from_ids(std::vector<std::uint64_t>{0, 1, 2}, 512, 1'300, a);
  hasher.from_ids(std::vector<std::uint64_t>{0, 9, 2}, 512, 1'300, b);
  EXPECT_EQ(common(a, b), 1u);
  EXPECT_NE(a.hashes[2], b.hashes[2]);
  EXPECT_EQ(a.tokens_in(3), 1'300u);
}

engine_rates::call idle_call(double tokens, double seconds) {
  return {.computed_tokens = tokens, .first_token_s = seconds, .found_idle = true};
}

TEST(engine_rates, AreAPriorUntilSomethingIsMeasured) {
  engine_rates rates;
  EXPECT_EQ(rates.prefill(), engine_rates::prefill_prior);
  rates.learn(idle_call(10, 5));
  rates.learn({.computed_tokens = 1'000, .first_token_s = 0, .found_idle = true});
  rates.learn(idle_call(1e300, 1e-300));
  EXPECT_EQ(rates.prefill(), engine_rates::prefill_prior) << "nothing of it tells a speed";
}

TEST(engine_rates, AreLearnedFromFirstTokens) {
  engine_rates slow, fast;
  for (int i = 0; i < 8; ++i) {
    slow.learn(idle_call(1'000, 2));
    fast.learn(idle_call(1'000, 0.02));
  }
  EXPECT_NEAR(slow.prefill(), 500, 1);
  EXPECT_NEAR(fast.prefill(), 50'000, 1);
}

TEST(engine_rates, WaitingBehindOthersDoesNotMakeAnEngineSlow) {
  engine_rates rates;
  for (int i = 0; i < 100; ++i) {
    auto behind = idle_call(1'000, 0.1 + i % 7);
    behind.found_idle = false;
    if (i % 7 == 0) behind.found_idle = true;
    rates.learn(behind);
    // Others' calls that this router did not know of.
    if (i % 5 == 0) rates.learn(idle_call(1'000, 3));
  }
  EXPECT_NEAR(rates.prefill(), 10'000, 1);
}

TEST(engine_rates, AnEngineThatBecameSlowerIsSeen) {
  engine_rates rates;
  for (int i = 0; i < 100; ++i) rates.learn(idle_call(1'000, 0.1));
  for (int i = 0; i < 32; ++i) rates.learn(idle_call(1'000, 1));
  EXPECT_NEAR(rates.prefill(), 1'000, 1);
}

TEST(engine_rates, ACacheThatIsNotThereIsNotTrusted) {
  engine_rates rates;
  EXPECT_EQ(rates.trust(), 1);
  for (int i = 0; i < 40; ++i)
    rates.learn({.predicted_cached = 5'000, .cached = i == 0 ? 5'000.0 : 0.0});
  EXPECT_LT(rates.trust(), 0.05);
  for (int i = 0; i < 40; ++i) rates.learn({.predicted_cached = 5'000, .cached = 9'000});
  EXPECT_GT(rates.trust(), 0.9);
  EXPECT_LE(rates.trust(), 1);
}

TEST(engine_rates, WritingIsLearnedToo) {
  engine_rates rates;
  for (int i = 0; i < 300; ++i)
    rates.learn({.completion_tokens = 100, .writing_s = 1, .total_s = 3});
  EXPECT_NEAR(rates.decode(), 100, 1);
  EXPECT_NEAR(rates.call_s(), 3, 0.05);
}

}  // namespace
}  // namespace tandem
