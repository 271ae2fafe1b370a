// One weight version of a model for one job, through planner, job, pool and router; and what a job
// does when it is gone.

#include <set>

#include "actors/archive/archive.hpp"
#include "actors/journal/journal.hpp"
#include "actors/planner/planner.hpp"
#include "tests/actor/pool/pool_fixture.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using counts = std::map<std::string, std::uint64_t>;

class JobVersions : public Pool {
 protected:
  JobVersions() { routing_.weights_patience = 0ms; }
  ~JobVersions() override { close(); }

  /// All but engines of the small model.
  void start_node() {
    start_pool();
    add_engine({.name = "big-1", .kind = "sim", .model = "big", .concurrency = 64});
    open();
  }

  void open() {
    auto opened = storage::journal::open({.folder = folder_.path() / "journal"});
    ASSERT_TRUE(opened) << message_of(opened.error());
    store_ = std::move(*opened);
    if (!pool_) {
      pool_ = system_->spawn(executor_pool_behavior, executor_pool_config{}, router_,
                             executor_pool_services{});
      actors_.push_back(caf::actor_cast<caf::actor>(pool_));
    }
    journal_ = system_->spawn(journal_behavior, store_,
                              journal_config{.durability = storage::durability::os});
    archive_ = system_->spawn(archive_behavior, std::shared_ptr<const storage::journal>{store_},
                              plan_limits(limits_));
    planner_ = system_->spawn(planner_behavior,
                              planner_start{.journal = store_->id(),
                                            .settings = {.limits = limits_, .plan_tier = "large"},
                                            .next_number = *store_->next_job_number(),
                                            .open = *store_->open_jobs()},
                              planner_peers{journal_, archive_, pool_});
    run();
  }

  /// What is not durable is lost, and so is every actor but the router and the engines.
  void close() {
    for (const auto& actor :
         {caf::actor_cast<caf::actor>(planner_), caf::actor_cast<caf::actor>(archive_),
          caf::actor_cast<caf::actor>(journal_), caf::actor_cast<caf::actor>(pool_)})
      if (actor) caf::anon_send_exit(actor, caf::exit_reason::kill);
    planner_ = nullptr;
    pool_ = nullptr;
    archive_ = nullptr;
    journal_ = nullptr;
    run();
    store_.reset();
  }

  template <class Reply, class... Args>
  Reply ask(Args... args) {
    caf::scoped_actor self{*system_};
    auto pending = self->request(caf::actor_cast<planner_actor>(planner_), caf::infinite, args...);
    run();
    Reply result;
    pending.receive([&](const Reply& reply) { result = reply; },
                    [](const caf::error& err) { FAIL() << message_of(err); });
    return result;
  }

  std::uint64_t submit(schema::WeightPolicy weights = schema::WeightPolicy::UNKNOWN) {
    message_builder<schema::Submit> what;
    auto message = what->initMessages(1)[0];
    message.setRole(schema::Role::USER);
    message.setContent("a goal");
    what->setMode(schema::PlanMode::PLAN_ACT);
    what->setWeights(weights);
    return ask<tmsg::submitd>(submit_atom_v, what.finish()).read()->getJob().getNumber();
  }

  tmsg::jobref ref(std::uint64_t job) const {
    message_builder<schema::JobRef> out;
    out->initJob().setJournal(store_->id().value);
    out->getJob().setNumber(job);
    return out.finish();
  }
  tmsg::jobview look(std::uint64_t job) { return ask<tmsg::jobview>(view_atom_v, ref(job)); }
  schema::JobState state(std::uint64_t job) { return look(job).read()->getSummary().getState(); }
  void command(std::uint64_t job, schema::JobAction action) {
    message_builder<schema::JobCommand> out;
    out->setJob(ref(job).read()->getJob());
    out->setAction(action);
    static_cast<void>(ask<tmsg::jobsum>(command_atom_v, out.finish()));
  }

  /// Versions of the small model that its attempts used, in order.
  std::vector<std::string> versions(std::uint64_t job) {
    std::vector<std::string> found;
    auto view_of = look(job);
    auto reader = view_of.read();
    for (auto attempt : reader->getAttempts())
      if (view(attempt.getModel()) == "tiny") found.emplace_back(view(attempt.getWeightVersion()));
    return found;
  }

