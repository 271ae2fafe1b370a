// Engines that refuse, fail, lie or are too dear, and what an attempt does then.

#include "actors/engine/prompt_profile.hpp"
#include "tests/actor/pool/pool_fixture.hpp"

namespace tandem::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const wish small{.tier = "small"};

class PoolEngines : public Pool {
 protected:
  std::uint64_t requests(const std::string& engine) {
    return engine_status(engine).read()->getRequests();
  }
  schema::Health health(const std::string& engine) {
    return engine_status(engine).read()->getHealth();
  }
};

TEST_F(PoolEngines, GoesElsewhereAtOnceWhenAnEngineRefuses) {
  start_pool();
  auto& first = hold_engine("tiny-1", "tiny");
  auto& second = hold_engine("tiny-2", "tiny");
  for (auto code : {errc::overloaded, errc::unavailable}) {
    results_.clear();
    send(1, small);
    first.answer({.code = code, .retry_after_ms = 900});
    run();
    ASSERT_FALSE(answered(1));
    second.answer({.text = "3", .prompt_tokens = 5, .completion_tokens = 1});
    run();
    ASSERT_TRUE(answered(1));
    EXPECT_EQ(this->code(1), errc::unknown);
    EXPECT_EQ(text_of(1), "3");
    EXPECT_EQ(engine_of(1), "tiny-2");
    EXPECT_THAT(refusals_of(1), ElementsAre("tiny-1: as the test says"));
    EXPECT_EQ(tokens_of(1), 6u);
    EXPECT_THAT(first.calls, IsEmpty());
  }
}

TEST_F(PoolEngines, TriesSoManyAndThenSaysWhenToComeBack) {
  start_pool({.engines_tried_max = 2});
  std::vector<held_engine*> all;
  for (const auto* name : {"tiny-1", "tiny-2", "tiny-3"}) all.push_back(&hold_engine(name, "tiny"));
  send(1, small);
  all[0]->answer({.code = errc::overloaded, .retry_after_ms = 300});
  run();
  all[1]->answer({.code = errc::unavailable, .retry_after_ms = 700});
  run();
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(code(1), errc::unavailable);
  EXPECT_EQ(results_.at(1).read()->getRetryAfterMs(), 300u) << "the first that may be free again";
  EXPECT_THAT(refusals_of(1), SizeIs(2));
  EXPECT_THAT(all[2]->calls, IsEmpty());
}

TEST_F(PoolEngines, SaysWhenToComeBackWhenAllThereAreHaveRefused) {
  start_pool();
  auto& first = hold_engine("tiny-1", "tiny");
  auto& second = hold_engine("tiny-2", "tiny");
  send(1, small);
  first.answer({.code = errc::overloaded, .retry_after_ms = 5000});
  run();
  second.answer({.code = errc::overloaded, .retry_after_ms = 400});
  run();
  EXPECT_EQ(code(1), errc::unavailable);
  EXPECT_EQ(results_.at(1).read()->getRetryAfterMs(), 400u);
  EXPECT_THAT(refusals_of(1), SizeIs(2));
}

TEST_F(PoolEngines, AFailureIsNoRefusal) {
  start_pool();
  auto& first = hold_engine("tiny-1", "tiny");
  auto& second = hold_engine("tiny-2", "tiny");
  send(1, small);
  first.answer({.code = errc::engine_failed, .prompt_tokens = 4});
  run();
  EXPECT_EQ(code(1), errc::engine_failed) << "the job's ladder decides what is next";
  EXPECT_EQ(tokens_of(1), 4u);
  EXPECT_THAT(second.calls, IsEmpty());
}

TEST_F(PoolEngines, AnEngineThatAskedToWaitIsLeftAloneUntilThen) {
  start_pool();
  add_engine("tiny-1", "tiny");
  send(1, {.prompt = "@sim {\"status\":429,\"retry_after_ms\":1000,\"fail_first\":1}",
           .tier = "small"});
  EXPECT_EQ(code(1), errc::unavailable);
  EXPECT_EQ(results_.at(1).read()->getRetryAfterMs(), 1000u);
  EXPECT_EQ(health("tiny-1"), schema::Health::BUSY);
  add_engine("tiny-2", "tiny");
  for (std::uint32_t i = 2; i < 6; ++i) {
    send(i, small);
    EXPECT_EQ(engine_of(i), "tiny-2");
    EXPECT_THAT(refusals_of(i), IsEmpty()) << "the router knows";
  }
  pass(1001ms);
  EXPECT_EQ(health("tiny-1"), schema::Health::HEALTHY);
  send(6, small);
  EXPECT_EQ(engine_of(6), "tiny-1");
}

