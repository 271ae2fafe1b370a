// A second copy of a slow attempt; the first good reply counts.

#include "tests/actor/pool/pool_fixture.hpp"

namespace tandem::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Attempts of the small tier take 50 ms here; what takes longer is slow.
class PoolHedging : public Pool {
 protected:
  void start_taught(double share = 1, std::size_t engines = 2,
                    const executor_pool_services& services = {}) {
    executor_pool_config config;
    config.hedging = {.share = share, .quantile = 0.9, .delay_min = 10ms};
    start_pool(config, services);
    for (std::size_t i = 1; i <= engines; ++i)
      tiny_.push_back(&hold_engine("tiny-" + std::to_string(i), "tiny"));
    for (std::uint32_t i = 0; i < 20; ++i) {
      send(1'000 + i, {.tier = "small"});
      pass(50ms);
      for (auto* engine : tiny_)
        if (!engine->calls.empty()) engine->answer({.text = "x"});
      run();
      ASSERT_EQ(code(1'000 + i), errc::unknown);
    }
    order_.clear();
  }

  /// Sends one that becomes slow: the first engine has it, and the second is given a copy.
  void send_slow(std::uint32_t number, wish how = {.tier = "small"}) {
    how.hedge = true;
    send(number, how);
    ASSERT_THAT(tiny_[0]->calls, SizeIs(1));
    pass(45ms);
    ASSERT_THAT(tiny_[1]->calls, IsEmpty()) << "not slow yet";
    pass(20ms);
  }

  std::vector<held_engine*> tiny_;
};

TEST_F(PoolHedging, TheCopyWinsAndTheFirstIsCancelled) {
  start_taught();
  send_slow(1);
  ASSERT_THAT(tiny_[1]->calls, SizeIs(1));
  tiny_[1]->answer({.text = "fast", .prompt_tokens = 10, .completion_tokens = 5});
  run();
  EXPECT_THAT(tiny_[0]->cancels, ElementsAre("another engine was faster"));
  EXPECT_FALSE(answered(1)) << "what the other one has cost is not known yet";
  tiny_[0]->answer({.code = errc::cancelled, .prompt_tokens = 10, .completion_tokens = 2});
  run();
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_EQ(text_of(1), "fast");
  EXPECT_EQ(engine_of(1), "tiny-2");
  EXPECT_TRUE(results_.at(1).read()->getHedged());
  EXPECT_EQ(tokens_of(1), 27u);
  EXPECT_EQ(results_.at(1).read()->getUsage().getCalls(), 2u);
}

TEST_F(PoolHedging, ACopyIsOfTheSameWeights) {
  start_taught();
  serve(*tiny_[1], "2");
  send_slow(1);
  pass(100ms);
  EXPECT_THAT(tiny_[1]->calls, IsEmpty()) << "it serves others";
  tiny_[0]->answer({.text = "first"});
  run();
  EXPECT_EQ(text_of(1), "first");
}

TEST_F(PoolHedging, TheFirstMayStillWin) {
  start_taught();
  send_slow(1);
  tiny_[0]->answer({.text = "first"});
  run();
  EXPECT_THAT(tiny_[1]->cancels, SizeIs(1));
  tiny_[1]->answer({.text = "second"});
  run();
  EXPECT_EQ(text_of(1), "first");
  EXPECT_THAT(order_, ElementsAre(1u));
}

TEST_F(PoolHedging, AFailureOfOneIsMadeGoodByTheOther) {
  start_taught();
  send_slow(1);
  tiny_[0]->answer({.code = errc::engine_failed, .prompt_tokens = 3});
  run();
  EXPECT_FALSE(answered(1));
  tiny_[1]->answer({.text = "good", .prompt_tokens = 4});
  run();
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_EQ(text_of(1), "good");
  EXPECT_EQ(tokens_of(1), 7u);
}

TEST_F(PoolHedging, TwoFailuresAreOneFailureAndBothAreCounted) {
  start_taught();
  send_slow(1);
  tiny_[1]->answer({.code = errc::engine_failed, .prompt_tokens = 3});
  run();
  tiny_[0]->answer({.code = errc::engine_failed, .prompt_tokens = 4});
  run();
  EXPECT_EQ(code(1), errc::engine_failed);
  EXPECT_EQ(tokens_of(1), 7u);
}

TEST_F(PoolHedging, ARefusedCopyLeavesTheFirstAlone) {
  start_taught();
  send_slow(1);
  tiny_[1]->answer({.code = errc::overloaded});
  run();
  EXPECT_FALSE(answered(1));
  tiny_[0]->answer({.text = "first"});
  run();
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_THAT(refusals_of(1), SizeIs(1));
}

TEST_F(PoolHedging, TheFirstGoesOnWhereThereIsNoOtherEngine) {
  start_taught(1, 1);
  send(1, {.tier = "small", .hedge = true});
  pass(10s);
  tiny_[0]->answer({.text = "first"});
  run();
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_FALSE(results_.at(1).read()->getHedged());
}

TEST_F(PoolHedging, OnlyAttemptsThatAllowItAreCopied) {
  start_taught();
  send(1, {.tier = "small"});
  pass(10s);
  EXPECT_THAT(tiny_[1]->calls, IsEmpty());
}

TEST_F(PoolHedging, CopiesStayWithinTheirShare) {
  start_taught(0.06);
  send_slow(1);
  EXPECT_THAT(tiny_[1]->calls, SizeIs(1));
  tiny_[0]->answer({.text = "x"});
  tiny_[1]->answer({.text = "x"});
  run();
  send_slow(2);
  pass(10s);
  EXPECT_THAT(tiny_[1]->calls, IsEmpty());
}

TEST_F(PoolHedging, ACopyIsOfNoOtherTier) {
  start_taught(1, 1);
  auto& big = hold_engine("big-1", "big");
  send(1, {.hedge = true});
  ASSERT_THAT(tiny_[0]->calls, SizeIs(1)) << "the router chose the cheapest model";
  pass(10s);
  EXPECT_THAT(big.calls, IsEmpty()) << "ten times the price of what is slow";
}

TEST_F(PoolHedging, ADeadlineStopsBothAndCountsBoth) {
  start_taught();
  send_slow(1, {.timeout_ms = 500, .tier = "small"});
  pass(500ms);
  EXPECT_THAT(tiny_[0]->cancels, SizeIs(1));
  EXPECT_THAT(tiny_[1]->cancels, SizeIs(1));
  tiny_[0]->answer({.code = errc::cancelled, .prompt_tokens = 3});
  tiny_[1]->answer({.code = errc::cancelled, .prompt_tokens = 4});
  run();
  EXPECT_EQ(code(1), errc::deadline_exceeded);
  EXPECT_EQ(tokens_of(1), 7u);
}

TEST_F(PoolHedging, AnEngineThatRefusesWhileTheCopyIsRoutedIsNoDefect) {
  start_taught();
  send(1, {.tier = "small", .hedge = true});
  scheduler().advance_time(70ms);
  // The pool asks the router for a second engine, and then, before the router has answered:
  tiny_[0]->answer({.code = errc::overloaded});
  run();
  ASSERT_FALSE(answered(1)) << error(1);
  ASSERT_THAT(tiny_[1]->calls, SizeIs(1));
  tiny_[1]->answer({.text = "good"});
  run();
  EXPECT_EQ(code(1), errc::unknown);
}

TEST_F(PoolHedging, AFailureWhileTheCopyIsRoutedIsTheResult) {
  start_taught();
  send(1, {.tier = "small", .hedge = true});
  scheduler().advance_time(70ms);
  tiny_[0]->answer({.code = errc::engine_failed, .prompt_tokens = 5});
  run();
  EXPECT_EQ(code(1), errc::engine_failed);
  EXPECT_EQ(tokens_of(1), 5u);
  EXPECT_THAT(tiny_[1]->calls, IsEmpty());
}

TEST_F(PoolHedging, ACancelWhileTheCopyIsRoutedKeepsWhatTheFirstHasCost) {
  start_taught();
  send(1, {.tier = "small", .hedge = true});
  scheduler().advance_time(70ms);
  tiny_[0]->answer({.code = errc::engine_failed, .prompt_tokens = 5});
  cancel(1);
  EXPECT_TRUE(answered(1));
  EXPECT_EQ(tokens_of(1), 5u);
}

TEST_F(PoolHedging, TheJudgeOfAQuickAnswerIsNotCopied) {
  start_taught();
  auto& judge = hold_engine("big-1", "big");
  auto& other = hold_engine("big-2", "big");
  send(1, {.tier = "small", .check_kind = "judge", .check_argument = "is right", .hedge = true});
  pass(30ms);
  tiny_[0]->answer({.text = "42"});
  run();
  ASSERT_THAT(judge.calls, SizeIs(1));
  pass(200ms);
  EXPECT_THAT(other.calls, IsEmpty());
  EXPECT_THAT(judge.calls, SizeIs(1));
}

TEST_F(PoolHedging, ACopyIsReservedForItsTenantOrNotSent) {
  executor_pool_services services;
  services.tenants =
      std::make_shared<tenant_ledger>(std::vector<tenant_config>{{.name = "acme", .tokens = 300}});
  start_taught(1, 2, services);
  send_slow(1, {.prompt = "add 1 2", .tier = "small", .tenant = "acme"});
  EXPECT_THAT(tiny_[1]->calls, IsEmpty()) << "two of them might cost more than the budget";
  tiny_[0]->answer({.text = "first", .prompt_tokens = 1});
  run();
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_FALSE(results_.at(1).read()->getHedged());
}

}  // namespace
}  // namespace tandem::testing
