// Engines of one node serve all: who gets an attempt, who answers it, what a lost node costs.

#include "tests/actor/exchange/exchange_fixture.hpp"

namespace tandem::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(Exchange, AnEngineOfAnotherNodeAnswers) {
  start_two();
  simulate(beta_, {.name = "tiny-1", .kind = "sim", .model = "tiny"});
  send(1, {.prompt = "@sim {\"reply\":\"3\"}", .tier = "small"});
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(code(1), errc::unknown) << error(1);
  EXPECT_EQ(text_of(1), "3");
  EXPECT_EQ(engine_of(1), "tiny-1@beta");
}

TEST_F(Exchange, WithoutAnyEngineAnAttemptIsToldSo) {
  start_two();
  send(1, small);
  EXPECT_EQ(code(1), errc::unavailable);
}

TEST_F(Exchange, ThisNodesEnginesComeFirstThenFreeOnesElsewhereThenAllByLoad) {
  start_two();
  auto& near = hold(alpha_, "near", "tiny", 1);
  auto& far = hold(beta_, "far", "tiny", 4);
  auto credits = list(alpha_).at("far@beta").credits;
  ASSERT_GE(credits, 1u);
  send(1, small);
  EXPECT_THAT(near.calls, SizeIs(1));
  for (std::uint32_t i = 0; i < credits; ++i) send(2 + i, small);
  EXPECT_THAT(near.calls, SizeIs(1));
  EXPECT_THAT(far.calls, SizeIs(credits));
}

TEST_F(Exchange, ANodeThatNeedsMoreGetsTheCreditsThatOthersLeave) {
  start_two();
  auto& far = hold(beta_, "far", "tiny", 8);
  auto first = list(alpha_).at("far@beta").credits;
  EXPECT_GE(first, 2u) << "idle: evenly spread";
  EXPECT_LE(first, 5u);
  for (std::uint32_t i = 1; i <= 8; ++i) send(i, small);
  pass(20ms);
  EXPECT_GE(list(alpha_).at("far@beta").credits, 8u) << "beta itself uses none";
  EXPECT_THAT(far.calls, SizeIs(8)) << "beyond its credits they wait at the engine";
  for (int i = 0; i < 8; ++i) far.answer({.text = "ok"});
  run();
  pass(20ms);
  EXPECT_THAT(results_, SizeIs(8));
  EXPECT_LE(list(alpha_).at("far@beta").credits, 5u);
}

TEST_F(Exchange, AnEngineIsDividedByWhatItsMeasuredLatencyAllows) {
  start_two();
  auto& far = hold(beta_, "far", "tiny", 32);
  EXPECT_GE(list(alpha_).at("far@beta").credits, 16u);
  report(beta_, far, schema::Health::HEALTHY, 32, "tiny", 2);
  pass(20ms);
  EXPECT_LE(list(alpha_).at("far@beta").credits, 2u);
  report(beta_, far, schema::Health::HEALTHY, 32, "tiny", 30);
  pass(20ms);
  EXPECT_GE(list(alpha_).at("far@beta").credits, 15u);
}

TEST_F(Exchange, ThisNodesOwnUseCountsAsDemand) {
  start_two();
  auto& near = hold(alpha_, "near", "tiny", 8);
  for (std::uint32_t i = 1; i <= 8; ++i) send(i, small);
  EXPECT_THAT(near.calls, SizeIs(8));
  pass(20ms);
  EXPECT_LE(list(beta_).at("near@alpha").credits, 2u);
  EXPECT_GE(list(beta_).at("near@alpha").credits, 1u) << "one can always be had";
}

TEST_F(Exchange, WhatChangesIsPushed) {
  start_two();
  auto& far = hold(beta_, "far");
  EXPECT_EQ(list(alpha_).at("far@beta").health, schema::Health::HEALTHY);
  report(beta_, far, schema::Health::UNHEALTHY);
  EXPECT_EQ(list(alpha_).at("far@beta").credits, 0u);
  send(1, small);
  EXPECT_EQ(code(1), errc::unavailable);
  report(beta_, far, schema::Health::HEALTHY);
  send(2, small);
  EXPECT_THAT(far.calls, SizeIs(1));
}

