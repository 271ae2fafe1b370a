// A primary's committer and its followers' writers over real folders, under CAF's deterministic
// scheduler.

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <gtest/gtest.h>

#include "actors/replication/replica_writer.hpp"
#include "actors/replication/replicated_journal.hpp"
#include "actors/system/caf_settings.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using outcome = replica_set::outcome;

/// Keeps what it is asked until the test answers.
class asked_register final : public copy_register {
 public:
  struct question {
    bool is_add = false;
    agreed_copy copy;
    callback done;
  };
  void add(std::uint64_t, const agreed_copy& copy, callback done) override {
    asked.push_back({true, copy, std::move(done)});
  }
  void remove(std::uint64_t, const agreed_copy& copy, callback done) override {
    asked.push_back({false, copy, std::move(done)});
  }
  std::deque<question> asked;
};

class Replication : public ::testing::Test {
 protected:
  Replication() {
    config_ = std::move(*system_config::make({.threads = 1}));
    config_->set("scheduler.policy", caf::atom("testing"));
    system_ = std::make_unique<caf::actor_system>(*config_);
  }
  ~Replication() override {
    for (auto& actor : actors_) caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    run();
    actors_.clear();
    journal_ = nullptr;
    run();
  }

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
  }
  void run() { scheduler().run(); }

  void start_primary(std::uint32_t min_in_sync = 1, std::size_t log_bytes = 1u << 20) {
    auto store = storage::journal::open({.folder = folder_.path() / "journal"});
    ASSERT_TRUE(store) << message_of(store.error());
    store_ = std::move(*store);
    replicated_journal_start start;
    start.store = store_;
    start.limits = {.copies = 3, .min_in_sync = min_in_sync};
    start.epoch = ++epoch_;
    start.self = {"one", *store_->copy()};
    start.in_sync = {start.self};
    start.agreement = register_;
    start.log_bytes_max = log_bytes;
    journal_ = system_->spawn(replicated_journal_behavior, start);
    actors_.push_back(caf::actor_cast<caf::actor>(journal_));
    run();
  }

  replica_writer_actor start_follower(const std::string& node) {
    replica_writer_start start;
    start.folder.folder = folder_.path() / node;
    start.journal = store_->id();
    start.node = node;
    auto writer = system_->spawn(replica_writer_behavior, start);
    actors_.push_back(caf::actor_cast<caf::actor>(writer));
    follow(writer);
    return writer;
  }
  void follow(const replica_writer_actor& writer) {
    caf::anon_send(writer, follow_atom_v, caf::actor_cast<caf::actor>(journal_), epoch_);
    run();
  }

  /// Answers into answers_.
  void write(std::uint64_t job, std::size_t client_key_bytes = 10) {
    journal_write one;
    one.job = job;
    one.mark = journal_write::mark::open;
    one.tenant = "t";
    one.client_key = std::string(client_key_bytes, 'k').append(std::to_string(job));
    system_->spawn([this, one, to = journal_](caf::event_based_actor* self) {
      self->request(to, caf::infinite, write_atom_v, one)
          .then([this, job = one.job](caf::ok_atom) { answered_.push_back(job); },
                [this](const caf::error& err) { refused_.push_back(code_of(err)); });
    });
    run();
  }
  void agree(outcome how) {
    ASSERT_FALSE(register_->asked.empty());
    auto question = std::move(register_->asked.front());
    register_->asked.pop_front();
    question.done(how);
    run();
  }

  test::temp_folder folder_;
  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  std::shared_ptr<asked_register> register_ = std::make_shared<asked_register>();
  std::shared_ptr<storage::journal> store_;
  replicated_journal_actor journal_;
  std::vector<caf::actor> actors_;
  std::uint64_t epoch_ = 0;
  std::vector<std::uint64_t> answered_;
  std::vector<errc> refused_;
};

using jobs = std::vector<std::uint64_t>;