  /// What the planner says that running jobs hold of the small model.
  counts held() {
    message_builder<schema::WeightPin> question;
    question->setModel("tiny");
    auto reply = ask<tmsg::wtoutcm>(pin_atom_v, question.finish());
    counts found;
    auto reader = reply.read();
    for (auto pin : reader->getPins())
      found.emplace(std::string{view(pin.getVersion())}, pin.getJobs());
    return found;
  }

  /// The large model's engine is another one, with other weights than plans were made with.
  void replace_large() {
    caf::anon_send_exit(engines_.at("big-1"), caf::exit_reason::kill);
    hold_engine("big-2", "big", "9");
  }

  planner_config limits_;
  test::temp_folder folder_;
  std::shared_ptr<storage::journal> store_;
  journal_actor journal_;
  archive_actor archive_;
  planner_inside planner_;
};

TEST_F(JobVersions, StepsThatBeginAtOnceAreOfOneVersion) {
  start_node();
  for (const auto* version : {"1", "2"})
    add_engine({.name = std::string{"tiny-"} + version,
                .kind = "sim",
                .model = "tiny",
                .concurrency = 4,
                .weight_version = version,
                .sim = {.first_token = 20ms}});
  std::set<std::string> served;
  for (int round = 0; round < 10; ++round) {
    std::vector<std::uint64_t> jobs{submit(), submit(), submit()};
    for (int i = 0; i < 100; ++i) pass(10ms);
    for (auto job : jobs) {
      ASSERT_EQ(state(job), schema::JobState::DONE);
      auto used = versions(job);
      EXPECT_THAT(used, SizeIs(8));
      EXPECT_THAT((std::set<std::string>{used.begin(), used.end()}), SizeIs(1)) << "job " << job;
      served.insert(used.begin(), used.end());
    }
  }
  EXPECT_THAT(served, ElementsAre("1", "2")) << "both were there to be taken";
  EXPECT_EQ(held(), counts{});
}

TEST_F(JobVersions, AJobFailsOnceNothingServesItsVersion) {
  limits_.steps_in_flight_max = 1;
  start_node();
  auto& tiny = hold_engine("tiny-1", "tiny", "1");
  auto job = submit();
  replace_large();
  ASSERT_THAT(tiny.calls, SizeIs(1));
  tiny.answer({.text = "one"});
  serve(tiny, "2");
  run();
  EXPECT_EQ(state(job), schema::JobState::FAILED);
  auto view_of = look(job);
  EXPECT_THAT(std::string{view(view_of.read()->getSummary().getReason())},
              HasSubstr("no engine serves tiny at weights '1' any more, which the job began with; "
                        "submit it with --weights mix"));
  EXPECT_THAT(tiny.calls, IsEmpty());
  EXPECT_EQ(held(), counts{});
}

TEST_F(JobVersions, AnotherModelTakesTheStepsWhereTheRouterMayChooseIt) {
  limits_.steps_in_flight_max = 1;
  start_node();
  auto& tiny = hold_engine("tiny-1", "tiny", "1");
  auto job = submit();
  tiny.answer({.text = "one"});
  serve(tiny, "2");
  run();
  EXPECT_EQ(state(job), schema::JobState::DONE);
  EXPECT_THAT(versions(job), ElementsAre("1"));
  EXPECT_THAT(tiny.calls, IsEmpty());
}

TEST_F(JobVersions, AJobThatMixesGoesOnWithWhatIsServed) {
  limits_.steps_in_flight_max = 1;
  start_node();
  auto& tiny = hold_engine("tiny-1", "tiny", "1");
  for (auto by_config : {false, true}) {
    if (by_config) {
      close();
      limits_.mix_weights = true;
      open();
    }
    serve(tiny, "1");
    auto job = submit(by_config ? schema::WeightPolicy::UNKNOWN : schema::WeightPolicy::MIX);
    for (int i = 0; i < 8; ++i) {
      if (i == 3) serve(tiny, "2");
      if (i != 0) {
        EXPECT_EQ(held(), (counts{{i <= 4 ? "1" : "2", 1}})) << i;
      }
      ASSERT_THAT(tiny.calls, SizeIs(1));
      tiny.answer({.text = "r"});
      run();
    }
    EXPECT_EQ(state(job), schema::JobState::DONE);
    EXPECT_THAT(versions(job), ElementsAre("1", "1", "1", "1", "2", "2", "2", "2"));
  }
}

