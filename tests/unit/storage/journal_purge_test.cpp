#include "tests/unit/storage/journal_fixture.hpp"

namespace tandem::storage {
namespace {

class JournalPurge : public journal_fixture {
 protected:
  static void put_job(journal& to, std::uint64_t job, std::string_view key) {
    journal_batch batch;
    batch.put_record(job, 1, bytes_of("12345"));
    batch.put_record(job, 2, bytes_of("1234567"));
    batch.put_summary(job, bytes_of("summary"));
    batch.put_client_key("tenant", key, job);
    batch.open_job(job);
    ASSERT_FALSE(commit_one(to, batch));
  }
};

TEST_F(JournalPurge, RemovesAllOfOneJobAndNothingOfOthers) {
  {
    const auto opened = open();
    for (const std::uint64_t job : {1, 2, 3}) put_job(*opened, job, "key" + std::to_string(job));
    EXPECT_EQ(*opened->purge(2), 12u);
  }
  const auto opened = open();
  EXPECT_TRUE(records_of(*opened, 2).empty());
  EXPECT_EQ(failure_of(opened->read_summary(2).error()), errc::not_found);
  EXPECT_EQ(*opened->find_client_key("tenant", "key2"), std::nullopt);
  EXPECT_EQ(*opened->open_jobs(), (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(records_of(*opened, 1).size(), 2u);
  EXPECT_EQ(records_of(*opened, 3).size(), 2u);
  EXPECT_EQ(*opened->find_client_key("tenant", "key1"), 1u);
}

TEST_F(JournalPurge, NeverGivesAPurgedNumberAgain) {
  {
    const auto opened = open();
    put_job(*opened, 41, "key");
    ASSERT_TRUE(opened->purge(41));
    EXPECT_EQ(*opened->next_job_number(), 42u);
  }
  EXPECT_EQ(*open()->next_job_number(), 42u);
}

TEST_F(JournalPurge, KeepsAClientKeyThatNamesALaterJob) {
  const auto opened = open();
  put_job(*opened, 1, "key");
  put_job(*opened, 2, "key");
  ASSERT_TRUE(opened->purge(1));
  EXPECT_EQ(*opened->find_client_key("tenant", "key"), 2u);
  ASSERT_TRUE(opened->purge(2));
  EXPECT_EQ(*opened->find_client_key("tenant", "key"), std::nullopt);
}

TEST_F(JournalPurge, OfAnUnknownJobChangesNothing) {
  const auto opened = open();
  put_job(*opened, 1, "key");
  EXPECT_EQ(*opened->purge(1000), 0u);
  EXPECT_EQ(*opened->next_job_number(), 2u);
}

TEST_F(JournalPurge, RemovesTheFilesToo) {
  options_.inline_bytes_max = 10;
  const auto opened = open();
  ASSERT_FALSE(commit_record(*opened, 9, 1, std::string(500, 'x')));
  ASSERT_FALSE(commit_record(*opened, 9, 2, "small"));
  ASSERT_TRUE(std::filesystem::exists(options_.folder / "payloads" / "9"));
  EXPECT_EQ(*opened->purge(9), 505u);
  EXPECT_FALSE(std::filesystem::exists(options_.folder / "payloads" / "9"));
}

}  // namespace
}  // namespace tandem::storage
