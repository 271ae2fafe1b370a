// What tenants spend, by the hour: it outlives the process, and is written with the records that
// tell of it.

#include <chrono>

#include <gmock/gmock.h>

#include "tests/unit/storage/journal_fixture.hpp"

namespace tandem::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint64_t hour = 3'600'000;

/// As text: `tenant@hour tokens cost`, hours counted from `from`.
class JournalSpending : public journal_fixture {
 protected:
  JournalSpending() {
    auto unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
    // The hour before last: no test runs so long that it is dropped.
    now_ = (static_cast<std::uint64_t>(unix_ms) / hour - 2) * hour;
  }

  [[nodiscard]] std::vector<std::string> rows(const journal& from,
                                              std::uint64_t since_ms = 0) const {
    std::vector<std::string> all;
    for (const auto& row : from.spending(since_ms)) {
      EXPECT_EQ(row.hour_ms % hour, 0u);
      auto at =
          static_cast<std::int64_t>(row.hour_ms / hour) - static_cast<std::int64_t>(now_ / hour);
      all.push_back(row.tenant + '@' + std::to_string(at) + ' ' + std::to_string(row.tokens) + ' ' +
                    std::to_string(row.cost_nanousd));
    }
    return all;
  }

  void spend(journal& to, const std::string& tenant, std::uint64_t at_ms, std::uint64_t tokens,
             std::int64_t cost = 0) const {
    journal_batch batch;
    batch.add_spending(tenant, at_ms, tokens, cost);
    const auto err = commit_one(to, batch);
    EXPECT_FALSE(err) << words_of(err);
  }

  std::uint64_t now_ = 0;
};

TEST_F(JournalSpending, AddsUpByTenantAndHour) {
  const auto store = open();
  EXPECT_THAT(rows(*store), IsEmpty());
  spend(*store, "acme", now_, 10, 100);
  spend(*store, "acme", now_ + hour - 1, 5, 50);
  spend(*store, "acme", now_ + hour, 1, 1);
  spend(*store, "b", now_, 7);
  EXPECT_THAT(rows(*store), ElementsAre("acme@0 15 150", "b@0 7 0", "acme@1 1 1"));
  EXPECT_THAT(rows(*store, now_ + hour), ElementsAre("acme@1 1 1"));
  EXPECT_THAT(rows(*store, now_ + hour - 1).size(), 3u) << "the hour that it lies in";
}

TEST_F(JournalSpending, OneWriteMayHoldSeveral) {
  const auto store = open();
  journal_batch first;
  first.add_spending("acme", now_, 1, 10);
  first.put_record(1, 1, bytes_of("record"));
  first.add_spending("acme", now_, 2, 20);
  journal_batch second;
  second.add_spending("acme", now_, 4, 40);
  const journal_batch* all[] = {&first, &second};
  const auto err = store->commit(all, durability::os);
  ASSERT_FALSE(err) << words_of(err);
  EXPECT_THAT(rows(*store), ElementsAre("acme@0 7 70"));
  EXPECT_EQ(records_of(*store, 1).size(), 1u);
}

TEST_F(JournalSpending, GoesOnWhereItWasAfterAnOpening) {
  spend(*open(), "acme", now_, 10, 100);
  {
    const auto store = open();
    EXPECT_THAT(rows(*store), ElementsAre("acme@0 10 100"));
    spend(*store, "acme", now_, 1, 1);
  }
  EXPECT_THAT(rows(*open()), ElementsAre("acme@0 11 101"));
}

TEST_F(JournalSpending, KeepsWhatIsOlderThan62DaysAsOneSum) {
  {
    const auto store = open();
    spend(*store, "acme", now_ - 63 * 24 * hour, 1);
    spend(*store, "acme", now_ - 90 * 24 * hour, 8);
    spend(*store, "acme", now_ - 61 * 24 * hour, 2);
    spend(*store, "acme", now_, 4);
    EXPECT_EQ(store->spending(0).size(), 4u);
  }
  const auto total = open()->spending(0);
  ASSERT_EQ(total.size(), 3u);
  EXPECT_EQ(total[0].hour_ms, 0u);
  EXPECT_EQ(total[0].tokens, 9u);
  const auto expected = ElementsAre("acme@-1464 2 0", "acme@0 4 0");
  const auto recent = now_ - 62 * 24 * hour;
  EXPECT_THAT(rows(*open(), recent), expected);
  EXPECT_THAT(rows(*open(), recent), expected);
  EXPECT_EQ(open()->spending(0).front().tokens, 9u);
}

TEST_F(JournalSpending, IsNoJob) {
  const auto store = open();
  const auto next = *store->next_job_number();
  spend(*store, "acme", now_, 1);
  EXPECT_EQ(*store->next_job_number(), next);
  EXPECT_TRUE(store->open_jobs()->empty());
}

TEST_F(JournalSpending, TakesAnyTenantsNameUpToItsLimit) {
  const std::string odd{"a\0b/\xff", 5};
  const auto store = open();
  spend(*store, odd, now_, 1);
  spend(*store, "", now_, 2);
  spend(*store, std::string(1024, 'x'), now_, 3);
  journal_batch long_name;
  long_name.put_record(1, 1, bytes_of("record"));
  long_name.add_spending(std::string(1025, 'x'), now_, 4, 0);
  EXPECT_EQ(failure_of(commit_one(*store, long_name)), errc::invalid_argument);
  EXPECT_EQ(records_of(*store, 1).size(), 0u) << "all of it or nothing";
  ASSERT_EQ(store->spending(0).size(), 3u);
  EXPECT_EQ(store->spending(0)[1].tenant, odd);
}

TEST_F(JournalSpending, SurvivesThePurgeOfItsJobs) {
  const auto store = open();
  journal_batch batch;
  batch.put_record(1, 1, bytes_of("record"));
  batch.add_spending("acme", now_, 9, 90);
  ASSERT_FALSE(commit_one(*store, batch));
  ASSERT_TRUE(store->purge(1).engaged());
  EXPECT_THAT(rows(*store), ElementsAre("acme@0 9 90"));
}

}  // namespace
}  // namespace tandem::storage