TEST_F(JobVersions, WhatAClientAsksForStandsAboveTheConfig) {
  limits_.steps_in_flight_max = 1;
  limits_.mix_weights = true;
  start_node();
  auto& tiny = hold_engine("tiny-1", "tiny", "1");
  auto job = submit(schema::WeightPolicy::FAIL);
  replace_large();
  tiny.answer({.text = "one"});
  serve(tiny, "2");
  run();
  EXPECT_EQ(state(job), schema::JobState::FAILED);
}

TEST_F(JobVersions, AJobThatIsRecoveredKeepsItsVersion) {
  limits_.steps_in_flight_max = 1;
  start_node();
  auto& one = hold_engine("tiny-1", "tiny", "1");
  auto job = submit();
  one.answer({.text = "one"});
  run();
  ASSERT_THAT(one.calls, SizeIs(1));
  auto& two = hold_engine("tiny-2", "tiny", "2");
  close();
  one.calls.clear();
  open();
  EXPECT_EQ(held(), (counts{{"1", 1}})) << "it is in its records";
  for (int i = 1; i < 8; ++i) {
    ASSERT_THAT(one.calls, SizeIs(1));
    EXPECT_THAT(two.calls, IsEmpty());
    one.answer({.text = "r"});
    run();
  }
  EXPECT_EQ(state(job), schema::JobState::DONE);
  EXPECT_THAT((versions(job)), ::testing::Each("1"));
  EXPECT_EQ(held(), counts{});
}

TEST_F(JobVersions, ThePlannerCountsWhatRunsWhateverBecomesOfIt) {
  limits_.steps_in_flight_max = 1;
  start_node();
  auto& tiny = hold_engine("tiny-1", "tiny", "1");
  auto first = submit();
  auto second = submit();
  EXPECT_EQ(held(), counts{}) << "nothing has come back yet";
  for (int i = 0; i < 2; ++i) tiny.answer({.text = "r"});
  run();
  EXPECT_EQ(held(), (counts{{"1", 2}}));
  // Its actor crashes and is started again.
  caf::anon_send_exit(tiny.calls.back().sink, caf::exit_reason::kill);
  run();
  EXPECT_EQ(held(), (counts{{"1", 2}}));
  command(first, schema::JobAction::CANCEL);
  EXPECT_EQ(state(first), schema::JobState::CANCELLED);
  EXPECT_EQ(held(), (counts{{"1", 1}})) << "its engine has still to answer";
  pass(2000ms);
  EXPECT_EQ(held(), (counts{{"1", 1}}));
  command(first, schema::JobAction::RETRY);
  EXPECT_EQ(held(), (counts{{"1", 2}}));
  command(second, schema::JobAction::PAUSE);
  while (!tiny.calls.empty()) {
    tiny.answer({.text = "r"});
    run();
  }
  EXPECT_EQ(state(first), schema::JobState::DONE);
  EXPECT_EQ(held(), counts{}) << "one is done, one rests";
  command(second, schema::JobAction::RESUME);
  EXPECT_EQ(held(), (counts{{"1", 1}}));
  while (!tiny.calls.empty()) {
    tiny.answer({.text = "r"});
    run();
  }
  EXPECT_EQ(state(second), schema::JobState::DONE);
  EXPECT_EQ(held(), counts{});
}

TEST_F(JobVersions, AQuestionThatNamesMoreThanAModelIsRefused) {
  start_node();
  message_builder<schema::WeightPin> question;
  question->setModel("tiny");
  question->setVersion("1");
  caf::scoped_actor self{*system_};
  auto pending = self->request(caf::actor_cast<planner_actor>(planner_), caf::infinite, pin_atom_v,
                               question.finish());
  run();
  pending.receive([](const tmsg::wtoutcm&) { FAIL(); },
                  [](const caf::error& err) { EXPECT_EQ(code_of(err), errc::invalid_argument); });
}

}  // namespace
}  // namespace tandem::testing
