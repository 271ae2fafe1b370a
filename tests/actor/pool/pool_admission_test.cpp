// What an engine takes at once, who waits there, and who is refused.

#include "tests/actor/pool/pool_fixture.hpp"

namespace tandem::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PoolAdmission : public Pool {
 protected:
  static wish takes(int ms, wish how = {.tier = "small"}) {
    how.prompt = "@sim {\"ms\":" + std::to_string(ms) + ",\"reply\":\"x\"}";
    return how;
  }
  engine_config one_at_a_time(std::uint32_t queue_max) {
    return {
        .name = "tiny-1", .kind = "sim", .model = "tiny", .concurrency = 1, .queue_max = queue_max};
  }
  /// Calls of about the same size, `clients` at once, for so long. What they take is by the engine.
  void press(std::uint32_t clients, std::chrono::milliseconds time) {
    for (std::chrono::milliseconds passed{0}; passed < time; passed += 10ms) {
      while (pressed_ < clients + results_.size())
        // Of several lengths: calls that are all alike end at once, and none is seen alone.
        send(1000 + pressed_,
             {.prompt = "@sim {\"tokens\":" + std::to_string(10 + 7 * pressed_++ % 21) + "}",
              .timeout_ms = 600'000,
              .tier = "small"});
      pass(10ms);
    }
  }
  std::uint32_t limit(const std::string& engine) {
    return engine_status(engine).read()->getLimit();
  }

  std::uint32_t pressed_ = 0;
};

// The engine's own batch is kept full; nothing waits until one has formed.
TEST_F(PoolAdmission, PlansThatComeAtOnceAreAtWorkAtOnceUpToTheBatch) {
  start_pool();
  add_engine({.name = "big-1", .kind = "sim", .model = "big", .concurrency = 8});
  wish plan = takes(100, {.tier = "large", .purpose = schema::Purpose::PLAN});
  for (std::uint32_t i = 1; i <= 20; ++i) {
    send(i, plan);
    auto status = engine_status("big-1");
    EXPECT_EQ(status.read()->getInFlight(), std::min(i, 8u));
    EXPECT_EQ(status.read()->getQueued(), i - std::min(i, 8u));
  }
  pass(100ms);
  EXPECT_EQ(results_.size(), 8u);
  EXPECT_EQ(engine_status("big-1").read()->getInFlight(), 8u) << "at the same moment";
  pass(100ms);
  EXPECT_EQ(results_.size(), 16u);
  EXPECT_EQ(engine_status("big-1").read()->getInFlight(), 4u);
}

TEST_F(PoolAdmission, AnEngineThatIsNotMeasuredYetGetsItsWholeBatchAtOnce) {
  start_pool();
  add_engine({.name = "big-1", .kind = "sim", .model = "big", .concurrency = 8, .adaptive = true});
  for (std::uint32_t i = 1; i <= 20; ++i)
    send(i, takes(100, {.tier = "large", .purpose = schema::Purpose::PLAN}));
  EXPECT_EQ(engine_status("big-1").read()->getInFlight(), 8u);
  for (int i = 0; i < 10; ++i) pass(100ms);
  EXPECT_EQ(results_.size(), 20u);
}

TEST_F(PoolAdmission, AFullQueueSaysWhenToComeBack) {
  start_pool();
  add_engine(one_at_a_time(2));
  send(1, takes(1000));
  pass(1000ms);
  for (std::uint32_t i = 2; i <= 4; ++i) send(i, takes(1000));
  send(5, takes(1000));
  ASSERT_TRUE(answered(5));
  EXPECT_EQ(results_.at(5).read()->getRetryAfterMs(), 3000u)
      << "one at work for a second, two wait";
  EXPECT_THAT(refusals_of(5), ElementsAre(HasSubstr("its queue is full (queue_max)")));
  for (int i = 0; i < 3; ++i) pass(1000ms);
  for (std::uint32_t i = 1; i <= 4; ++i) EXPECT_EQ(code(i), errc::unknown);
}

TEST_F(PoolAdmission, WhatCannotBeginBeforeItsTimeIsOverIsRefusedAtOnce) {
  start_pool();
  add_engine(one_at_a_time(100));
  send(1, takes(1000));
  pass(1000ms);
  for (std::uint32_t i = 2; i <= 4; ++i) send(i, takes(1000));
  auto hasty = takes(10);
  hasty.timeout_ms = 2500;
  send(5, hasty);
  ASSERT_TRUE(answered(5));
  EXPECT_EQ(results_.at(5).read()->getRetryAfterMs(), 3000u);
  EXPECT_THAT(refusals_of(5), ElementsAre(HasSubstr("it could not begin before its time is over")));
  hasty.timeout_ms = 3500;
  send(6, hasty);
  EXPECT_FALSE(answered(6));
  for (int i = 0; i < 4; ++i) pass(1000ms);
  EXPECT_EQ(code(6), errc::unknown);
}