TEST_F(PoolEngines, WhoWaitsInAnEngineThatBecomesBusyGoesElsewhere) {
  start_pool();
  add_engine("tiny-1", "tiny", 1);
  send(1, {.prompt = "@sim {\"ms\":200,\"status\":429,\"retry_after_ms\":9000}", .tier = "small"});
  send(2, small);
  EXPECT_EQ(engine_status("tiny-1").read()->getQueued(), 1u);
  auto& other = hold_engine("tiny-2", "tiny");
  pass(200ms);
  EXPECT_THAT(other.calls, SizeIs(2));
  EXPECT_EQ(engine_status("tiny-1").read()->getQueued(), 0u);
  while (!other.calls.empty()) other.answer({.text = "ok"});
  run();
  EXPECT_EQ(code(2), errc::unknown);
  EXPECT_THAT(refusals_of(2), ElementsAre(HasSubstr("tiny-1: ")));
}

TEST_F(PoolEngines, AnEngineThatFailsAndFailsIsTriedAgainByOneRequestAtATime) {
  start_pool();
  add_engine({.name = "tiny-1",
              .kind = "sim",
              .model = "tiny",
              .breaker = {.failures = 2, .pause = 500ms, .pause_max = 2000ms}});
  wish broken{.prompt = "@sim {\"error\":\"engine_failed\"}", .tier = "small"};
  send(1, broken);
  send(2, broken);
  EXPECT_EQ(code(2), errc::engine_failed);
  EXPECT_EQ(engine_status("tiny-1").read()->getBreaker(), schema::Breaker::OPEN);
  send(3, small);
  EXPECT_EQ(code(3), errc::unavailable);
  EXPECT_EQ(requests("tiny-1"), 2u);
  pass(501ms);
  send(4, {.prompt = "@sim {\"ms\":50,\"reply\":\"x\"}", .tier = "small"});
  send(5, small);
  EXPECT_EQ(code(5), errc::unavailable);
  EXPECT_THAT(refusals_of(5), ElementsAre(HasSubstr("is being tried again")));
  pass(50ms);
  EXPECT_EQ(code(4), errc::unknown);
  EXPECT_EQ(engine_status("tiny-1").read()->getBreaker(), schema::Breaker::CLOSED);
  send(6, small);
  EXPECT_EQ(code(6), errc::unknown);
}

TEST_F(PoolEngines, AnEngineTellsItsChangesAndWhy) {
  start_pool();
  add_engine({.name = "tiny-1", .kind = "sim", .model = "tiny", .breaker = {.failures = 1}});
  send(1, {.prompt = "@sim {\"error\":\"engine_failed\"}", .tier = "small"});
  auto status = engine_status("tiny-1");
  auto reader = status.read();
  ASSERT_EQ(reader->getChanges().size(), 2u);
  EXPECT_EQ(reader->getChanges()[0].getHealth(), schema::Health::HEALTHY);
  EXPECT_EQ(reader->getChanges()[1].getHealth(), schema::Health::UNHEALTHY);
  EXPECT_THAT(std::string{view(reader->getChanges()[1].getReason())},
              HasSubstr("simulated error, as the prompt asks"));
  EXPECT_GT(reader->getBusyUntilMs(), 0u);
  EXPECT_EQ(reader->getFailures(), 1u);
}

TEST_F(PoolEngines, CountsNoMoreThanACallCanHaveUsed) {
  start_pool();
  add_engine("tiny-1", "tiny");
  wish liar{.prompt = "@sim {\"usage\":1000000,\"reply\":\"x\"}", .tier = "small", .max_tokens = 7};
  send(1, liar);
  auto usage = results_.at(1).read()->getUsage();
  EXPECT_EQ(usage.getCompletionTokens(), 7u);
  EXPECT_EQ(usage.getPromptTokens(), prompt_tokens_bound(liar.prompt.size(), 1));
  EXPECT_LE(usage.getCachedPromptTokens(), usage.getPromptTokens());
  EXPECT_EQ(usage.getCostNanousd(), static_cast<std::int64_t>(usage.getPromptTokens() + 7) * 1000);
}

TEST_F(PoolEngines, SendsNothingThatMayCostMoreThanIsAllowed) {
  // The router does not know the profile; the engine does.
  models_[1].step_system = std::string(300, 's');
  start_pool();
  add_engine("tiny-1", "tiny");
  wish asked{.prompt = "add", .tier = "small", .max_tokens = 10};
  auto tokens = prompt_tokens_bound(303, 2) + 10;
  asked.allowance = {tokens - 1, 0};
  send(1, asked);
  EXPECT_EQ(code(1), errc::budget_exceeded);
  EXPECT_THAT(error(1), HasSubstr("left of the budget; submit again with more"));
  EXPECT_EQ(tokens_of(1), 0u);
  EXPECT_EQ(requests("tiny-1"), 0u);
  EXPECT_EQ(health("tiny-1"), schema::Health::HEALTHY);
  asked.allowance = {0, static_cast<std::int64_t>(tokens) * 1000 - 1};
  send(2, asked);
  EXPECT_EQ(code(2), errc::budget_exceeded);
  asked.allowance = {tokens, static_cast<std::int64_t>(tokens) * 1000};
  send(3, asked);
  EXPECT_EQ(code(3), errc::unknown);
  EXPECT_EQ(requests("tiny-1"), 1u);
}