TEST_F(Exchange, AnEngineThatDiesIsOfferedNoMore) {
  start_two();
  auto far = simulate(beta_, {.name = "far", .kind = "sim", .model = "tiny"});
  ASSERT_EQ(list(alpha_).count("far@beta"), 1u);
  send(1, {.prompt = "@sim {\"ms\":9000}", .tier = "small"});
  caf::anon_send_exit(far, caf::exit_reason::kill);
  settle();
  EXPECT_EQ(list(alpha_).count("far@beta"), 0u);
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(code(1), errc::engine_failed);
  send(2, small);
  EXPECT_EQ(code(2), errc::unavailable);
}

TEST_F(Exchange, ALostNodesAttemptsGoElsewhereAtOnceAndCountAsNoFailure) {
  start_two();
  auto& far = hold(beta_, "far");
  send(1, small);
  ASSERT_THAT(far.calls, SizeIs(1));
  auto& near = hold(alpha_, "near");
  tell(alpha_, beta_, schema::MemberState::GONE);
  ASSERT_THAT(near.calls, SizeIs(1));
  near.answer({.text = "3"});
  run();
  EXPECT_EQ(text_of(1), "3");
  EXPECT_EQ(engine_of(1), "near");
  EXPECT_THAT(refusals_of(1), ElementsAre(HasSubstr("far@beta: node 'beta' is gone")));
  // The lost node was only cut off: what it answers now is answered already.
  far.answer({.text = "4"});
  run();
  EXPECT_THAT(order_, ElementsAre(1));
  EXPECT_EQ(text_of(1), "3");
}

TEST_F(Exchange, WithNobodyElseALostNodesAttemptIsAnsweredAtOnce) {
  start_two();
  hold(beta_, "far");
  send(1, small);
  ASSERT_FALSE(answered(1));
  tell(alpha_, beta_, schema::MemberState::LEFT);
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(code(1), errc::unavailable);
  EXPECT_THAT(list(alpha_), IsEmpty());
}

TEST_F(Exchange, WhatALostNodeHadGivenUsIsCancelled) {
  start_two();
  auto& far = hold(beta_, "far");
  send(1, small);
  tell(beta_, alpha_, schema::MemberState::GONE);
  EXPECT_THAT(far.cancels, ElementsAre(HasSubstr("node 'alpha' is gone")));
}

TEST_F(Exchange, APlanThatHasBegunIsNotMixedWithAnother) {
  start_two();
  auto far = simulate(
      beta_,
      {.name = "far", .kind = "sim", .model = "tiny", .sim = {.per_token = 10ms, .slice = 10ms}});
  heard chunks;
  send_stream(1, "@sim {\"reply\":\"one two three four five six seven eight\"}", &chunks);
  for (int i = 0; i < 60 && chunks.chunks.empty(); ++i) pass(10ms);
  ASSERT_FALSE(chunks.chunks.empty());
  ASSERT_FALSE(answered(1));
  auto& near = hold(alpha_, "near");
  tell(alpha_, beta_, schema::MemberState::GONE);
  EXPECT_THAT(near.calls, IsEmpty());
  EXPECT_EQ(code(1), errc::unavailable) << "its job asks again under another fence";
}

TEST_F(Exchange, ChunksComeInOrderBeforeTheReply) {
  start_two();
  simulate(
      beta_,
      {.name = "far", .kind = "sim", .model = "tiny", .sim = {.per_token = 10ms, .slice = 10ms}});
  heard chunks;
  send_stream(1, "@sim {\"reply\":\"one two three\"}", &chunks);
  for (int i = 0; i < 60 && !answered(1); ++i) pass(10ms);
  EXPECT_GT(chunks.chunks.size(), 1u);
  ASSERT_TRUE(answered(1));
  std::string whole;
  for (std::uint32_t i = 0; i < chunks.numbers.size(); ++i) {
    EXPECT_EQ(chunks.numbers[i], i);
    whole += chunks.chunks[i];
  }
  EXPECT_EQ(whole, "one two three");
}

TEST_F(Exchange, ALongAttemptComesWhole) {
  start_two();
  auto& far = hold(beta_, "far");
  heard none;
  send_stream(1, "long", &none, 700u << 10);
  ASSERT_THAT(far.calls, SizeIs(1));
  EXPECT_EQ(far.calls[0].attempt.read()->getFinished().size(), 700u << 10);
  far.answer({.text = std::string(600u << 10, 'y')});
  run();
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(text_of(1).size(), 600u << 10);
}

