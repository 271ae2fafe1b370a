// A job whose actor crashes, and one whose records cannot be read, end with the reason; everything
// else goes on.

#include <atomic>
#include <memory>
#include <string>

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/archive/archive.hpp"
#include "actors/journal/journal.hpp"
#include "actors/planner/planner.hpp"
#include "actors/system/caf_settings.hpp"
#include "schema/text.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr auto patience = 20s;

/// Ends the first `deaths` jobs that ask it for something, and keeps the others waiting for ever.
struct deadly_pool_state {
  std::vector<caf::typed_response_promise<tmsg::attres>> kept;
};

executor_pool_actor::behavior_type deadly_pool(
    executor_pool_actor::stateful_pointer<deadly_pool_state> self,
    std::shared_ptr<std::atomic<int>> deaths) {
  return {[self, deaths](attempt_atom, const tmsg::attempt&, const chunk_sink& job) {
            auto promise = self->make_response_promise<tmsg::attres>();
            self->state.kept.push_back(promise);
            if (deaths->fetch_sub(1) > 0)
              self->send_exit(job, make_error(errc::engine_failed, "the pool killed it"));
            return promise;
          },
          [](reward_atom, const tmsg::reward&) {},
          [](cache_atom, const tmsg::cachcmd&) { return tmsg::cachrpt{}; },
          [self](cancel_atom, const tmsg::cancel& cancel) {
            message_builder<schema::AttemptResult> result;
            result->setFence(cancel.read()->getFence());
            result->initError().setCode(schema::Errc::CANCELLED);
            for (auto& promise : std::exchange(self->state.kept, {}))
              promise.deliver(result.finish());
          },
          [](expire_atom) {},
          [](status_atom) { return tmsg::actstat{}; }};
}

class PlannerCrash : public ::testing::Test {
 protected:
  PlannerCrash() {
    config_ = std::move(*system_config::make({.threads = 2}));
    system_ = std::make_unique<caf::actor_system>(*config_);
    start();
  }
  ~PlannerCrash() override { stop(); }

  void start() {
    auto opened = storage::journal::open({.folder = folder_.path() / "journal"});
    ASSERT_TRUE(opened) << message_of(opened.error());
    store_ = std::move(*opened);
    journal_ = system_->spawn<caf::detached>(journal_behavior, store_,
                                             journal_config{.durability = storage::durability::os});
    archive_ = system_->spawn<caf::detached>(
        archive_behavior, std::shared_ptr<const storage::journal>{store_}, plan_limits({}));
    pool_ = system_->spawn(deadly_pool, deaths_);
    planner_start from{.journal = store_->id(),
                       .settings = {.limits = limits_},
                       .next_number = *store_->next_job_number(),
                       .open = *store_->open_jobs()};
    planner_ =
        system_->spawn(planner_behavior, std::move(from), planner_peers{journal_, archive_, pool_});
  }

  void stop() {
    caf::scoped_actor self{*system_};
    for (auto actor :
         {caf::actor_cast<caf::actor>(planner_), caf::actor_cast<caf::actor>(pool_),
          caf::actor_cast<caf::actor>(archive_), caf::actor_cast<caf::actor>(journal_)}) {
      self->send_exit(actor, caf::exit_reason::user_shutdown);
      self->wait_for(actor);
    }
    planner_ = nullptr;
    archive_ = nullptr;
    journal_ = nullptr;
    store_.reset();
  }

  template <class Reply, class... Args>
  caf::expected<Reply> ask(Args... args) {
    caf::scoped_actor self{*system_};
    caf::expected<Reply> result{caf::error{}};
    self->request(caf::actor_cast<planner_actor>(planner_), patience, args...)
        .receive([&](const Reply& reply) { result = reply; },
                 [&](const caf::error& err) { result = err; });
    return result;
  }

  std::uint64_t submit() {
    message_builder<schema::Submit> what;
    auto message = what->initMessages(1)[0];
    message.setRole(schema::Role::USER);
    message.setContent("a goal");
    what->setMode(schema::PlanMode::SMALL);
    auto reply = ask<tmsg::submitd>(submit_atom_v, what.finish());
    EXPECT_TRUE(reply) << message_of(reply.error());
    return reply ? reply->read()->getJob().getNumber() : 0;
  }

  tmsg::jobref ref(std::uint64_t job) const {
    message_builder<schema::JobRef> out;
    out->initJob().setJournal(store_->id().value);
    out->getJob().setNumber(job);
    return out.finish();
  }