TEST_F(PoolEngines, AModelThatIsTooDearIsLeftOut) {
  start();
  wish asked{.prompt = "add", .tier = "large", .max_tokens = 10};
  asked.allowance = {0, 900'000};
  send(1, asked);
  EXPECT_EQ(code(1), errc::budget_exceeded);
  EXPECT_THAT(error(1), HasSubstr("more than is left of the budget: submit again with more"));
  asked.tier = "";
  send(2, asked);
  EXPECT_EQ(engine_of(2), "tiny-1");
}

TEST_F(PoolEngines, WaitsForWhatAStoppedCallHasCost) {
  start_pool();
  auto& engine = hold_engine("tiny-1", "tiny");
  auto late = small;
  late.timeout_ms = 100;
  send(1, late);
  pass(150ms);
  EXPECT_THAT(engine.cancels, ElementsAre("no reply within 100 ms"));
  EXPECT_FALSE(answered(1));
  pass(500ms);
  engine.answer({.code = errc::cancelled, .prompt_tokens = 11, .completion_tokens = 2});
  run();
  EXPECT_EQ(code(1), errc::deadline_exceeded);
  EXPECT_EQ(tokens_of(1), 13u);
  EXPECT_EQ(results_.at(1).read()->getFinish(), schema::Finish::CANCELLED);
}

TEST_F(PoolEngines, WaitsASecondForItAndNoLonger) {
  start_pool();
  auto& engine = hold_engine("tiny-1", "tiny");
  auto late = small;
  late.timeout_ms = 100;
  send(1, late);
  pass(150ms);
  pass(900ms);
  EXPECT_FALSE(answered(1));
  pass(150ms);
  EXPECT_EQ(code(1), errc::deadline_exceeded);
  engine.answer({.text = "late", .prompt_tokens = 1});
  run();
  EXPECT_THAT(order_, ElementsAre(1u));
  send(2, small);
  engine.answer({.text = "ok"});
  run();
  EXPECT_EQ(code(2), errc::unknown);
}

TEST_F(PoolEngines, ATimeoutBeyondAllClocksIsAYear) {
  start_pool();
  auto& engine = hold_engine("tiny-1", "tiny");
  auto patient = small;
  patient.timeout_ms = std::numeric_limits<std::uint64_t>::max();
  send(1, patient);
  pass(1h);
  EXPECT_THAT(engine.cancels, IsEmpty());
  engine.answer({.text = "ok"});
  run();
  EXPECT_EQ(code(1), errc::unknown);
}

TEST_F(PoolEngines, NamesItsOwnTimeoutWhereTheAttemptNamesNone) {
  start_pool();
  auto& engine = hold_engine("tiny-1", "tiny");
  auto late = small;
  late.timeout_ms = 0;
  send(1, late);
  pass(10min + 50ms);
  engine.answer({.code = errc::cancelled});
  run();
  EXPECT_EQ(code(1), errc::deadline_exceeded);
  EXPECT_THAT(error(1), HasSubstr("600000 ms"));
}

TEST_F(PoolEngines, ACancelledCallSaysWhatItHasCost) {
  start_pool();
  auto& engine = hold_engine("tiny-1", "tiny");
  send(1, small);
  cancel(1);
  cancel(1);
  EXPECT_THAT(engine.cancels, SizeIs(1));
  engine.answer({.code = errc::cancelled, .prompt_tokens = 9});
  run();
  EXPECT_EQ(code(1), errc::cancelled);
  EXPECT_EQ(tokens_of(1), 9u);
}

TEST_F(PoolEngines, AnEngineAnswersAProbeWithItsStatus) {
  start();
  caf::scoped_actor self{*system_};
  message_builder<schema::EngineQuery> query;
  query->setName("tiny-1");
  auto pending = self->request(engines_.at("tiny-1"), caf::infinite, engine_atom_v, query.finish());
  run();
  tmsg::engrep report;
  pending.receive([&](const tmsg::engrep& reply) { report = reply; },
                  [](const caf::error& err) { FAIL() << message_of(err); });
  EXPECT_EQ(view(report.read()->getStatus().getName()), "tiny-1");
  EXPECT_EQ(view(report.read()->getStatus().getServer()), "simulated");
}

// Each is over as soon as it begins: ends must not nest.
TEST_F(PoolEngines, EndsALongQueueWithoutRunningOutOfStack) {
  constexpr std::uint32_t many = 20'000;
  start({.in_flight_max = 1, .queue_max = 2 * many});
  send(1, {.prompt = "@sim {\"ms\":50,\"reply\":\"x\"}"});
  std::uint32_t ended = 0;
  system_->spawn([this, &ended](caf::event_based_actor* self) {
    wish given{.check_kind = "number", .purpose = schema::Purpose::VERIFY, .output = "42"};
    for (std::uint32_t i = 0; i < many; ++i)
      self->request(pool_, caf::infinite, attempt_atom_v, attempt(10 + i, given), chunk_sink{})
          .then([&ended](const tmsg::attres&) { ++ended; });
  });
  run();
  EXPECT_EQ(ended, 0u);
  pass(50ms);
  EXPECT_EQ(ended, many);
}

}  // namespace
}  // namespace tandem::testing