TEST_F(Exchange, WhatIsLargerThanAMessageComesWholeBothWays) {
  start_two();
  auto& far = hold(beta_, "far");
  heard none;
  constexpr std::size_t large = std::size_t{10} << 20;
  send_stream(1, "large", &none, large);
  ASSERT_THAT(far.calls, SizeIs(1));
  EXPECT_EQ(far.calls[0].attempt.read()->getFinished().size(), large);
  far.answer({.text = std::string(large, 'y')});
  run();
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(text_of(1).size(), large);
}

TEST_F(Exchange, AResultTooLargeForTheWayBackIsNotBoughtTwice) {
  start_two();
  auto& far = hold(beta_, "far");
  heard none;
  send_stream(1, "small", &none, 1);
  ASSERT_THAT(far.calls, SizeIs(1));
  far.answer({.text = std::string(std::size_t{33} << 20, 'y'), .prompt_tokens = 5});
  run();
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(code(1), errc::invalid_output);
  EXPECT_EQ(tokens_of(1), 5u);
  EXPECT_TRUE(far.calls.empty()) << "it is not asked again";
}

TEST_F(Exchange, AReplyThatNoEngineGaveEndsNothing) {
  start_two();
  auto& far = hold(beta_, "far");
  send(1, small);
  message_builder<schema::AttemptResult> forged;
  forged->setText("forged");
  // The first call of a guest has the first number.
  auto result = forged.finish();
  caf::anon_send(beta_.exchange, done_atom_v, std::uint64_t{1}, result);
  caf::anon_send(beta_.exchange, done_atom_v, std::uint64_t{1},
                 make_error(errc::engine_failed, "forged"));
  run();
  ASSERT_FALSE(answered(1));
  far.answer({.text = "true"});
  run();
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(text_of(1), "true");
}

TEST_F(Exchange, ACancelReachesTheEngineAndItsReplyCounts) {
  start_two();
  auto& far = hold(beta_, "far");
  send(1, small);
  cancel(1);
  EXPECT_THAT(far.cancels, SizeIs(1));
  ASSERT_FALSE(answered(1));
  far.answer({.code = errc::cancelled, .prompt_tokens = 7});
  run();
  EXPECT_EQ(code(1), errc::cancelled);
  EXPECT_EQ(tokens_of(1), 7u);
}

TEST_F(Exchange, AnOwnerThatSaysNothingIsGivenUpSomeTimeAfterTheCancel) {
  start_two();
  hold(beta_, "far");
  auto in_flight = [this] {
    caf::scoped_actor self{*system_};
    auto pending = self->request(alpha_.exchange, caf::infinite, status_atom_v);
    run();
    std::uint32_t found = 99;
    pending.receive([&](const tmsg::actstat& s) { found = s.read()->getInFlight(); },
                    [](const caf::error&) {});
    return found;
  };
  send(1, {.timeout_ms = 100, .tier = "small"});
  pass(200ms);
  pass(1100ms);
  EXPECT_EQ(code(1), errc::deadline_exceeded);
  EXPECT_EQ(in_flight(), 1u);
  pass(11s);
  EXPECT_EQ(in_flight(), 0u);
}

TEST_F(Exchange, AnOwnersRefusalSendsTheAttemptElsewhere) {
  start_two();
  auto& far = hold(beta_, "far");
  send(1, small);
  auto& other = hold(beta_, "other");
  far.answer({.code = errc::overloaded});
  run();
  ASSERT_THAT(other.calls, SizeIs(1));
  other.answer({.text = "3"});
  run();
  EXPECT_EQ(engine_of(1), "other@beta");
  EXPECT_THAT(refusals_of(1), ElementsAre(HasSubstr("far@beta: ")));
}

TEST_F(Exchange, AnEngineOfAModelThatIsNotKnownHereIsListedButNotUsed) {
  start_two();
  hold(beta_, "far", "strange");
  EXPECT_THAT(list(alpha_).at("far@beta").reason, HasSubstr("no [[model]] 'strange'"));
  send(1, small);
  EXPECT_EQ(code(1), errc::unavailable);
}

