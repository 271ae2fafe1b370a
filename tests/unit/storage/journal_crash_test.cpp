#include "storage/fault_file_system.hpp"
#include "tests/unit/storage/crash_child.hpp"
#include "tests/unit/storage/journal_fixture.hpp"

namespace tandem::storage {
namespace {

class JournalCrash : public journal_fixture {
 protected:
  /// Jobs from 1 on whose record, summary and open entry are all there and right; none may be there
  /// in part.
  [[nodiscard]] std::uint64_t whole_jobs(const crash_plan& plan) const {
    const auto opened = open();
    if (!opened) return 0;
    const auto unfinished = *opened->open_jobs();
    std::uint64_t whole = 0;
    for (std::uint64_t job = 1; job <= plan.commits; ++job) {
      const auto records = records_of(*opened, job);
      const bool has_summary = opened->read_summary(job).engaged();
      const bool is_open = std::binary_search(unfinished.begin(), unfinished.end(), job);
      EXPECT_EQ(records.size(), has_summary ? 1u : 0u) << "job " << job;
      EXPECT_EQ(is_open, has_summary) << "job " << job;
      if (records.empty()) continue;
      EXPECT_EQ(records[0].second, crash_record(job, plan.record_bytes));
      EXPECT_EQ(job, ++whole) << "a job is missing in the middle";
    }
    return whole;
  }
};

TEST_F(JournalCrash, SyncedCommitsSurviveAPowerCut) {
  const crash_plan plan{options_.folder, durability::sync, true, 200, 300};
  EXPECT_EQ(run_until_killed(plan), 200u);
  EXPECT_EQ(whole_jobs(plan), 200u);
}

// Without this the test above might pass with a file system that holds nothing back.
TEST_F(JournalCrash, UnsyncedCommitsDoNotSurviveAPowerCut) {
  const crash_plan plan{options_.folder, durability::os, true, 200, 300};
  EXPECT_EQ(run_until_killed(plan), 200u);
  EXPECT_EQ(whole_jobs(plan), 0u);
}

TEST_F(JournalCrash, CommitsHandedToTheSystemSurviveAKill) {
  const crash_plan plan{options_.folder, durability::os, false, 200, 300};
  EXPECT_EQ(run_until_killed(plan), 200u);
  EXPECT_EQ(whole_jobs(plan), 200u);
}

TEST_F(JournalCrash, SyncedFilesBesideTheDatabaseSurviveAPowerCut) {
  const crash_plan plan{options_.folder, durability::sync, true, 20, 100'000};
  EXPECT_EQ(run_until_killed(plan), 20u);
  EXPECT_EQ(whole_jobs(plan), 20u);
}

TEST_F(JournalCrash, APowerCutBetweenFlushesLosesNothingSynced) {
  const crash_plan plan{options_.folder, durability::sync, true, 1500, 4000, 2u << 20};
  EXPECT_EQ(run_until_killed(plan), 1500u);
  EXPECT_GT(database_files(".sst").size(), 0u) << "no flush happened: the test shows nothing";
  EXPECT_EQ(whole_jobs(plan), 1500u);
}

TEST_F(JournalCrash, UnsyncedCommitsAreLostWholeOrNotAtAll) {
  const crash_plan plan{options_.folder, durability::none, true, 1500, 4000, 2u << 20};
  EXPECT_EQ(run_until_killed(plan), 1500u);
  // whole_jobs() fails when a job is there in part: what was flushed by then is there, the rest is
  // not.
  const auto whole = whole_jobs(plan);
  EXPECT_GT(whole, 0u);
  EXPECT_LT(whole, 1500u);
}

TEST_F(JournalCrash, TheFirstStartSurvivesAPowerCut) {
  const crash_plan plan{options_.folder, durability::sync, true, 0, 300};
  EXPECT_EQ(run_until_killed(plan), 0u);
  EXPECT_EQ(whole_jobs(plan), 0u);
}

TEST_F(JournalCrash, ReadsWhatIsHeldBack) {
  options_.file_system = make_hold_unsynced_file_system();
  options_.inline_bytes_max = 10;
  {
    const auto opened = open();
    ASSERT_FALSE(commit_record(*opened, 1, 1, std::string(5000, 'x'), durability::os));
    EXPECT_EQ(records_of(*opened, 1).at(0).second, std::string(5000, 'x'));
  }
  EXPECT_EQ(records_of(*open(), 1).at(0).second, std::string(5000, 'x'));
}

TEST_F(JournalCrash, ARecordThatWasCutOffIsDroppedAndAllBeforeItKept) {
  const crash_plan plan{options_.folder, durability::os, false, 50, 300};
  EXPECT_EQ(run_until_killed(plan), 50u);
  const auto log = database_files(".log").back();
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 40);
  EXPECT_EQ(whole_jobs(plan), 49u);
}

}  // namespace
}  // namespace tandem::storage
