#include "storage/snapshot.hpp"

#include <random>

#include "storage/fault_file_system.hpp"
#include "tests/unit/storage/replica_fixture.hpp"

namespace tandem::storage {
namespace {

class Snapshot : public replica_fixture {
 protected:
  Snapshot() {
    options_.inline_bytes_max = copy_options_.inline_bytes_max = 200;
    journal_ = primary();
    for (std::uint64_t job = 1; job <= 30; ++job) write(job);
  }

  void write(std::uint64_t job) {
    ASSERT_FALSE(commit_one(*journal_, some_job(job, "text " + std::to_string(job))));
  }

  [[nodiscard]] std::string stream() {
    const auto reader = std::move(*journal_->snapshot());
    std::string all;
    for (;;) {
      const auto chunk = reader->read(all.size(), 1000);
      if (!chunk || chunk->empty()) return all;
      all.append(*chunk);
    }
  }

  [[nodiscard]] std::unique_ptr<snapshot_writer> begin() const {
    auto writer = snapshot_writer::begin(copy_options_, journal_->id(), 0);
    if (!writer) throw std::runtime_error(message_of(writer.error()));
    return std::move(*writer);
  }

  [[nodiscard]] caf::error install(std::string_view bytes) const {
    const auto writer = begin();
    if (auto err = writer->add(bytes)) return err;
    return writer->finish();
  }

  std::unique_ptr<journal> journal_;
};

TEST_F(Snapshot, HoldsOneMomentWhileCommitsGoOn) {
  const auto then = content_of(*journal_);
  auto reader = std::move(*journal_->snapshot());
  const auto at = reader->position();
  for (std::uint64_t job = 31; job <= 60; ++job) write(job);
  const auto writer = begin();
  for (;;) {
    const auto chunk = reader->read(writer->offset(), 777);
    ASSERT_TRUE(chunk);
    if (chunk->empty()) break;
    ASSERT_FALSE(writer->add(*chunk));
  }
  ASSERT_FALSE(writer->finish());
  auto copy = follower(journal_->id());
  EXPECT_EQ(copy->position(), at);
  auto promoted = replica::promote(std::move(copy));
  ASSERT_TRUE(promoted) << words_of(promoted.error());
  EXPECT_EQ(content_of(**promoted), then);
}

TEST_F(Snapshot, AChunkCanBeAskedForAgain) {
  auto reader = std::move(*journal_->snapshot());
  const std::string first(*reader->read(0, 500));
  EXPECT_EQ(*reader->read(0, 500), first);
  const std::string second(*reader->read(500, 500));
  EXPECT_EQ(*reader->read(500, 500), second);
  EXPECT_EQ(failure_of(reader->read(0, 500).error()), errc::invalid_argument);
  EXPECT_EQ(failure_of(reader->read(501, 500).error()), errc::invalid_argument);
}

TEST_F(Snapshot, AnInterruptedOneLeavesTheFolderAsItWas) {
  const auto all = stream();
  ASSERT_FALSE(install(all));
  const auto name = follower(journal_->id())->copy();
  write(40);
  const auto at = follower(journal_->id())->position();
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, all.size() / 2, all.size() - 1}) {
    EXPECT_EQ(failure_of(install(stream().substr(0, size))), errc::malformed_message);
    EXPECT_FALSE(std::filesystem::exists(root_ / "copy.new"));
    EXPECT_EQ(follower(journal_->id())->position(), at);
  }
  ASSERT_FALSE(install(stream()));
  EXPECT_EQ(follower(journal_->id())->position(), journal_->position());
  EXPECT_EQ(follower(journal_->id())->copy(), name);
}

TEST_F(Snapshot, WhatACrashLeftBesideIsNotTakenForACopy) {
  ASSERT_FALSE(install(stream()));
  // Between its two renames.
  std::filesystem::rename(root_ / "copy", root_ / "copy.old");
  std::filesystem::create_directory(root_ / "copy.new");
  EXPECT_EQ(follower(journal_->id())->position(), journal_->position());
  std::filesystem::create_directory(root_ / "copy.old");
  EXPECT_EQ(follower(journal_->id())->position(), journal_->position());
  EXPECT_FALSE(std::filesystem::exists(root_ / "copy.old"));
}

TEST_F(Snapshot, DamageIsRefused) {
  const auto all = stream();
  std::mt19937_64 random(7);
  for (int round = 0; round < 15; ++round) {
    auto bad = all;
    bad[random() % bad.size()] ^= static_cast<char>(1 + random() % 255);
    const auto err = install(bad);
    EXPECT_EQ(failure_of(err), errc::malformed_message) << words_of(err);
  }
  EXPECT_FALSE(std::filesystem::exists(copy_options_.folder));
  EXPECT_EQ(failure_of(install(all + "x")), errc::malformed_message);
}

TEST_F(Snapshot, AnotherJournalsIsRefused) {
  auto writer = snapshot_writer::begin(copy_options_, journal_id{1}, 0);
  ASSERT_FALSE((*writer)->add(stream()));
  EXPECT_EQ(failure_of((*writer)->finish()), errc::malformed_message);
}

TEST_F(Snapshot, AFullDiskIsAnErrorAndNothingIsLeft) {
  const auto faults = std::make_shared<fault_switch>();
  copy_options_.file_system = make_fault_file_system(faults);
  const auto all = stream();
  {
    const auto writer = begin();
    faults->fail(disk_operation::append, disk_fault::no_space);
    auto err = writer->add(all);
    if (!err) err = writer->finish();
    EXPECT_EQ(failure_of(err), errc::storage_failed) << words_of(err);
  }
  faults->clear();
  EXPECT_FALSE(std::filesystem::exists(root_ / "copy.new"));
  EXPECT_FALSE(install(all));
}

TEST_F(Snapshot, FilesThatAPurgeRemovedMeanwhileAreLeftOut) {
  auto reader = std::move(*journal_->snapshot());
  ASSERT_TRUE(reader->read(0, 10));
  ASSERT_TRUE(journal_->purge(25));
  const auto writer = begin();
  for (std::size_t size = 10;; size = 5000) {
    const auto chunk = reader->read(writer->offset(), size);
    ASSERT_TRUE(chunk) << words_of(chunk.error());
    if (chunk->empty()) break;
    ASSERT_FALSE(writer->add(*chunk));
  }
  ASSERT_FALSE(writer->finish());
  auto copy = follower(journal_->id());
  ASSERT_FALSE(copy->apply(after(copy->position()), 1, durability::os).failure);
  auto promoted = replica::promote(std::move(copy));
  EXPECT_EQ(content_of(**promoted), content_of(*journal_));
}

}  // namespace
}  // namespace tandem::storage