TEST_F(Exchange, ASuspectOrDrainingNodeGetsNothingNew) {
  start_two();
  auto& far = hold(beta_, "far");
  send(1, small);
  tell(alpha_, beta_, schema::MemberState::SUSPECT);
  send(2, small);
  EXPECT_EQ(code(2), errc::unavailable);
  tell(alpha_, beta_, schema::MemberState::ALIVE, true);
  send(3, small);
  EXPECT_EQ(code(3), errc::unavailable);
  tell(alpha_, beta_);
  send(4, small);
  EXPECT_THAT(far.calls, SizeIs(2)) << "what was there went on";
  far.answer({.text = "ok"});
  run();
  EXPECT_EQ(code(1), errc::unknown);
}

TEST_F(Exchange, ARouterThatIsStartedAnewKnowsAllAgain) {
  start_two();
  auto& far = hold(beta_, "far");
  auto fresh = system_->spawn(
      router_behavior, router_start{.models = models_, .first_decision = std::uint64_t{9} << 32});
  actors_.push_back(caf::actor_cast<caf::actor>(fresh));
  caf::anon_send(pool_, wire_atom_v, caf::actor_cast<router_actor>(fresh));
  caf::anon_send(alpha_.exchange, wire_atom_v, fresh);
  run();
  send(1, small);
  EXPECT_THAT(far.calls, SizeIs(1));
}

TEST_F(Exchange, AnExchangeThatIsStartedAnewIsLostAndFound) {
  start_two();
  auto& far = hold(beta_, "far");
  send(1, small);
  caf::anon_send_exit(beta_.exchange, caf::exit_reason::kill);
  run();
  EXPECT_THAT(far.cancels, SizeIs(1));
  beta_.exchange = spawn_exchange(beta_);
  run();
  tell(beta_, alpha_);
  tell(alpha_, beta_);
  EXPECT_TRUE(answered(1) || far.calls.size() == 2) << "answered or sent anew";
  send(2, small);
  EXPECT_GE(far.calls.size(), 2u);
}

TEST_F(Exchange, ANodeOfTheSameNameIsAnotherPeer) {
  start_two();
  hold(beta_, "far");
  send(1, small);
  auto again = beta_;
  again.incarnation = 33;
  again.exchange = spawn_exchange(again);
  run();
  tell(again, alpha_);
  tell(alpha_, again);
  EXPECT_TRUE(answered(1) || list(alpha_).count("far@beta") == 1);
  EXPECT_EQ(list(alpha_).count("far@beta"), 1u);
}

TEST_F(Exchange, ARestartedEngineIsWarmedWithWhatOtherNodesAskIt) {
  start_two();
  auto pool = system_->spawn(executor_pool_behavior, executor_pool_config{},
                             caf::actor_cast<router_actor>(beta_.router),
                             executor_pool_services{.seed = 1});
  actors_.push_back(caf::actor_cast<caf::actor>(pool));
  auto warmer = caf::actor_cast<engine_warmer_actor>(pool);
  caf::anon_send(beta_.router, wire_atom_v, warmer);
  caf::anon_send(beta_.exchange, wire_atom_v, warmer);
  engine_config engine{.name = "tiny-1", .kind = "sim", .model = "tiny", .concurrency = 4};
  engine.sim.cache_blocks = 10'000;
  simulate(beta_, engine);
  std::string shared;
  for (int i = 0; shared.size() < 4096; ++i) shared += "shared " + std::to_string(i) + ' ';
  for (std::uint32_t number = 1; number <= 4; ++number)
    send(number, {.prompt = shared + std::to_string(number), .tier = "small"});
  caf::anon_send_exit(engines_.at("tiny-1"), caf::exit_reason::kill);
  settle();
  simulate(beta_, engine);
  settle();
  send(10, {.prompt = shared + "10", .tier = "small"});
  ASSERT_EQ(code(10), errc::unknown) << error(10);
  EXPECT_EQ(engine_of(10), "tiny-1@beta");
  EXPECT_GE(results_.at(10).read()->getUsage().getCachedPromptTokens(), 900);
  caf::scoped_actor self{*system_};
  message_builder<schema::CacheCommand> stats;
  stats->setAction(schema::CacheAction::STATS);
  auto pending = self->request(pool, caf::infinite, cache_atom_v, stats.finish());
  run();
  pending.receive(
      [](const tmsg::cachrpt& report) { EXPECT_EQ(report.read()->getWarm()[0].getUsed(), 1); },
      [](const caf::error& err) { FAIL() << message_of(err); });
}

}  // namespace
}  // namespace tandem::testing