  caf::expected<tmsg::jobsum> wait(std::uint64_t job) {
    return ask<tmsg::jobsum>(wait_atom_v, ref(job));
  }

  caf::expected<tmsg::jobsum> command(std::uint64_t job, schema::JobAction action) {
    message_builder<schema::JobCommand> out;
    out->setJob(ref(job).read()->getJob());
    out->setAction(action);
    return ask<tmsg::jobsum>(command_atom_v, out.finish());
  }

  static std::string reason(const tmsg::jobsum& summary) {
    return std::string{view(summary.read()->getReason())};
  }

  /// Replaces a record by bytes that are none, through the store itself.
  void damage(std::uint64_t job, std::uint32_t number) {
    auto opened = storage::journal::open({.folder = folder_.path() / "journal"});
    ASSERT_TRUE(opened) << message_of(opened.error());
    storage::journal_batch batch;
    std::byte rubbish[24] = {std::byte{7}};
    batch.put_record(job, number, rubbish);
    const storage::journal_batch* batches[] = {&batch};
    auto err = (*opened)->commit(batches, storage::durability::os);
    ASSERT_FALSE(err) << message_of(err);
  }

  planner_config limits_;
  test::temp_folder folder_;
  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  std::shared_ptr<storage::journal> store_;
  std::shared_ptr<std::atomic<int>> deaths_ = std::make_shared<std::atomic<int>>(0);
  journal_actor journal_;
  archive_actor archive_;
  executor_pool_actor pool_;
  planner_inside planner_;
};

TEST_F(PlannerCrash, AJobWhoseActorKeepsCrashingFailsWithTheError) {
  *deaths_ = 1000;
  auto job = submit();
  auto end = wait(job);
  ASSERT_TRUE(end) << message_of(end.error());
  EXPECT_EQ(end->read()->getState(), schema::JobState::FAILED);
  EXPECT_THAT(reason(*end), HasSubstr("its actor crashed 3 times: "));
  EXPECT_THAT(reason(*end), HasSubstr("the pool killed it"));
  EXPECT_THAT(reason(*end), HasSubstr("tandem retry"));
  // The end is in the journal, and the planner takes the next job.
  EXPECT_TRUE(store_->open_jobs()->empty());
  *deaths_ = 0;
  EXPECT_EQ(ask<tmsg::jobsum>(summary_atom_v, ref(submit()))->read()->getState(),
            schema::JobState::RUNNING);
}

TEST_F(PlannerCrash, WhoeverFollowsOrWaitsForAQueuedJobWithTooManyOthersIsAnsweredToo) {
  stop();
  limits_.running_max = 1;
  start();
  submit();
  auto job = submit();
  message_builder<schema::Follow> follow;
  follow->setJob(ref(job).read()->getJob());
  follow->setAfter(1);
  auto asks = follow.finish();
  caf::scoped_actor self{*system_};
  auto planner = caf::actor_cast<planner_actor>(planner_);
  auto follower = self->request(planner, patience, follow_atom_v, asks);
  for (std::size_t i = 0; i < follows_max; ++i) self->send(planner, follow_atom_v, asks);
  follower.receive(
      [](const tmsg::events& events) {
        EXPECT_EQ(events.read()->getEvents().size(), 0u);
        EXPECT_EQ(events.read()->getLast(), 1u) << "where it goes on";
        EXPECT_FALSE(events.read()->getEnded());
      },
      [](const caf::error& err) { ADD_FAILURE() << message_of(err); });
  auto waiter = self->request(planner, patience, wait_atom_v, ref(job));
  for (std::size_t i = 0; i < waits_max; ++i) self->send(planner, wait_atom_v, ref(job));
  waiter.receive(
      [job](const tmsg::jobsum& summary) {
        EXPECT_EQ(summary.read()->getJob().getNumber(), job);
        EXPECT_EQ(summary.read()->getEndedAtMs(), 0u);
      },
      [](const caf::error& err) { ADD_FAILURE() << message_of(err); });
}

TEST_F(PlannerCrash, AJobThatCrashesLessOftenGoesOnAndSaysWhatHappened) {
  *deaths_ = 2;
  auto job = submit();
  std::string said;
  for (std::uint64_t after = 0; said.find("2 of 3") == std::string::npos;) {
    message_builder<schema::Follow> follow;
    follow->setJob(ref(job).read()->getJob());
    follow->setAfter(after);
    auto events = ask<tmsg::events>(follow_atom_v, follow.finish());
    // Its actor may have died with the question.
    if (!events) continue;
    auto reader = events->read();
    for (auto event : reader->getEvents())
      if (event.isState()) said += std::string{view(event.getState().getReason())} + '\n';
    after = reader->getLast();
  }
  EXPECT_THAT(said, HasSubstr("its actor crashed (1 of 3)"));
  auto cancelled = command(job, schema::JobAction::CANCEL);
  ASSERT_TRUE(cancelled) << message_of(cancelled.error());
  EXPECT_EQ(cancelled->read()->getState(), schema::JobState::CANCELLED);
}