TEST_F(PoolAdmission, WhoseTimeIsOverInTheQueueIsNeverBegun) {
  start_pool();
  add_engine(one_at_a_time(100));
  send(1, takes(1000));
  auto hasty = takes(10);
  hasty.timeout_ms = 300;
  send(2, hasty);
  EXPECT_EQ(engine_status("tiny-1").read()->getQueued(), 1u) << "nothing was measured yet";
  pass(300ms);
  EXPECT_EQ(engine_status("tiny-1").read()->getQueued(), 0u);
  EXPECT_EQ(code(2), errc::deadline_exceeded);
  EXPECT_THAT(error(2), HasSubstr("was over before it began"));
  pass(700ms);
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_EQ(engine_status("tiny-1").read()->getRequests(), 1u);
}

TEST_F(PoolAdmission, TenantsTakeTurnsInTheQueueOfAnEngine) {
  start_pool();
  add_engine(one_at_a_time(100));
  std::uint32_t number = 0;
  for (int i = 0; i < 20; ++i) send(++number, takes(100, {.tier = "small", .tenant = "many"}));
  for (int i = 0; i < 2; ++i) send(++number, takes(100, {.tier = "small", .tenant = "few"}));
  for (int i = 0; i < 6; ++i) pass(100ms);
  EXPECT_TRUE(answered(21));
  EXPECT_FALSE(answered(20));
  for (int i = 0; i < 16; ++i) pass(100ms);
  EXPECT_EQ(results_.size(), 22u);
}

TEST_F(PoolAdmission, TenantsTakeTurnsInTheQueueOfThePool) {
  start({.in_flight_max = 1, .queue_max = 100});
  std::uint32_t number = 0;
  for (int i = 0; i < 20; ++i)
    send(++number, takes(100, {.tier = "small", .tenant = "many", .max_tokens = 1000}));
  send(++number, takes(100, {.tier = "small", .tenant = "few", .max_tokens = 1000}));
  for (int i = 0; i < 4; ++i) pass(100ms);
  EXPECT_TRUE(answered(21));
  EXPECT_FALSE(answered(20));
}

TEST_F(PoolAdmission, AnEngineThatSlowsUnderLoadIsGivenLessAtOnceAndTheRouterKnows) {
  start_pool();
  engine_config slows{
      .name = "tiny-1", .kind = "sim", .model = "tiny", .concurrency = 32, .adaptive = true};
  slows.sim.per_token = 2ms;
  slows.sim.per_token_batch = 1ms;
  add_engine(slows);
  EXPECT_EQ(limit("tiny-1"), 0u) << "nothing was measured yet";
  press(40, 30s);
  auto status = engine_status("tiny-1");
  EXPECT_GE(status.read()->getLimit(), 1u);
  EXPECT_LE(status.read()->getLimit(), 8u);
  EXPECT_EQ(status.read()->getConcurrency(), 32u);
  EXPECT_LE(status.read()->getInFlight(), 8u);
  EXPECT_GT(status.read()->getQueued(), 20u);
  // Where there is another engine, the router sends it what this one cannot do at once.
  auto& other = hold_engine("tiny-2", "tiny");
  for (std::uint32_t i = 1; i <= 4; ++i) send(i, {.tier = "small"});
  EXPECT_EQ(other.calls.size(), 4u);
  while (!other.calls.empty()) other.answer({.text = "ok"});
  run();
}

TEST_F(PoolAdmission, AnEngineWhoseLatencyIsTheSameUnderLoadKeepsItsBatch) {
  start_pool();
  engine_config steady{
      .name = "tiny-1", .kind = "sim", .model = "tiny", .concurrency = 16, .adaptive = true};
  steady.sim.per_token = 5ms;
  add_engine(steady);
  press(40, 30s);
  EXPECT_GE(limit("tiny-1"), 15u);
}

TEST_F(PoolAdmission, AnEngineThatSays429IsGivenLessAtOnce) {
  start_pool();
  add_engine(
      {.name = "tiny-1", .kind = "sim", .model = "tiny", .concurrency = 16, .adaptive = true});
  for (std::uint32_t i = 1; i <= 16; ++i)
    send(i, {.prompt = "@sim {\"ms\":50,\"status\":429,\"retry_after_ms\":10}", .tier = "small"});
  EXPECT_EQ(limit("tiny-1"), 0u);
  pass(50ms);
  EXPECT_EQ(limit("tiny-1"), 12u) << "once for all that were sent together";
}

}  // namespace
}  // namespace tandem::testing