TEST_F(Replication, AFollowerTakesASnapshotJoinsAndIsWaitedFor) {
  start_primary();
  write(1);
  EXPECT_EQ(answered_, (jobs{1}));
  auto follower = start_follower("two");
  ASSERT_EQ(register_->asked.size(), 1u);
  EXPECT_TRUE(register_->asked[0].is_add);
  EXPECT_EQ(register_->asked[0].copy.node, "two");
  agree(outcome::done);
  write(2);
  write(3);
  EXPECT_EQ(answered_, (jobs{1, 2, 3}));
  // Closes its folder, for it to be hosted.
  caf::anon_send(follower, host_atom_v, std::uint64_t{9});
  run();
  auto copy = storage::replica::open({.folder = folder_.path() / "two"}, store_->id());
  ASSERT_TRUE(copy) << message_of(copy.error());
  EXPECT_EQ((*copy)->position(), store_->position());
  auto promoted = storage::replica::promote(std::move(*copy));
  ASSERT_TRUE(promoted);
  EXPECT_EQ(*(*promoted)->open_jobs(), (jobs{1, 2, 3}));
}

TEST_F(Replication, ALostFollowerIsRemovedBeforeAnswersGoOut) {
  start_primary();
  auto follower = start_follower("two");
  const auto copy = register_->asked.at(0).copy.replica;
  agree(outcome::done);
  caf::anon_send(follower, host_atom_v, std::uint64_t{9});
  run();
  write(1);
  EXPECT_EQ(answered_, jobs{});
  caf::anon_send(journal_, gone_atom_v, copy);
  run();
  ASSERT_EQ(register_->asked.size(), 1u);
  EXPECT_FALSE(register_->asked[0].is_add);
  EXPECT_EQ(answered_, jobs{});
  agree(outcome::done);
  EXPECT_EQ(answered_, (jobs{1}));
}

TEST_F(Replication, BelowMinInSyncWritesWaitUntilAFollowerIsThere) {
  start_primary(2);
  write(1);
  EXPECT_EQ(answered_, jobs{});
  start_follower("two");
  EXPECT_EQ(answered_, jobs{});
  agree(outcome::done);
  EXPECT_EQ(answered_, (jobs{1}));
}

TEST_F(Replication, AFencedPrimaryAnswersConflictAndStops) {
  start_primary(2);
  write(1);
  caf::anon_send(journal_, expire_atom_v, std::uint64_t{7});
  run();
  EXPECT_EQ(refused_, (std::vector<errc>{errc::conflict}));
  write(2);
  EXPECT_EQ(answered_, jobs{});
  EXPECT_EQ(refused_.size(), 2u);
}

TEST_F(Replication, AFencedAnswerOfTheRegisterStopsItToo) {
  start_primary();
  start_follower("two");
  agree(outcome::fenced);
  write(1);
  EXPECT_EQ(answered_, jobs{});
  EXPECT_EQ(refused_.size(), 1u);
}

TEST_F(Replication, AFollowerThatLacksLittleCatchesUpFromTheLog) {
  start_primary();
  auto follower = start_follower("two");
  agree(outcome::done);
  write(1);
  caf::anon_send_exit(follower, caf::exit_reason::user_shutdown);
  run();
  write(2);
  follower = start_follower("two");
  EXPECT_EQ(answered_, (jobs{1, 2}));
}

TEST_F(Replication, AFollowerTooFarBehindTheLogTakesAnotherSnapshot) {
  start_primary(1, 10'000);
  auto follower = start_follower("two");
  const auto copy = register_->asked.at(0).copy.replica;
  agree(outcome::done);
  caf::anon_send_exit(follower, caf::exit_reason::user_shutdown);
  caf::anon_send(journal_, gone_atom_v, copy);
  run();
  agree(outcome::done);
  for (std::uint64_t job = 1; job <= 10; ++job) write(job, 4000);
  EXPECT_EQ(answered_.size(), 10u);
  start_follower("two");
  ASSERT_EQ(register_->asked.size(), 1u);
  EXPECT_EQ(register_->asked[0].copy.replica, copy);
}

}  // namespace
}  // namespace tandem