TEST_F(PlannerCrash, CrashesAreCountedOverRestartsOfTheNode) {
  limits_.crashes_max = 2;
  stop();
  start();
  *deaths_ = 1;
  auto job = submit();
  // Once: its actor is back and waits for the pool.
  while (deaths_->load() > -1) std::this_thread::yield();
  stop();
  *deaths_ = 1;
  start();
  auto end = wait(job);
  ASSERT_TRUE(end) << message_of(end.error());
  EXPECT_EQ(end->read()->getState(), schema::JobState::FAILED);
  EXPECT_THAT(reason(*end), HasSubstr("its actor crashed 2 times: "));
}

TEST_F(PlannerCrash, ARetriedJobMayCrashAsOftenAgain) {
  *deaths_ = 3;
  auto job = submit();
  ASSERT_TRUE(wait(job));
  *deaths_ = 3;
  auto again = command(job, schema::JobAction::RETRY);
  ASSERT_TRUE(again) << message_of(again.error());
  auto end = wait(job);
  ASSERT_TRUE(end) << message_of(end.error());
  EXPECT_THAT(reason(*end), HasSubstr("its actor crashed 3 times: "));
}

TEST_F(PlannerCrash, AJobWhoseRecordsAreDamagedFailsAndTheOthersGoOn) {
  auto bad = submit();
  auto good = submit();
  stop();
  damage(bad, 1);
  start();
  auto end = wait(bad);
  ASSERT_TRUE(end) << message_of(end.error());
  EXPECT_EQ(end->read()->getState(), schema::JobState::FAILED);
  EXPECT_THAT(reason(*end), HasSubstr("cannot be read: record 1 of job "));
  auto shown = ask<tmsg::jobview>(view_atom_v, ref(bad));
  ASSERT_TRUE(shown) << message_of(shown.error());
  EXPECT_EQ(shown->read()->getSummary().getState(), schema::JobState::FAILED);
  EXPECT_EQ(ask<tmsg::jobsum>(summary_atom_v, ref(good))->read()->getState(),
            schema::JobState::RUNNING);
  EXPECT_EQ(store_->open_jobs()->size(), 1u);
  auto again = command(bad, schema::JobAction::RETRY);
  ASSERT_FALSE(again);
  EXPECT_EQ(code_of(again.error()), errc::corrupted);
  message_builder<schema::Purge> purge;
  purge->setJob(ref(bad).read()->getJob());
  EXPECT_TRUE(ask<tmsg::purged>(purge_atom_v, purge.finish()));
}

TEST_F(PlannerCrash, ARecordThatDoesNotFollowFromTheOthersFailsTheJob) {
  auto job = submit();
  stop();
  auto opened = storage::journal::open({.folder = folder_.path() / "journal"});
  ASSERT_TRUE(opened);
  message_builder<schema::JobRecord> record;
  record->initStepDone().initAttempt().setStep(9);
  auto bytes = record.finish();
  storage::journal_batch batch;
  batch.put_record(job, 2, bytes.bytes());
  const storage::journal_batch* batches[] = {&batch};
  ASSERT_FALSE((*opened)->commit(batches, storage::durability::os));
  opened = caf::error{};
  start();
  auto end = wait(job);
  ASSERT_TRUE(end) << message_of(end.error());
  EXPECT_EQ(end->read()->getState(), schema::JobState::FAILED);
  EXPECT_THAT(reason(*end), HasSubstr("a result of a step that does not exist"));
}

TEST_F(PlannerCrash, ADamagedJobThatHadEndedKeepsItsEnd) {
  auto job = submit();
  ASSERT_TRUE(command(job, schema::JobAction::CANCEL));
  ASSERT_TRUE(wait(job));
  stop();
  damage(job, 1);
  start();
  EXPECT_EQ(code_of(command(job, schema::JobAction::RETRY).error()), errc::corrupted);
  auto end = wait(job);
  ASSERT_TRUE(end) << message_of(end.error());
  EXPECT_EQ(end->read()->getState(), schema::JobState::CANCELLED);
}

}  // namespace
}  // namespace tandem
