#include "storage/replica.hpp"

#include <random>

#include "storage/fault_file_system.hpp"
#include "tests/unit/storage/replica_fixture.hpp"

namespace tandem::storage {
namespace {

class Replica : public replica_fixture {
 protected:
  Replica() {
    options_.inline_bytes_max = 200;
    copy_options_.inline_bytes_max = 200;
    journal_ = primary();
  }

  void write(std::uint64_t job) {
    const auto err = commit_one(*journal_, some_job(job, "text " + std::to_string(job)));
    ASSERT_FALSE(err) << words_of(err);
  }

  std::unique_ptr<journal> journal_;
};

TEST_F(Replica, AppliesWhatTheJournalCommitsAndBecomesThatJournal) {
  write(1);
  ASSERT_FALSE(copy_snapshot(*journal_));
  auto copy = follower(journal_->id());
  EXPECT_EQ(copy->position(), journal_->position());
  for (std::uint64_t job = 2; job <= 20; ++job) write(job);
  journal_batch closing;
  closing.close_job(3);
  ASSERT_FALSE(commit_one(*journal_, closing));
  ASSERT_TRUE(journal_->purge(2));
  write(21);

  // In groups of several sizes.
  auto rest = after(copy->position());
  for (std::size_t size = 1; !rest.empty(); ++size) {
    const auto now = std::min(size, rest.size());
    const auto said = copy->apply(std::span(rest).first(now), 1, durability::sync);
    EXPECT_FALSE(said.failure) << words_of(said.failure);
    EXPECT_EQ(said.stopped, verdict::accept);
    rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(now));
  }
  EXPECT_EQ(copy->position(), journal_->position());
  EXPECT_FALSE(std::filesystem::exists(copy_options_.folder / "payloads" / "2"));

