#include "actors/front/job_pages.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "schema/text.hpp"

namespace tandem::testing {
namespace {

/// What a journal's archive does: newest first, below `before`, at most `limit`, with a bound on
/// how many jobs it looks at.
struct shelf {
  std::uint64_t journal = 0;
  /// Submission times of jobs 1, 2, ...
  std::vector<std::uint64_t> times{};
  std::uint64_t scan_max = 1'000;
  /// Only jobs whose number it divides.
  std::uint64_t filter = 1;

  [[nodiscard]] tmsg::joblist page(const tmsg::jobqry& query) const {
    auto before = query.read()->getBefore();
    auto limit = query.read()->getLimit();
    auto number = before == 0 ? times.size() : std::min<std::size_t>(times.size(), before - 1);
    std::vector<std::uint64_t> found;
    std::uint64_t looked = 0;
    std::uint64_t next = 0;
    for (; number > 0; --number) {
      if (found.size() == limit || looked++ == scan_max) {
        next = number + 1;
        break;
      }
      if (number % filter == 0) found.push_back(number);
    }
    message_builder<schema::JobList> out;
    auto jobs = out->initJobs(static_cast<unsigned>(found.size()));
    for (unsigned i = 0; i < jobs.size(); ++i) {
      jobs[i].getJob().setJournal(journal);
      jobs[i].getJob().setNumber(found[i]);
      jobs[i].setSubmittedAtMs(times[found[i] - 1]);
    }
    out->setNext(next);
    return out.finish();
  }
};

using job = std::pair<std::uint64_t, std::uint64_t>;

/// Reads page after page as a client does.
std::vector<job> read_all(const std::vector<shelf>& shelves, std::uint32_t limit,
                          unsigned& requests) {
  std::vector<job> all;
  message_builder<schema::JobQuery> query;
  query->setLimit(limit);
  for (requests = 1; requests < 10'000; ++requests) {
    auto asked = query->asReader();
    std::vector<job_page> pages;
    for (const auto& each : shelves) {
      auto before = cursor_of(asked, each.journal);
      pages.push_back(
          {.journal = each.journal, .before = before, .list = each.page(query_of(asked, before))});
    }
    auto merged = merge_pages(pages, limit);
    auto reader = merged.read();
    EXPECT_LE(reader->getJobs().size(), limit);
    for (auto found : reader->getJobs())
      all.emplace_back(found.getSubmittedAtMs(), found.getJob().getNumber());
    if (reader->getCursors().size() == 0) break;
    query->setCursors(reader->getCursors());
  }
  return all;
}

TEST(JobPages, HoldEveryJobOnceNewestFirst) {
  std::mt19937_64 random{7};
  for (unsigned round = 0; round < 60; ++round) {
    std::vector<shelf> shelves;
    std::size_t expected = 0;
    for (std::uint64_t journal = 1; journal <= 1 + round % 4; ++journal) {
      shelf each{.journal = journal, .scan_max = 3 + random() % 20, .filter = 1 + random() % 3};
      std::uint64_t time = 1'000;
      auto count = random() % 40;
      for (std::uint64_t i = 1; i <= count; ++i) {
        each.times.push_back(time += random() % 50);
        expected += i % each.filter == 0 ? 1 : 0;
      }
      shelves.push_back(std::move(each));
    }
    unsigned requests = 0;
    auto all = read_all(shelves, 1 + static_cast<std::uint32_t>(random() % 9), requests);
    ASSERT_EQ(all.size(), expected) << "round " << round;
    EXPECT_TRUE(std::is_sorted(all.rbegin(), all.rend(),
                               [](const job& a, const job& b) { return a.first < b.first; }))
        << "round " << round;
    EXPECT_LT(requests, 200u);
  }
}

TEST(JobPages, NameWhatIsMissingAndGoOnThereLater) {
  shelf here{.journal = 1, .times = {10, 20, 30}};
  message_builder<schema::JobQuery> query;
  query->setLimit(2);
  auto list = here.page(query_of(query->asReader(), 0));
  auto merged = merge_pages({{.journal = 1, .before = 0, .list = list},
                             {.journal = 2, .before = 17, .node = "c", .address = "h:1"},
                             {.journal = 3, .node = "d", .address = "h:2", .waiting = true}},
                            2);
  auto reader = merged.read();
  ASSERT_EQ(reader->getMissing().size(), 2u);
  EXPECT_EQ(reader->getMissing()[0].getJournal(), 2u);
  EXPECT_FALSE(reader->getMissing()[0].getWaiting());
  EXPECT_EQ(view(reader->getMissing()[1].getNode()), "d");
  EXPECT_TRUE(reader->getMissing()[1].getWaiting());
  ASSERT_EQ(reader->getCursors().size(), 3u);
  EXPECT_EQ(reader->getCursors()[0].getBefore(), 2u);
  EXPECT_EQ(reader->getCursors()[1].getBefore(), 17u);
}

TEST(JobPages, EndThoughAJournalIsMissing) {
  shelf here{.journal = 1, .times = {10}};
  message_builder<schema::JobQuery> query;
  query->setLimit(5);
  auto merged = merge_pages({{.journal = 1, .list = here.page(query_of(query->asReader(), 0))},
                             {.journal = 2, .node = "c", .waiting = true}},
                            5);
  EXPECT_EQ(merged.read()->getJobs().size(), 1u);
  EXPECT_EQ(merged.read()->getCursors().size(), 0u);
}

}  // namespace
}  // namespace tandem::testing
