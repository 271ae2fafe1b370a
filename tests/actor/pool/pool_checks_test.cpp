// From an answer to a verdict: by its text, by a judging model, by a user's command.

#include "tests/actor/pool/pool_fixture.hpp"

namespace tandem::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct rewards_book {
  router_actor router;
  std::vector<tmsg::reward> rewards;
};

/// Passes everything on and keeps the rewards.
router_actor::behavior_type recording_router(router_actor::pointer self, rewards_book* book) {
  return {[self, book](route_atom, const tmsg::rtqry& query, const tmsg::attempt& attempt) {
            return self->delegate(book->router, route_atom_v, query, attempt);
          },
          [self, book](way_atom, const tmsg::attempt& attempt) {
            return self->delegate(book->router, way_atom_v, attempt);
          },
          [self, book](reward_atom, const tmsg::reward& reward) {
            book->rewards.push_back(reward);
            self->send(book->router, reward_atom_v, reward);
          },
          [self, book](route_atom, const tmsg::rtcmd& command) {
            return self->delegate(book->router, route_atom_v, command);
          },
          [](engine_atom, const tmsg::engstat&, const engine_actor&) {},
          [](status_atom) { return tmsg::actstat{}; }};
}

/// An answer by `tiny-1`, and `big-1` judges.
class PoolChecks : public Pool {
 protected:
  void start_held(const executor_pool_config& config = {}) {
    start_pool(config);
    worker_ = &hold_engine("tiny-1", "tiny");
    judge_ = &hold_engine("big-1", "big");
    book_.router = router_;
    auto recorder = system_->spawn(recording_router, &book_);
    actors_.push_back(caf::actor_cast<caf::actor>(recorder));
    caf::anon_send(pool_, wire_atom_v, recorder);
    run();
  }
  ~PoolChecks() override { book_.router = nullptr; }

  /// Sends one whose answer is `42`, and is now before the judge.
  void send_to_judge(std::uint32_t number, wish how = {}) {
    how.tier = "small";
    how.check_kind = "judge";
    how.check_argument = "is a number";
    send(number, how);
    worker_->answer({.text = "42", .prompt_tokens = 10, .completion_tokens = 1});
    run();
    ASSERT_FALSE(answered(number));
    ASSERT_THAT(judge_->calls, SizeIs(1));
  }
  void judge_says(const std::string& text) {
    judge_->answer({.text = text, .prompt_tokens = 100, .completion_tokens = 20});
    run();
  }

  /// Of all verifications, quality and whose.
  std::vector<std::pair<double, std::string>> verdicts() const {
    std::vector<std::pair<double, std::string>> all;
    for (const auto& reward : book_.rewards)
      if (auto reader = reward.read(); reader->getSource() == schema::RewardSource::VERIFICATION ||
                                       reader->getSource() == schema::RewardSource::JUDGE)
        all.emplace_back(reader->getQuality(), view(reader->getEngine()));
    return all;
  }

  held_engine* worker_ = nullptr;
  held_engine* judge_ = nullptr;
  rewards_book book_;
};

TEST_F(PoolChecks, AVerdictIsAReward) {
  start_held();
  wish asked{.tier = "small", .check_kind = "number"};
  send(1, asked);
  worker_->answer({.text = "42"});
  run();
  send(2, asked);
  worker_->answer({.text = "many"});
  run();
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_EQ(code(2), errc::invalid_output);
  EXPECT_THAT(verdicts(), ElementsAre(std::pair{1.0, "tiny-1"}, std::pair{0.0, "tiny-1"}));
}

TEST_F(PoolChecks, AnAnswerWithoutACheckHasNoVerdict) {
  start_held();
  send(1, {.tier = "small"});
  worker_->answer({.text = ""});
  run();
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_THAT(verdicts(), IsEmpty());
}

