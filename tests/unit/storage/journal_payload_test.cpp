#include "storage/fault_file_system.hpp"
#include "tests/unit/storage/journal_fixture.hpp"

namespace tandem::storage {
namespace {

using record_list = std::vector<std::pair<std::uint32_t, std::string>>;
using std::filesystem::directory_iterator;
using std::filesystem::path;

class JournalPayload : public journal_fixture {
 protected:
  JournalPayload() { options_.inline_bytes_max = 100; }

  [[nodiscard]] std::vector<path> files_of(std::uint64_t job) const {
    const auto folder = options_.folder / "payloads" / std::to_string(job);
    std::vector<path> result;
    if (std::filesystem::exists(folder))
      for (const auto& entry : directory_iterator(folder)) result.push_back(entry.path());
    return result;
  }

  const std::string big_ = std::string(1u << 20, 'b') + "end";
};

TEST_F(JournalPayload, BigRecordsLieBesideTheDatabaseAndReadTheSame) {
  {
    const auto opened = open();
    ASSERT_FALSE(commit_record(*opened, 1, 1, std::string(100, 'i'), durability::sync));
    EXPECT_TRUE(files_of(1).empty());
    ASSERT_FALSE(commit_record(*opened, 1, 2, big_, durability::sync));
    ASSERT_FALSE(commit_record(*opened, 1, 3, big_.substr(1), durability::none));
    EXPECT_EQ(files_of(1).size(), 2u);
  }
  EXPECT_EQ(records_of(*open(), 1),
            (record_list{{1, std::string(100, 'i')}, {2, big_}, {3, big_.substr(1)}}));
}

TEST_F(JournalPayload, AMissingFileIsCorruptedAndNamed) {
  const auto opened = open();
  ASSERT_FALSE(commit_record(*opened, 1, 1, "small"));
  ASSERT_FALSE(commit_record(*opened, 1, 2, big_));
  const auto file = files_of(1).at(0);
  std::filesystem::remove(file);
  int visits = 0;
  const auto err =
      opened->read_records(1, 0, [&visits](const journal_record&) { return ++visits; });
  EXPECT_EQ(failure_of(err), errc::corrupted);
  EXPECT_NE(words_of(err).find(file.filename().string()), std::string::npos) << words_of(err);
  EXPECT_EQ(visits, 1);
}

TEST_F(JournalPayload, AFileThatDiffersIsCorrupted) {
  const auto opened = open();
  ASSERT_FALSE(commit_record(*opened, 1, 1, big_));
  const auto file = files_of(1).at(0);
  auto changed = big_;
  changed[70000] ^= 1;
  for (const auto& bytes : {changed, big_.substr(1), big_ + "x", std::string()}) {
    write_file(file, bytes);
    const auto err = opened->read_records(1, 0, [](const journal_record&) { return true; });
    EXPECT_EQ(failure_of(err), errc::corrupted);
  }
  write_file(file, big_);
  EXPECT_EQ(records_of(*opened, 1), (record_list{{1, big_}}));
}

TEST_F(JournalPayload, ARecordThatIsReplacedKeepsItsOldBytesUntilTheCommit) {
  auto faults = std::make_shared<fault_switch>();
  options_.file_system = make_fault_file_system(faults);
  auto opened = open();
  ASSERT_FALSE(commit_record(*opened, 1, 1, big_));
  // The file is made, the log cannot be written.
  faults->fail(disk_operation::append, disk_fault::io_error, 1);
  EXPECT_TRUE(commit_record(*opened, 1, 1, std::string(2000, 'n')));
  faults->clear();
  opened.reset();
  EXPECT_EQ(records_of(*open(), 1), (record_list{{1, big_}}));
}

TEST_F(JournalPayload, RemovesFilesThatACrashLeftOfAnUnfinishedJob) {
  {
    const auto opened = open();
    journal_batch batch;
    batch.put_record(1, 1, bytes_of(big_));
    batch.open_job(1);
    ASSERT_FALSE(commit_one(*opened, batch));
  }
  write_file(options_.folder / "payloads" / "1" / "2-abc", "orphan");
  const auto opened = open();
  EXPECT_EQ(files_of(1).size(), 1u);
  EXPECT_EQ(records_of(*opened, 1), (record_list{{1, big_}}));
}

}  // namespace
}  // namespace tandem::storage
