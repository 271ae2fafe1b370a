#include <unistd.h>

#include "storage/fault_file_system.hpp"
#include "tests/unit/storage/journal_fixture.hpp"

namespace tandem::storage {
namespace {

class JournalFault : public journal_fixture {
 protected:
  JournalFault() { options_.file_system = make_fault_file_system(faults_); }

  std::shared_ptr<fault_switch> faults_ = std::make_shared<fault_switch>();
};

void expect_in(const caf::error& err, std::string_view part) {
  EXPECT_NE(words_of(err).find(part), std::string::npos) << words_of(err);
}

TEST_F(JournalFault, AFullDiskRefusesEveryCommitUntilTheNextStart) {
  {
    const auto opened = open();
    ASSERT_FALSE(commit_record(*opened, 1, 1, "acknowledged", durability::sync));
    faults_->fail(disk_operation::append, disk_fault::no_space);
    const auto err = commit_record(*opened, 1, 2, "refused", durability::sync);
    EXPECT_EQ(failure_of(err), errc::storage_failed);
    expect_in(err, options_.folder.string());
    expect_in(err, "make room");
    faults_->clear();
    EXPECT_EQ(commit_record(*opened, 1, 3, "refused", durability::sync), err);
    EXPECT_EQ(opened->purge(1).error(), err);
    EXPECT_EQ(records_of(*opened, 1).size(), 1u);
  }
  const auto opened = open();
  EXPECT_EQ(records_of(*opened, 1).at(0).second, "acknowledged");
  EXPECT_FALSE(commit_record(*opened, 1, 4, "welcome", durability::sync));
  EXPECT_EQ(records_of(*opened, 1).back().second, "welcome");
}

TEST_F(JournalFault, AFailedSyncIsNotAcknowledged) {
  const auto opened = open();
  ASSERT_FALSE(commit_record(*opened, 1, 1, "acknowledged", durability::sync));
  faults_->fail(disk_operation::sync, disk_fault::io_error);
  EXPECT_EQ(failure_of(commit_record(*opened, 1, 2, "lost", durability::sync)),
            errc::storage_failed);
  faults_->clear();
  EXPECT_TRUE(commit_record(*opened, 1, 3, "lost", durability::sync));
}

TEST_F(JournalFault, EachSyncedCommitSyncsOnce) {
  const auto opened = open();
  ASSERT_FALSE(commit_record(*opened, 1, 1, "first", durability::sync));
  const auto before = faults_->count(disk_operation::sync);
  for (std::uint32_t number = 2; number <= 11; ++number)
    ASSERT_FALSE(commit_record(*opened, 1, number, "x", durability::sync));
  EXPECT_EQ(faults_->count(disk_operation::sync), before + 10);
  ASSERT_FALSE(commit_record(*opened, 1, 12, "x", durability::os));
  EXPECT_EQ(faults_->count(disk_operation::sync), before + 10);
}

TEST_F(JournalFault, AFileThatCannotBeWrittenBesideTheDatabaseRefusesTheCommit) {
  options_.inline_bytes_max = 10;
  const auto opened = open();
  faults_->fail(disk_operation::create, disk_fault::no_space);
  const auto err = commit_record(*opened, 1, 1, std::string(100, 'x'), durability::sync);
  EXPECT_EQ(failure_of(err), errc::storage_failed);
  expect_in(err, "payloads");
  faults_->clear();
  EXPECT_TRUE(records_of(*opened, 1).empty());
}

TEST_F(JournalFault, AFullDiskWhileTablesAreWrittenLosesNothing) {
  options_.memory_bytes_max = 2u << 20;
  std::uint32_t acknowledged = 0;
  const std::string record(4000, 'r');
  {
    const auto opened = open();
    ASSERT_FALSE(commit_record(*opened, 1, ++acknowledged, record));
    // New logs and tables cannot be made: the first flush fails, then everything does.
    faults_->fail(disk_operation::create, disk_fault::no_space);
    while (acknowledged < 5000 && !commit_record(*opened, 1, acknowledged + 1, record))
      ++acknowledged;
    EXPECT_LT(acknowledged, 5000u);
    EXPECT_GT(acknowledged, 50u);
  }
  faults_->clear();
  EXPECT_GE(records_of(*open(), 1).size(), acknowledged);
}

TEST_F(JournalFault, AReadOnlyFileSystemSaysSo) {
  faults_->fail(disk_operation::create, disk_fault::read_only);
  const auto err = open_error();
  EXPECT_EQ(failure_of(err), errc::storage_failed);
  expect_in(err, options_.folder.string());
  expect_in(err, "mount it writable");
}

TEST_F(JournalFault, AFileInPlaceOfTheFolderSaysSo) {
  write_file(options_.folder, "a file");
  const auto err = open_error();
  EXPECT_EQ(failure_of(err), errc::storage_failed);
  expect_in(err, "It is no folder");
  options_.folder /= "below";
  EXPECT_EQ(failure_of(open_error()), errc::storage_failed);
}

TEST_F(JournalFault, AFolderThatCannotBeMadeSaysWhere) {
  options_.folder = "/proc/tandem/journal";
  const auto err = open_error();
  EXPECT_EQ(failure_of(err), errc::storage_failed);
  expect_in(err, "/proc/tandem");
}

TEST_F(JournalFault, NoFolderIsRefused) {
  options_.folder.clear();
  EXPECT_EQ(failure_of(open_error()), errc::invalid_argument);
}

TEST_F(JournalFault, ASecondOpenerIsTurnedAwayWithTheFoldersNameAndTheHoldersPid) {
  const auto opened = open();
  const auto err = open_error();
  EXPECT_EQ(failure_of(err), errc::locked);
  expect_in(err, options_.folder.string());
  expect_in(err, "pid " + std::to_string(::getpid()));
  EXPECT_FALSE(commit_record(*opened, 1, 1, "still mine"));
}

TEST_F(JournalFault, AFolderIsFreeAgainAfterItsJournalIsClosed) {
  open().reset();
  EXPECT_FALSE(open_error());
}

}  // namespace
}  // namespace tandem::storage