TEST_F(PoolChecks, AJudgeIsAskedForItsVerdictOnly) {
  start_held();
  send_to_judge(1, {.prompt = "What is six times seven?"});
  auto call = judge_->calls[0].attempt.read();
  EXPECT_EQ(call->getPurpose(), schema::Purpose::VERIFY);
  EXPECT_EQ(view(call->getTier()), "large");
  EXPECT_EQ(call->getMaxTokens(), 256u);
  EXPECT_FALSE(view(call->getResponseSchema()).empty());
  std::string all;
  for (auto message : call->getMessages()) all += view(message.getContent());
  EXPECT_THAT(all, HasSubstr("is a number"));
  EXPECT_THAT(all, HasSubstr("What is six times seven?"));
  EXPECT_THAT(all, HasSubstr("42"));
  judge_says(R"({"pass":true,"score":1,"reason":"ok"})");
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_EQ(text_of(1), "42");
  EXPECT_EQ(engine_of(1), "tiny-1");
  EXPECT_EQ(tokens_of(1), 131u);
  EXPECT_EQ(results_.at(1).read()->getUsage().getCalls(), 2u);
  EXPECT_THAT(verdicts(), ElementsAre(std::pair{1.0, "tiny-1"}));
}

TEST_F(PoolChecks, ASampleIsReadByAJudgeAfterItWasDelivered) {
  executor_pool_config config;
  config.verification.judge_sample = 1;
  start_held(config);
  send(1, {.prompt = "What is six times seven?", .tier = "small"});
  worker_->answer({.text = "42"});
  run();
  EXPECT_EQ(code(1), errc::unknown) << "nobody waits for the judge";
  ASSERT_EQ(judge_->calls.size(), 1u);
  EXPECT_EQ(judge_->calls[0].attempt.read()->getPurpose(), schema::Purpose::VERIFY);
  EXPECT_THAT(verdicts(), IsEmpty());
  judge_says(R"({"pass":true,"score":1,"reason":"ok"})");
  ASSERT_EQ(verdicts().size(), 1u);
  auto verdict = book_.rewards.back().read();
  EXPECT_EQ(verdict->getSource(), schema::RewardSource::JUDGE);
  EXPECT_EQ(verdict->getDecision(), results_.at(1).read()->getDecision());
}

TEST_F(PoolChecks, NoJudgeReadsAPassedOnAnswerWithoutAText) {
  executor_pool_config config;
  config.verification.judge_sample = 1;
  start_held(config);
  send(1, {.prompt = "call f", .tier = "small", .client_body = "{}"});
  worker_->answer({});
  run();
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_THAT(judge_->calls, IsEmpty());
}

TEST_F(PoolChecks, AJudgeMayFindThatItDoesNotFit) {
  start_held();
  send_to_judge(1);
  judge_says(R"({"pass":false,"score":0.1,"reason":"it is too small"})");
  EXPECT_EQ(code(1), errc::invalid_output);
  EXPECT_THAT(error(1), HasSubstr("it is too small"));
  EXPECT_EQ(tokens_of(1), 131u);
  EXPECT_THAT(verdicts(), ElementsAre(std::pair{0.0, "tiny-1"}));
}

TEST_F(PoolChecks, AJudgeThatAnswersProseIsNoVerdict) {
  start_held();
  send_to_judge(1);
  judge_says("I think that it is all right.");
  EXPECT_EQ(code(1), errc::engine_failed);
  EXPECT_THAT(error(1), HasSubstr("no verdict"));
  EXPECT_EQ(tokens_of(1), 131u);
  EXPECT_THAT(verdicts(), IsEmpty()) << "the answer is not to blame";
}

TEST_F(PoolChecks, AJudgeThatFailsIsNoVerdictAndTheAnswerIsPaidFor) {
  start_held();
  for (auto failure : {errc::engine_failed, errc::overloaded}) {
    results_.clear();
    send_to_judge(1);
    judge_->answer({.code = failure, .prompt_tokens = 100});
    run();
    EXPECT_EQ(code(1), errc::engine_failed);
    EXPECT_THAT(error(1), HasSubstr("the judge did not answer"));
    EXPECT_EQ(tokens_of(1), 111u);
  }
  EXPECT_THAT(verdicts(), IsEmpty());
}