  auto promoted = replica::promote(std::move(copy));
  ASSERT_TRUE(promoted) << words_of(promoted.error());
  EXPECT_EQ(content_of(**promoted), content_of(*journal_));
  EXPECT_EQ((*promoted)->id(), journal_->id());
  EXPECT_EQ((*promoted)->position(), journal_->position());
  EXPECT_FALSE(commit_record(**promoted, 30, 1, "its own"));
}

TEST_F(Replica, KeepsItsPlaceAcrossARestart) {
  ASSERT_FALSE(copy_snapshot(*journal_));
  auto copy = follower(journal_->id());
  write(1);
  ASSERT_FALSE(copy->apply(after(copy->position()), 1, durability::sync).failure);
  const auto name = copy->copy();
  copy.reset();
  copy = follower(journal_->id());
  EXPECT_EQ(copy->position(), journal_->position());
  EXPECT_EQ(copy->copy(), name);
}

TEST_F(Replica, WritesOfEarlierEpochsComeFromALaterPrimary) {
  ASSERT_FALSE(copy_snapshot(*journal_));
  auto copy = follower(journal_->id());
  write(1);
  journal_.reset();
  journal_ = primary(4);
  write(2);
  EXPECT_EQ(copy->apply(after(copy->position()), 4, durability::os).stopped, verdict::accept);
  EXPECT_EQ(copy->position(), journal_->position());
  EXPECT_EQ(copy->known_epoch(), 4u);
}

TEST_F(Replica, RefusesGapsOldEpochsAndOtherPasts) {
  ASSERT_FALSE(copy_snapshot(*journal_));
  auto copy = follower(journal_->id());
  write(1);
  write(2);
  const auto writes = after(copy->position());
  EXPECT_EQ(copy->apply(std::span(writes).last(1), 1, durability::os).stopped, verdict::gap);
  EXPECT_EQ(copy->apply(writes, 1, durability::os).stopped, verdict::accept);
  EXPECT_EQ(copy->apply(writes, 1, durability::os).stopped, verdict::accept);
  EXPECT_EQ(copy->position(), journal_->position());

  auto other = writes;
  for (auto& one : other) one.at.epoch = 2;
  EXPECT_EQ(copy->apply(other, 2, durability::os).stopped, verdict::diverged);
  write(3);
  copy->learn_epoch(3);
  EXPECT_EQ(copy->apply(after(copy->position()), 1, durability::os).stopped, verdict::fenced);
  EXPECT_EQ(copy->position().sequence + 1, journal_->position().sequence);
}

TEST_F(Replica, AnEpochBeginsOnceAndRises) {
  EXPECT_EQ(failure_of(journal_->start_epoch(1, [](replica_write) {})), errc::conflict);
  write(1);
  journal_.reset();
  journal_ = primary(2);
  EXPECT_EQ(journal_->position().epoch, 2u);
  EXPECT_EQ(given_out_.back().previous_epoch, 1u);
}

TEST_F(Replica, AFolderOfACopyIsNoJournal) {
  ASSERT_FALSE(copy_snapshot(*journal_));
  auto opened = journal::open(copy_options_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(code_of(opened.error()), errc::conflict);
  EXPECT_NE(message_of(opened.error()).find(copy_options_.folder.string()), std::string::npos);
}

TEST_F(Replica, AJournalsFolderBecomesACopy) {
  const auto id = journal_->id();
  const auto at = journal_->position();
  journal_.reset();
  auto copy = replica::open(options_, id);
  ASSERT_TRUE(copy) << words_of(copy.error());
  EXPECT_EQ((*copy)->position(), at);
  copy->reset();
  EXPECT_EQ(failure_of(open_error()), errc::conflict);
}

TEST_F(Replica, AnotherJournalsFolderIsRefused) {
  ASSERT_FALSE(copy_snapshot(*journal_));
  auto copy = replica::open(copy_options_, journal_id{12345});
  EXPECT_EQ(code_of(copy.error()), errc::conflict);
  copy_options_.folder = root_ / "nothing";
  EXPECT_EQ(code_of(replica::open(copy_options_, journal_->id()).error()), errc::not_found);
}

TEST_F(Replica, DamagedWritesAreRefusedOrAppliedButNeverCrash) {
  ASSERT_FALSE(copy_snapshot(*journal_));
  std::filesystem::copy(copy_options_.folder, root_ / "beginning",
                        std::filesystem::copy_options::recursive);
  auto copy = follower(journal_->id());
  write(1);
  const auto good = after(copy->position()).at(0);
  std::mt19937_64 random(20260101);
  std::size_t refused = 0;
  for (int round = 0; round < 1000; ++round) {
    auto body = encode_body(good);
    if (round % 3 == 0) {
      body.resize(random() % body.size());
    } else {
      for (auto changes = 1 + random() % 3; changes > 0; --changes)
        body[random() % std::min<std::size_t>(body.size(), round % 2 ? 60 : body.size())] =
            static_cast<char>(random());
    }
    replica_write bad;
    bad.at = good.at;
    bad.previous_epoch = good.previous_epoch;
    if (decode_body(body, bad)) {
      ++refused;
      continue;
    }
    // Another text is as good as the true one: begin again.
    const auto said = copy->apply(std::span(&bad, 1), 1, durability::none);
    if (said.failure) {
      EXPECT_EQ(code_of(said.failure), errc::malformed_message);
      ++refused;
    } else if (copy->position() == good.at) {
      copy.reset();
      std::filesystem::remove_all(copy_options_.folder);
      std::filesystem::copy(root_ / "beginning", copy_options_.folder,
                            std::filesystem::copy_options::recursive);
      copy = follower(journal_->id());
    }
  }
  EXPECT_GT(refused, 500u);
}

TEST_F(Replica, ForeignKeysFamiliesAndPositionsAreRefused) {
  ASSERT_FALSE(copy_snapshot(*journal_));
  auto copy = follower(journal_->id());
  write(1);
  const auto good = after(copy->position()).at(0);
  const auto refuse = [&](const replica_write& bad) {
    const auto said = copy->apply(std::span(&bad, 1), 1, durability::none);
    EXPECT_EQ(failure_of(said.failure), errc::malformed_message) << words_of(said.failure);
    EXPECT_LT(copy->position(), good.at);
  };
  auto bad = good;
  bad.files.pop_back();
  refuse(bad);
  bad = good;
  bad.files[0].bytes[0] ^= 1;
  refuse(bad);
  bad = good;
  bad.files[0].number ^= 1;
  refuse(bad);
  bad = good;
  bad.batch.clear();
  refuse(bad);
  // The same changes under another envelope.
  write(2);
  bad = after(good.at).at(0);
  bad.at = good.at;
  refuse(bad);
  EXPECT_FALSE(copy->apply(std::span(&good, 1), 1, durability::none).failure);
}

TEST_F(Replica, AFullDiskIsAnErrorAndNothingMoreIsApplied) {
  ASSERT_FALSE(copy_snapshot(*journal_));
  const auto faults = std::make_shared<fault_switch>();
  copy_options_.file_system = make_fault_file_system(faults);
  auto copy = follower(journal_->id());
  const auto before = copy->position();
  write(1);
  write(2);
  faults->fail(disk_operation::append, disk_fault::no_space);
  auto said = copy->apply(after(copy->position()), 1, durability::sync);
  EXPECT_EQ(failure_of(said.failure), errc::storage_failed);
  faults->clear();
  EXPECT_TRUE(copy->apply(after(before), 1, durability::sync).failure);
  EXPECT_EQ(copy->position(), before);
  copy.reset();
  copy = follower(journal_->id());
  EXPECT_FALSE(copy->apply(after(copy->position()), 1, durability::sync).failure);
  EXPECT_EQ(copy->position(), journal_->position());
}

TEST_F(Replica, SeveralWritesShareOneSync) {
  options_.inline_bytes_max = copy_options_.inline_bytes_max = 4000;
  journal_.reset();
  journal_ = primary(2);
  ASSERT_FALSE(copy_snapshot(*journal_));
  const auto faults = std::make_shared<fault_switch>();
  copy_options_.file_system = make_fault_file_system(faults);
  auto copy = follower(journal_->id());
  // The first one also syncs the new log's name.
  write(51);
  EXPECT_FALSE(copy->apply(after(copy->position()), 2, durability::sync).failure);
  for (std::uint64_t job = 1; job <= 50; ++job) write(job);
  const auto before = faults->count(disk_operation::sync);
  EXPECT_FALSE(copy->apply(after(copy->position()), 2, durability::sync).failure);
  EXPECT_EQ(faults->count(disk_operation::sync), before + 1);
}

}  // namespace
}  // namespace tandem::storage
