#include "storage/keys.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace tandem::storage::keys {
namespace {

constexpr std::uint64_t jobs[] = {0,          1,          255,  256, 65535, 65536, (1ull << 32) - 1,
                                  1ull << 32, 1ull << 63, ~0ull};

TEST(Keys, OrderOfBytesIsOrderOfJobsAndRecords) {
  std::vector<std::string> keys;
  for (const auto job : jobs)
    for (const std::uint32_t number : {0u, 1u, 255u, 256u, 1u << 31, ~0u})
      keys.push_back(record(job, number));
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  EXPECT_EQ(std::adjacent_find(keys.begin(), keys.end()), keys.end());
}

TEST(Keys, ReadBackWhatWasWritten) {
  for (const auto job : jobs) {
    EXPECT_EQ(job_of(tag::record, record(job, 7)), job);
    EXPECT_EQ(record_number_of(record(job, 0xA1B2C3D4)), 0xA1B2C3D4);
    EXPECT_EQ(job_of(tag::summary, summary(job)), job);
    EXPECT_EQ(job_of(tag::open_job, open_job(job)), job);
    EXPECT_EQ(job_of(tag::job_client_key, job_client_key(job, "t", "k")), job);
    EXPECT_EQ(parse_number_value(number_value(job)), job);
  }
}

TEST(Keys, AJobsEndLiesBetweenItsRecordsAndTheNextJobs) {
  for (const auto job : jobs) {
    EXPECT_LT(record(job, ~0u), record_end(job));
    EXPECT_LT(job_client_key(job, "t", std::string(100, '\xff')), job_client_key_end(job));
    if (job == ~0ull) continue;
    EXPECT_LE(record_end(job), record(job + 1, 0));
    EXPECT_LE(job_client_key_end(job), job_client_key_begin(job + 1));
  }
}

TEST(Keys, AreTheBytesOfTheTable) {
  EXPECT_EQ(record(0x0102030405060708, 0x090A0B0C),
            std::string("\x20\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C", 13));
  EXPECT_EQ(client_key("ab", "c"), std::string("\x40\x00\x02"
                                               "abc",
                                               6));
  EXPECT_EQ(job_client_key(1, "ab", "c"), std::string("\x41\0\0\0\0\0\0\0\x01\x00\x02"
                                                      "abc",
                                                      14));
}

TEST(Keys, TenantAndKeyDoNotRunTogether) {
  EXPECT_NE(client_key("ab", "c"), client_key("a", "bc"));
  EXPECT_NE(client_key("", "abc"), client_key("abc", ""));
}

TEST(Keys, AJobsClientKeyLeadsToTheClientKey) {
  EXPECT_EQ(client_key_of(job_client_key(9, "tenant", "key")), client_key("tenant", "key"));
}

TEST(Keys, RejectsForeignAndShortBytes) {
  EXPECT_FALSE(job_of(tag::summary, record(1, 1)));
  EXPECT_FALSE(job_of(tag::summary, summary(1).substr(0, 8)));
  EXPECT_FALSE(job_of(tag::summary, ""));
  EXPECT_FALSE(record_number_of(record(1, 1).substr(0, 12)));
  EXPECT_FALSE(record_number_of(summary(1)));
  EXPECT_FALSE(client_key_of(summary(1)));
  EXPECT_FALSE(parse_number_value("1234567"));
}

}  // namespace
}  // namespace tandem::storage::keys
