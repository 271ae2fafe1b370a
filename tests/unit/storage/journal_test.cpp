#include "storage/journal.hpp"

#include "storage/keys.hpp"
#include "tests/unit/storage/journal_fixture.hpp"

namespace tandem::storage {
namespace {

using testing::Test;
using record_list = std::vector<std::pair<std::uint32_t, std::string>>;

class Journal : public journal_fixture {};

TEST_F(Journal, MakesItsFolderForItsUserAlone) {
  options_.folder = root_ / "parent" / "journal";
  const auto made = open();
  ASSERT_TRUE(made);
  EXPECT_EQ(std::filesystem::status(options_.folder).permissions(),
            std::filesystem::perms::owner_all);
}

TEST_F(Journal, TakesRelativeFoldersAndASlashAtTheEnd) {
  options_.folder = std::filesystem::relative(root_) / "journal" / "";
  open().reset();
  EXPECT_EQ(std::filesystem::status(root_ / "journal").permissions(),
            std::filesystem::perms::owner_all);
}

TEST_F(Journal, KeepsItsIdWhenReopened) {
  const auto id = open()->id();
  EXPECT_NE(id.value, 0u);
  EXPECT_LT(id.value, std::uint64_t{1} << journal_id_bits);
  EXPECT_EQ(open()->id(), id);
}

TEST_F(Journal, EachFolderHasAnIdOfItsOwn) {
  const auto id = open()->id();
  options_.folder = root_ / "other";
  EXPECT_NE(open()->id(), id);
}

TEST_F(Journal, ReadsRecordsInOrderOfTheirNumbers) {
  const auto opened = open();
  for (const std::uint32_t number : {300u, 2u, 1u, 256u})
    ASSERT_FALSE(commit_record(*opened, 7, number, std::to_string(number)));
  ASSERT_FALSE(commit_record(*opened, 8, 1, "another job's"));
  EXPECT_EQ(records_of(*opened, 7), (record_list{{1, "1"}, {2, "2"}, {256, "256"}, {300, "300"}}));
  EXPECT_EQ(records_of(*opened, 7, 2), (record_list{{256, "256"}, {300, "300"}}));
  EXPECT_TRUE(records_of(*opened, 7, 300).empty());
  EXPECT_TRUE(records_of(*opened, 7, ~0u).empty());
  EXPECT_TRUE(records_of(*opened, 6).empty());
}

TEST_F(Journal, StopsReadingWhenTheVisitorSaysSo) {
  const auto opened = open();
  for (std::uint32_t number = 1; number <= 5; ++number)
    ASSERT_FALSE(commit_record(*opened, 1, number, "x"));
  int visits = 0;
  EXPECT_FALSE(
      opened->read_records(1, 0, [&visits](const journal_record&) { return ++visits < 2; }));
  EXPECT_EQ(visits, 2);
}

TEST_F(Journal, KeepsEmptyRecordsAndBytesOfAnyKind) {
  const std::string odd("\0\1\xff\n", 4);
  const auto opened = open();
  ASSERT_FALSE(commit_record(*opened, 1, 1, ""));
  ASSERT_FALSE(commit_record(*opened, 1, 2, odd));
  EXPECT_EQ(records_of(*opened, 1), (record_list{{1, ""}, {2, odd}}));
}

TEST_F(Journal, ReplacesARecordThatIsWrittenAgain) {
  const auto opened = open();
  ASSERT_FALSE(commit_record(*opened, 1, 1, "old"));
  ASSERT_FALSE(commit_record(*opened, 1, 1, "new"));
  EXPECT_EQ(records_of(*opened, 1), (record_list{{1, "new"}}));
}

class JournalAtEachDurability : public Journal, public testing::WithParamInterface<durability> {};
INSTANTIATE_TEST_SUITE_P(All, JournalAtEachDurability,
                         testing::Values(durability::sync, durability::os, durability::none));

TEST_P(JournalAtEachDurability, SurvivesACleanStop) {
  {
    const auto opened = open();
    journal_batch batch;
    batch.put_record(3, 1, bytes_of("record"));
    batch.put_summary(3, bytes_of("summary"));
    batch.put_client_key("tenant", "key", 3);
    batch.open_job(3);
    ASSERT_FALSE(commit_one(*opened, batch, GetParam()));
  }
  const auto opened = open();
  EXPECT_EQ(records_of(*opened, 3), (record_list{{1, "record"}}));
  EXPECT_EQ(text_of(*opened->read_summary(3)), "summary");
  EXPECT_EQ(*opened->find_client_key("tenant", "key"), 3u);
  EXPECT_EQ(*opened->open_jobs(), std::vector<std::uint64_t>{3});
}

TEST_F(Journal, CommitsManyBatchesAsOne) {
  const auto opened = open();
  std::vector<journal_batch> batches(100);
  std::vector<const journal_batch*> all;
  for (std::uint64_t job = 1; job <= batches.size(); ++job) {
    batches[job - 1].put_record(job, 1, bytes_of("r" + std::to_string(job)));
    all.push_back(&batches[job - 1]);
  }
  ASSERT_FALSE(opened->commit(all, durability::sync));
  for (std::uint64_t job = 1; job <= batches.size(); ++job)
    EXPECT_EQ(records_of(*opened, job), (record_list{{1, "r" + std::to_string(job)}}));
  EXPECT_EQ(opened->figures().commits, 1u);
  EXPECT_EQ(opened->figures().records, 100u);
}

TEST_F(Journal, AnEmptyCommitIsNoCommit) {
  const auto opened = open();
  EXPECT_FALSE(opened->commit({}, durability::sync));
  EXPECT_FALSE(commit_one(*opened, journal_batch()));
  EXPECT_EQ(opened->figures().commits, 0u);
}

TEST_F(Journal, ABatchForgetsWhatWasCleared) {
  const auto opened = open();
  journal_batch batch;
  EXPECT_TRUE(batch.empty());
  batch.put_record(1, 1, bytes_of("12345"));
  EXPECT_FALSE(batch.empty());
  EXPECT_GE(batch.bytes(), 5u);
  batch.clear();
  EXPECT_TRUE(batch.empty());
  batch.put_record(1, 2, bytes_of("kept"));
  ASSERT_FALSE(commit_one(*opened, batch));
  EXPECT_EQ(records_of(*opened, 1), (record_list{{2, "kept"}}));
}

TEST_F(Journal, RefusesWhatIsOutsideTheLimitsAndGoesOn) {
  options_.record_bytes_max = 1000;
  const auto opened = open();
  const std::string big(1001, 'x');
  const auto refused = [&opened](auto&& put) {
    journal_batch good;
    good.put_record(5, 1, bytes_of("good"));
    journal_batch bad;
    put(bad);
    const journal_batch* both[] = {&good, &bad};
    return failure_of(opened->commit(both, durability::os));
  };
  EXPECT_EQ(refused([&](auto& b) { b.put_record(1, 1, bytes_of(big)); }), errc::invalid_argument);
  EXPECT_EQ(refused([&](auto& b) { b.put_summary(1, bytes_of(big)); }), errc::invalid_argument);
  EXPECT_EQ(refused([&](auto& b) { b.put_record(0, 1, bytes_of("x")); }), errc::invalid_argument);
  EXPECT_EQ(refused([&](auto& b) { b.put_record(1, 0, bytes_of("x")); }), errc::invalid_argument);
  EXPECT_EQ(refused([&](auto& b) { b.open_job(~0ull); }), errc::invalid_argument);
  EXPECT_EQ(refused([&](auto& b) { b.put_client_key(std::string(1025, 't'), "k", 1); }),
            errc::invalid_argument);
  EXPECT_EQ(refused([&](auto& b) { b.put_client_key("t", std::string(4097, 'k'), 1); }),
            errc::invalid_argument);
  EXPECT_TRUE(records_of(*opened, 5).empty());
  EXPECT_FALSE(commit_record(*opened, 1, 1, big.substr(1)));
  EXPECT_EQ(records_of(*opened, 1).size(), 1u);
}

TEST_F(Journal, ListsUnfinishedJobsInOrder) {
  {
    const auto opened = open();
    journal_batch batch;
    for (const std::uint64_t job : {900, 3, 70, 4}) batch.open_job(job);
    batch.open_job(3);
    batch.close_job(70);
    batch.close_job(1);
    ASSERT_FALSE(commit_one(*opened, batch));
    EXPECT_EQ(*opened->open_jobs(), (std::vector<std::uint64_t>{3, 4, 900}));
    batch.clear();
    batch.close_job(3);
    batch.close_job(4);
    batch.open_job(4);
    ASSERT_FALSE(commit_one(*opened, batch));
  }
  EXPECT_EQ(*open()->open_jobs(), (std::vector<std::uint64_t>{4, 900}));
}

TEST_F(Journal, AJobThatWasOpenedTwiceIsClosedByOneClose) {
  for (const bool open_it : {true, true, false}) {
    const auto opened = open();
    journal_batch batch;
    open_it ? batch.open_job(5) : batch.close_job(5);
    ASSERT_FALSE(commit_one(*opened, batch));
  }
  EXPECT_TRUE(open()->open_jobs()->empty());
}

TEST_F(Journal, ReadsSummariesNewestOrOldestFirst) {
  const auto opened = open();
  for (const std::uint64_t job : {1, 255, 256, 1000}) {
    journal_batch batch;
    batch.put_summary(job, bytes_of("s" + std::to_string(job)));
    ASSERT_FALSE(commit_one(*opened, batch));
  }
  std::vector<std::uint64_t> seen;
  const auto visit = [&seen](std::uint64_t job, std::span<const std::byte> summary) {
    EXPECT_EQ(text_of(summary), "s" + std::to_string(job));
    seen.push_back(job);
    return seen.size() < 3;
  };
  EXPECT_FALSE(opened->read_summaries(0, visit));
  EXPECT_EQ(std::exchange(seen, {}), (std::vector<std::uint64_t>{1000, 256, 255}));
  EXPECT_FALSE(opened->read_summaries(256, visit));
  EXPECT_EQ(std::exchange(seen, {}), (std::vector<std::uint64_t>{255, 1}));
  EXPECT_FALSE(opened->read_summaries_oldest_first(0, visit));
  EXPECT_EQ(std::exchange(seen, {}), (std::vector<std::uint64_t>{1, 255, 256}));
  EXPECT_FALSE(opened->read_summaries_oldest_first(256, visit));
  EXPECT_EQ(std::exchange(seen, {}), (std::vector<std::uint64_t>{256, 1000}));
  EXPECT_EQ(failure_of(opened->read_summary(2).error()), errc::not_found);
}

TEST_F(Journal, FindsClientKeysPerTenant) {
  const auto opened = open();
  journal_batch batch;
  batch.put_client_key("a", "key", 1);
  batch.put_client_key("b", "key", 2);
  ASSERT_FALSE(commit_one(*opened, batch));
  EXPECT_EQ(*opened->find_client_key("a", "key"), 1u);
  EXPECT_EQ(*opened->find_client_key("b", "key"), 2u);
  EXPECT_EQ(*opened->find_client_key("", "akey"), std::nullopt);
  EXPECT_EQ(*opened->find_client_key(std::string(70000, 'a'), "key"), std::nullopt);
}

TEST_F(Journal, NumbersJobsAboveAllThatWereUsed) {
  const auto put = [this](auto&& what) {
    const auto opened = open();
    journal_batch batch;
    what(batch);
    EXPECT_FALSE(commit_one(*opened, batch));
    const auto next = *opened->next_job_number();
    return next;
  };
  EXPECT_EQ(*open()->next_job_number(), 1u);
  EXPECT_EQ(put([](auto& b) { b.put_summary(5, bytes_of("s")); }), 6u);
  EXPECT_EQ(*open()->next_job_number(), 6u);
  EXPECT_EQ(put([](auto& b) { b.put_record(300, 1, bytes_of("r")); }), 301u);
  EXPECT_EQ(*open()->next_job_number(), 301u);
  EXPECT_EQ(put([](auto& b) { b.open_job(302); }), 303u);
  EXPECT_EQ(*open()->next_job_number(), 303u);
  EXPECT_EQ(put([](auto& b) { b.put_client_key("t", "k", 400); }), 401u);
  EXPECT_EQ(*open()->next_job_number(), 401u);
}

}  // namespace
}  // namespace tandem::storage
