// The way of an attempt through pool, router and a simulated engine. Time moves when the test says
// so.

#include "tests/actor/pool/pool_fixture.hpp"

namespace tandem::testing {
namespace {

TEST_F(Pool, AnswersWithWhoDidItAndWhatItCost) {
  start();
  send(1, {.prompt = "add 1 2 @sim {\"reply\":\"3\"}"});
  ASSERT_TRUE(answered(1));
  auto result = results_.at(1).read();
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_EQ(view(result->getText()), "3");
  EXPECT_EQ(view(result->getModel()), "tiny");
  EXPECT_EQ(view(result->getEngine()), "tiny-1");
  EXPECT_EQ(result->getDecision(), 0u) << "a policy that does not learn waits for no reward";
  EXPECT_TRUE(result->getSimulated());
  EXPECT_GT(result->getUsage().getCostNanousd(), 0);
  EXPECT_EQ(result->getUsage().getCostAllLargeNanousd(), 10 * result->getUsage().getCostNanousd());
}

TEST_F(Pool, TakesTheTierThatIsAskedFor) {
  start();
  send(1, {.tier = "large"});
  EXPECT_EQ(view(results_.at(1).read()->getModel()), "big");
}

TEST_F(Pool, RefusesATierThatDoesNotExist) {
  start();
  send(1, {.tier = "huge"});
  EXPECT_EQ(code(1), errc::invalid_argument);
}

TEST_F(Pool, RefusesBeyondItsQueueAndServesTheRest) {
  start({.in_flight_max = 1, .queue_max = 1});
  wish slow{.prompt = "@sim {\"ms\":50,\"reply\":\"x\"}"};
  send(1, slow);
  send(2, slow);
  send(3, slow);
  EXPECT_FALSE(answered(1));
  ASSERT_TRUE(answered(3));
  EXPECT_EQ(code(3), errc::overloaded);
  pass(50ms);
  pass(50ms);
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_EQ(code(2), errc::unknown);
}

TEST_F(Pool, ServesTheHigherPriorityFirst) {
  start({.in_flight_max = 1, .queue_max = 10});
  wish slow{.prompt = "@sim {\"ms\":50,\"reply\":\"x\"}"};
  send(1, slow);
  send(2, slow);
  slow.priority = 5;
  send(3, slow);
  for (int i = 0; i < 3; ++i) pass(50ms);
  EXPECT_EQ(order_, (std::vector<std::uint32_t>{1, 3, 2}));
}

TEST_F(Pool, EndsAnAttemptWhoseTimeIsUpAndFreesTheEngine) {
  start({.in_flight_max = 1, .queue_max = 4}, 1);
  send(1, {.prompt = "@sim {\"ms\":5000,\"reply\":\"late\"}", .timeout_ms = 100});
  send(2);
  EXPECT_FALSE(answered(1));
  pass(150ms);
  EXPECT_EQ(code(1), errc::deadline_exceeded);
  EXPECT_NE(error(1).find("100 ms"), std::string::npos);
  EXPECT_EQ(code(2), errc::unknown);
  pass(10s);
  EXPECT_EQ(results_.size(), 2u);
}

TEST_F(Pool, EndsAWaitingAttemptWhoseTimeIsUp) {
  start({.in_flight_max = 1, .queue_max = 4});
  send(1, {.prompt = "@sim {\"ms\":1000,\"reply\":\"x\"}"});
  send(2, {.timeout_ms = 100});
  pass(150ms);
  EXPECT_EQ(code(2), errc::deadline_exceeded);
  EXPECT_FALSE(answered(1));
  pass(1s);
  EXPECT_EQ(code(1), errc::unknown);
  send(3);
  EXPECT_EQ(code(3), errc::unknown);
}

TEST_F(Pool, CancelsWhatWaitsAndWhatAnEngineHas) {
  start({.in_flight_max = 1, .queue_max = 4});
  wish slow{.prompt = "@sim {\"ms\":5000,\"reply\":\"x\"}"};
  send(1, slow);
  send(2, slow);
  cancel(2);
  EXPECT_EQ(code(2), errc::cancelled);
  EXPECT_FALSE(answered(1));
  cancel(1);
  EXPECT_EQ(code(1), errc::cancelled);
  cancel(99);
  send(3);
  EXPECT_EQ(code(3), errc::unknown);
}

TEST_F(Pool, RefusesAReplyThatFailsItsCheckAndKeepsItsCost) {
  start();
  send(1, {.prompt = "@sim {\"reply\":\"forty-two\"}", .check_kind = "number"});
  EXPECT_EQ(code(1), errc::invalid_output);
  EXPECT_GT(results_.at(1).read()->getUsage().getCostNanousd(), 0);
  send(2, {.prompt = "@sim {\"reply\":\"42\"}", .check_kind = "number"});
  EXPECT_EQ(code(2), errc::unknown);
}

TEST_F(Pool, SaysThatNoEngineIsThereWhenAllHaveDied) {
  start();
  for (auto& [name, engine] : engines_) caf::anon_send_exit(engine, caf::exit_reason::kill);
  run();
  send(1);
  EXPECT_EQ(code(1), errc::unavailable);
}

TEST_F(Pool, FailsWhatADyingEngineHadInFlight) {
  start();
  send(1, {.prompt = "@sim {\"ms\":5000,\"reply\":\"x\"}"});
  EXPECT_FALSE(answered(1));
  caf::anon_send_exit(engines_.at("tiny-1"), caf::exit_reason::kill);
  run();
  EXPECT_EQ(code(1), errc::engine_failed);
}

TEST_F(Pool, GoesOnWithANewRouter) {
  start();
  caf::anon_send_exit(router_, caf::exit_reason::kill);
  run();
  send(1);
  EXPECT_EQ(code(1), errc::unavailable);
  router_actor again = system_->spawn(
      router_behavior, router_start{.models = models_, .first_decision = std::uint64_t{8} << 32});
  actors_.push_back(caf::actor_cast<caf::actor>(again));
  caf::anon_send(pool_, wire_atom_v, again);
  for (auto& [name, engine] : engines_) caf::anon_send(engine, wire_atom_v, again);
  run();
  send(2);
  EXPECT_EQ(code(2), errc::unknown);
}

}  // namespace
}  // namespace tandem::testing