TEST_F(PoolChecks, WithoutAJudgingModelNothingCanBeJudged) {
  models_.erase(models_.begin());
  start();
  send(1, {.prompt = "@sim {\"reply\":\"42\"}",
           .tier = "small",
           .check_kind = "judge",
           .check_argument = "is a number"});
  EXPECT_EQ(code(1), errc::invalid_argument);
  EXPECT_THAT(error(1), HasSubstr("the judge did not answer"));
  EXPECT_GT(tokens_of(1), 0u);
}

TEST_F(PoolChecks, AJudgeReadsAShareOfTheAnswers) {
  start_held({.verification = {.judge_share = 0}});
  send(1, {.tier = "small", .check_kind = "judge", .check_argument = "is a number"});
  worker_->answer({.text = "42"});
  run();
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_THAT(judge_->calls, IsEmpty());
}

TEST_F(PoolChecks, NobodyIsAskedAboutAnEmptyAnswer) {
  start_held();
  send(1, {.tier = "small", .check_kind = "judge", .check_argument = "is a number"});
  worker_->answer({.text = " \n "});
  run();
  EXPECT_EQ(code(1), errc::invalid_output);
  EXPECT_THAT(judge_->calls, IsEmpty());
}

TEST_F(PoolChecks, CancelledWhileItIsJudgedAllOfItIsPaidFor) {
  start_held();
  send_to_judge(1);
  cancel(1);
  EXPECT_THAT(judge_->cancels, SizeIs(1));
  judge_->answer({.code = errc::cancelled, .prompt_tokens = 100});
  run();
  EXPECT_EQ(code(1), errc::cancelled);
  EXPECT_EQ(tokens_of(1), 111u);
}

TEST_F(PoolChecks, ADeadlineWhileItIsJudgedLeavesTheAnswersPrice) {
  start_held();
  send_to_judge(1, {.timeout_ms = 100});
  pass(120ms);
  pass(1100ms);
  EXPECT_EQ(code(1), errc::deadline_exceeded);
  EXPECT_EQ(tokens_of(1), 11u) << "the judge has not said what it cost";
}

TEST_F(PoolChecks, AJudgeMayUseWhatTheAnswerHasLeft) {
  start_held();
  send_to_judge(1, {.allowance = {5'000, 50'000'000}});
  auto call = judge_->calls[0].attempt.read();
  EXPECT_EQ(call->getAllowance().getTokens(), 5'000u - 11u);
  EXPECT_EQ(call->getAllowance().getCostNanousd(), 50'000'000 - 11'000);
}

TEST_F(PoolChecks, VerifiesWhatIsGivenWithoutAnEngine) {
  start_held();
  wish given{.check_kind = "number", .purpose = schema::Purpose::VERIFY, .output = "42"};
  send(1, given);
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_EQ(text_of(1), "42");
  EXPECT_EQ(results_.at(1).read()->getDecision(), 0u);
  EXPECT_EQ(tokens_of(1), 0u);
  given.output = "many";
  send(2, given);
  EXPECT_EQ(code(2), errc::invalid_output);
  EXPECT_THAT(worker_->calls, IsEmpty());
  EXPECT_THAT(judge_->calls, IsEmpty());
  EXPECT_THAT(verdicts(), IsEmpty());
}

TEST_F(PoolChecks, AJudgeReadsWhatIsGivenAndWhatItWasAskedWith) {
  start_held();
  send(1, {.prompt = "What is six times seven?",
           .check_kind = "judge",
           .check_argument = "is right",
           .purpose = schema::Purpose::VERIFY,
           .output = "42 of course"});
  ASSERT_THAT(judge_->calls, SizeIs(1));
  std::string all;
  auto call = judge_->calls[0].attempt.read();
  for (auto message : call->getMessages()) all += view(message.getContent());
  EXPECT_THAT(all, HasSubstr("What is six times seven?"));
  EXPECT_THAT(all, HasSubstr("42 of course"));
  judge_says(R"({"pass":true,"score":1,"reason":"ok"})");
  EXPECT_EQ(code(1), errc::unknown);
  EXPECT_EQ(text_of(1), "42 of course");
  EXPECT_EQ(tokens_of(1), 120u);
}

/// A user's programs run beside CAF's scheduler: in real time, waiting for replies.
class PoolCommands : public ::testing::Test {
 protected:
  PoolCommands() : config_{std::move(*system_config::make({.threads = 1}))}, system_{*config_} {
    std::vector<model_config> models{
        {.name = "tiny", .tier = "small", .input_price = 1, .output_price = 1}};
    router_ = system_.spawn(
        router_behavior, router_start{.models = models, .first_decision = std::uint64_t{7} << 32});
    engine_ = system_.spawn(engine_behavior,
                            engine_config{.name = "tiny-1", .kind = "sim", .model = "tiny"},
                            models[0], router_, backend_services{});
    executor_pool_config config;
    auto shell = [&](const char* name, const char* script) {
      config.checks.push_back({.name = name, .command = {"/bin/sh", "-c", script}});
    };
    shell("says_42", "grep -q '\"output\":\"42\"' || { echo 'it is not 42'; exit 1; }");
    shell("broken", "exit 7");
    shell("waits", "while :; do sleep 1; done");
    pool_ = system_.spawn(executor_pool_behavior, config, router_, executor_pool_services{});
    // It has told the router of itself by then.
    caf::scoped_actor self{system_};
    self->request(engine_, 10s, engine_atom_v)
        .receive([](const tmsg::engstat&) {}, [](const caf::error&) { FAIL(); });
  }
  ~PoolCommands() override {
    for (auto actor : {caf::actor_cast<caf::actor>(pool_), caf::actor_cast<caf::actor>(engine_),
                       caf::actor_cast<caf::actor>(router_)})
      caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  }

  tmsg::attres ask(const std::string& check, const std::string& reply,
                   std::uint64_t timeout_ms = 30'000) {
    auto request = Pool::attempt(++last_, {.prompt = "@sim {\"reply\":\"" + reply + "\"}",
                                           .timeout_ms = timeout_ms,
                                           .check_kind = "command",
                                           .check_argument = check});
    caf::scoped_actor self{system_};
    tmsg::attres found;
    self->request(pool_, 60s, attempt_atom_v, request, chunk_sink{})
        .receive([&](const tmsg::attres& result) { found = result; },
                 [](const caf::error& err) { ADD_FAILURE() << message_of(err); });
    return found;
  }
  static errc code_of(const tmsg::attres& result) {
    return static_cast<errc>(result.read()->getError().getCode());
  }
  static std::string error_of(const tmsg::attres& result) {
    return std::string{view(result.read()->getError().getMessage())};
  }

  std::unique_ptr<system_config> config_;
  caf::actor_system system_;
  router_actor router_;
  engine_inside engine_;
  executor_pool_inside pool_;
  std::uint32_t last_ = 0;
};

TEST_F(PoolCommands, AUsersProgramVerifies) {
  auto good = ask("says_42", "42");
  EXPECT_EQ(code_of(good), errc::unknown);
  EXPECT_EQ(view(good.read()->getText()), "42");
  auto bad = ask("says_42", "41");
  EXPECT_EQ(code_of(bad), errc::invalid_output);
  EXPECT_THAT(error_of(bad), HasSubstr("it is not 42"));
  EXPECT_GT(bad.read()->getUsage().getPromptTokens(), 0u);
}

TEST_F(PoolCommands, ABrokenProgramIsNoVerdict) {
  auto broken = ask("broken", "42");
  EXPECT_EQ(code_of(broken), errc::engine_failed);
  EXPECT_GT(broken.read()->getUsage().getPromptTokens(), 0u);
}

TEST_F(PoolCommands, AProgramThatIsNotConfiguredIsTheCallersFault) {
  auto unknown = ask("nothing", "42");
  EXPECT_EQ(code_of(unknown), errc::invalid_argument);
  EXPECT_THAT(error_of(unknown), HasSubstr("no [[check]] 'nothing'"));
}

TEST_F(PoolCommands, ADeadlineWhileAProgramRunsLeavesTheAnswersPrice) {
  auto late = ask("waits", "42", 200);
  EXPECT_EQ(code_of(late), errc::deadline_exceeded);
  EXPECT_GT(late.read()->getUsage().getPromptTokens(), 0u);
}

}  // namespace
}  // namespace tandem::testing
