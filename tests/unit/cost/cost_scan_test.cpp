#include "actors/archive/cost_scan.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "actors/cost/cost_sum.hpp"
#include "actors/job/job_state.hpp"
#include "schema/text.hpp"
#include "tests/unit/storage/journal_fixture.hpp"

namespace tandem {
namespace {

using storage::durability;
using storage::journal;
using storage::journal_batch;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t day = 86'400'000;
/// 2026-01-01, UTC.
constexpr std::uint64_t new_year = 1'767'225'600'000;

struct call {
  std::string model = "small";
  schema::Purpose purpose = schema::Purpose::STEP;
  std::uint32_t step = 1;
  std::uint64_t after_ms = 10;
  std::int64_t cost = 10;
  std::int64_t all_large = 100;
  bool failed = false;
  bool simulated = false;
  std::uint32_t cache_hits = 0;
};

struct job_words {
  std::uint64_t at_ms = new_year;
  std::string tenant{};
  std::vector<std::string> kinds{"calc"};
  std::vector<call> calls{call{}};
  /// unknown: it has not ended.
  schema::JobState end = schema::JobState::DONE;
  std::string check{};
  std::vector<float> scores{};
};

void write_attempt(schema::AttemptRecord::Builder out, const call& of, std::uint32_t number) {
  out.setAttempt(number);
  out.setStep(of.step);
  out.setPurpose(of.purpose);
  out.setModel(of.model);
  out.setTier(of.model == "large" ? "large" : "small");
  out.setSimulated(of.simulated);
  if (of.failed) out.initError().setCode(schema::Errc::ENGINE_FAILED);
  auto usage = out.initUsage();
  usage.setCacheHits(of.cache_hits);
  if (of.cache_hits != 0) return usage.setSavedNanousd(of.cost);
  usage.setCalls(1);
  usage.setPromptTokens(20);
  usage.setCachedPromptTokens(5);
  usage.setCompletionTokens(3);
  usage.setCostNanousd(of.cost);
  usage.setCostAllLargeNanousd(of.all_large);
}

/// The records and the summary of one job.
void put_job(journal_batch& batch, std::uint64_t number, const job_words& words) {
  std::uint32_t record = 0;
  auto put = [&](std::uint64_t at_ms, auto fill) {
    message_builder<schema::JobRecord> out;
    out->setAtMs(at_ms);
    fill(*out);
    batch.put_record(number, ++record, out.finish().bytes());
  };
  put(words.at_ms, [&](schema::JobRecord::Builder out) {
    auto submitted = out.initSubmitted();
    submitted.setTenant(words.tenant);
    submitted.initCheck().setKind(words.check);
  });
  put(words.at_ms, [&](schema::JobRecord::Builder out) {
    auto steps = out.initStepsPlanned(static_cast<unsigned>(words.kinds.size()));
    for (unsigned i = 0; i < steps.size(); ++i) {
      steps[i].setStep(i + 1);
      steps[i].setKind(words.kinds[i]);
    }
  });
  auto last = words.at_ms;
  for (const auto& each : words.calls) {
    last = words.at_ms + each.after_ms;
    put(last, [&](schema::JobRecord::Builder out) {
      if (each.failed)
        write_attempt(out.initAttemptFailed(), each, record);
      else if (each.purpose == schema::Purpose::PLAN)
        write_attempt(out.initPlanComplete().initAttempt(), each, record);
      else
        write_attempt(out.initStepDone().initAttempt(), each, record);
    });
  }
  if (words.end != schema::JobState::UNKNOWN)
    put(last, [&](schema::JobRecord::Builder out) { out.initEnded().setState(words.end); });
  for (auto score : words.scores)
    put(last + 1, [&](schema::JobRecord::Builder out) { out.initFeedback().setScore(score); });
  message_builder<schema::JobSummary> summary;
  summary->initJob().setNumber(number);
  summary->setTenant(words.tenant);
  summary->setSubmittedAtMs(words.at_ms);
  if (words.end != schema::JobState::UNKNOWN) summary->setEndedAtMs(last);
  batch.put_summary(number, summary.finish().bytes());
}

class CostScan : public storage::journal_fixture {
 protected:
  void SetUp() override { store_ = open(); }

  void add(const job_words& words) {
    journal_batch batch;
    put_job(batch, ++jobs_, words);
    ASSERT_FALSE(commit_one(*store_, batch, durability::none));
  }

  struct asked {
    std::uint64_t from_ms = 0;
    std::uint64_t to_ms = 0;
    std::string tenant{};
    /// Letters: day, tenant, model, kind, purpose.
    std::string by{};
  };

  /// All parts, added up; also how many there were, and the longest.
  cost_sum sum(const asked& what, const cost_limits& limits = {}) {
    cost_sum all{64 << 20};
    message_builder<schema::CostQuery> query;
    query->setFromMs(what.from_ms);
    query->setToMs(what.to_ms);
    query->setTenant(what.tenant);
    auto has = [&](char key) { return what.by.find(key) != std::string::npos; };
    auto by = query->initBy();
    by.setDay(has('d'));
    by.setTenant(has('t'));
    by.setModel(has('m'));
    by.setKind(has('k'));
    by.setPurpose(has('p'));
    parts_ = 0;
    bytes_ = 0;
    for (auto more = true; more;) {
      auto part = scan_costs(*store_, query.finish().read().operator*(), limits);
      EXPECT_TRUE(part) << message_of(part.error());
      if (!part) break;
      ++parts_;
      bytes_ = std::max(bytes_, part->bytes().size());
      auto reader = part->read();
      all.add(*reader);
      more = reader->getCursors().size() != 0;
      query->setCursors(reader->getCursors());
    }
    return all;
  }

  /// `day tenant model kind: calls cost all_large`, one a row.
  std::vector<std::string> rows(const asked& what) {
    std::vector<std::string> lines;
    auto all = sum(what);
    for (const auto& [key, of] : all.rows()) {
      std::string line;
      if (key.day_ms != 0) line += std::to_string((key.day_ms - new_year) / day) + ' ';
      for (const auto& word : {key.tenant, key.model, key.kind})
        if (!word.empty()) line += word + ' ';
      lines.push_back(line + std::to_string(of.calls) + ' ' + std::to_string(of.cost_nanousd) +
                      ' ' + std::to_string(of.all_large_nanousd));
    }
    return lines;
  }

  std::unique_ptr<journal> store_;
  std::uint64_t jobs_ = 0;
  std::size_t parts_ = 0;
  std::size_t bytes_ = 0;
};

TEST_F(CostScan, AddsUpWhatIsNotAskedApart) {
  add({.tenant = "acme",
       .kinds = {"calc", "sort"},
       .calls = {{.model = "large", .purpose = schema::Purpose::PLAN, .step = 0, .cost = 70},
                 {.step = 1},
                 {.step = 2, .cost = 20}}});
  add({.tenant = "beta", .kinds = {"sort"}});
  EXPECT_THAT(rows({}), ElementsAre("4 110 400"));
  EXPECT_THAT(rows({.by = "m"}), ElementsAre("large 1 70 100", "small 3 40 300"));
  EXPECT_THAT(rows({.by = "t"}), ElementsAre("acme 3 100 300", "beta 1 10 100"));
  EXPECT_THAT(rows({.by = "tmk"}),
              ElementsAre("acme large 1 70 100", "acme small calc 1 10 100",
                          "acme small sort 1 20 100", "beta small sort 1 10 100"));
}

TEST_F(CostScan, OfATenantHasNothingOfOthers) {
  for (const char* tenant : {"acme", "acme ", "", "ACME"}) add({.tenant = tenant});
  auto all = sum({.tenant = "acme", .by = "t"});
  EXPECT_EQ(all.total().calls, 1u);
  EXPECT_EQ(all.jobs_counted, 1u);
  EXPECT_EQ(all.total_jobs().done, 1u);
  EXPECT_EQ(sum({.tenant = "acm"}).total().calls, 0u);
}

TEST_F(CostScan, ADayBeginsAndEndsAtMidnightUtc) {
  // Each ends its call 10 ms after it began.
  for (auto at : {new_year - 11, new_year - 10, new_year + day - 11, new_year + day - 10})
    add({.at_ms = at});
  EXPECT_THAT(rows({.from_ms = new_year, .by = "d"}), ElementsAre("0 2 20 200", "1 1 10 100"));
  EXPECT_THAT(rows({.from_ms = new_year, .to_ms = new_year + day}), ElementsAre("2 20 200"));
  EXPECT_THAT(rows({.to_ms = new_year}), ElementsAre("1 10 100"));
  auto jobs = sum({.from_ms = new_year, .to_ms = new_year + day}).total_jobs();
  EXPECT_EQ(jobs.done, 2u);
}

TEST_F(CostScan, AJobOverMidnightCountsOnEachDayWhatItSpentThere) {
  add({.at_ms = new_year + day - 1'000,
       .kinds = {"calc", "calc"},
       .calls = {{.step = 1, .after_ms = 999}, {.step = 2, .after_ms = 1'000}},
       .check = "number"});
  EXPECT_THAT(rows({.by = "d"}), ElementsAre("0 1 10 100", "1 1 10 100"));
  // The job itself counts once, whole, where it ended.
  auto first = sum({.to_ms = new_year + day});
  EXPECT_EQ(first.total().calls, 1u);
  EXPECT_EQ(first.total_jobs().done, 0u);
  auto second = sum({.from_ms = new_year + day});
  EXPECT_EQ(second.total_jobs().done, 1u);
  EXPECT_EQ(second.total_jobs().judged_nanousd, 20);
}

TEST_F(CostScan, AJobThatHasNotEndedCountsWithWhatItHasSpent) {
  add({.end = schema::JobState::UNKNOWN});
  auto all = sum({.from_ms = new_year});
  EXPECT_EQ(all.total().calls, 1u);
  EXPECT_EQ(all.total_jobs().unfinished, 1u);
}

TEST_F(CostScan, TellsApartWhatFailedWhatCachesAnsweredAndWhatWasSimulated) {
  add({.calls = {{.cost = 7, .all_large = 50, .failed = true},
                 {.cost = 3, .simulated = true},
                 {.cost = 9, .cache_hits = 1}}});
  auto all = sum({}).total();
  EXPECT_EQ(all.attempts, 3u);
  EXPECT_EQ(all.calls, 2u);
  EXPECT_EQ(all.failed, 1u);
  EXPECT_EQ(all.failed_nanousd, 7);
  EXPECT_EQ(all.failed_all_large_nanousd, 50);
  EXPECT_EQ(all.simulated, 1u);
  EXPECT_EQ(all.cache_hits, 1u);
  EXPECT_EQ(all.cache_saved_nanousd, 9);
  EXPECT_EQ(all.cached_prompt_tokens, 10u);
  EXPECT_EQ(sum({}).total_jobs().simulated, 1u);
}

TEST_F(CostScan, WithoutALargePriceACallIsNoPartOfTheSaving) {
  add({.calls = {{.cost = 40, .all_large = 0}, {.cost = 10, .all_large = 100}}});
  auto all = sum({}).total();
  EXPECT_EQ(all.unpriced, 1u);
  EXPECT_EQ(all.cost_nanousd, 50);
  EXPECT_EQ(all.saved_nanousd(), 90);
}

TEST_F(CostScan, UsersOverruleChecksAboutWhatIsRight) {
  add({.check = "number"});
  add({.end = schema::JobState::FAILED, .check = "number"});
  add({});
  add({.scores = {1, 0.4f}});
  add({.check = "number", .scores = {0}});
  add({.end = schema::JobState::CANCELLED, .check = "number"});
  add({.end = schema::JobState::UNKNOWN, .check = "number"});
  auto jobs = sum({}).total_jobs();
  EXPECT_EQ(jobs.judged, 4u);
  EXPECT_EQ(jobs.right, 2u);
  EXPECT_EQ(jobs.judged_nanousd, 40);
  EXPECT_EQ(jobs.judged_all_large_nanousd, 400);
}

TEST_F(CostScan, IsTheSameInPartsOfAnySize) {
  for (std::uint64_t i = 0; i < 60; ++i)
    add({.at_ms = new_year + i * day / 7,
         .tenant = "t" + std::to_string(i % 5),
         .kinds = {"k" + std::to_string(i % 11)},
         .check = i % 2 == 0 ? "number" : ""});
  auto bytes = [&](const cost_limits& limits) {
    message_builder<schema::CostReport> out;
    auto all = sum({.by = "dtmk"}, limits);
    all.journals = 1;
    all.write(*out);
    auto report = out.finish();
    return std::string{reinterpret_cast<const char*>(report.bytes().data()), report.bytes().size()};
  };
  auto whole = bytes({});
  EXPECT_EQ(parts_, 1u);
  EXPECT_EQ(bytes({.jobs_max = 1}), whole);
  EXPECT_GE(parts_, 60u);
  EXPECT_EQ(bytes({.records_max = 10}), whole);
  EXPECT_EQ(bytes({.bytes_max = 4 << 10}), whole);
  EXPECT_GT(parts_, 1u);
}

TEST_F(CostScan, SaysHowManyJobsOfTheTimeArePurged) {
  for (std::uint64_t i = 0; i < 10; ++i) add({.at_ms = new_year + i * day});
  for (std::uint64_t job : {1, 2, 5, 10}) ASSERT_TRUE(store_->purge(job));
  auto all = sum({});
  EXPECT_EQ(all.purged, 4u);
  EXPECT_EQ(all.total().calls, 6u);
  for (const auto& limits : {cost_limits{.jobs_max = 1}, cost_limits{.jobs_max = 3}})
    EXPECT_EQ(sum({}, limits).purged, 4u);
  // Before and after that time.
  EXPECT_EQ(sum({.from_ms = new_year + 6 * day, .to_ms = new_year + 8 * day}).purged, 0u);
  EXPECT_EQ(sum({.from_ms = new_year + 4 * day, .to_ms = new_year + 5 * day}).purged, 1u);
}

TEST_F(CostScan, OfAnEmptyJournalIsEmpty) {
  auto all = sum({});
  EXPECT_EQ(parts_, 1u);
  EXPECT_TRUE(all.rows().empty());
  EXPECT_EQ(all.purged, 0u);
  EXPECT_EQ(all.journals, 1u);
}

TEST_F(CostScan, LeavesADamagedJobOutAndSaysWhich) {
  add({});
  add({});
  journal_batch batch;
  batch.put_record(2, 3, storage::bytes_of("not a record"));
  ASSERT_FALSE(commit_one(*store_, batch));
  auto all = sum({});
  EXPECT_EQ(all.unreadable, 1u);
  EXPECT_THAT(all.unreadable_why, HasSubstr("-2: record 3"));
  EXPECT_EQ(all.total().calls, 1u);
}

TEST_F(CostScan, KindsThatAPlannerInventsDoNotMakeAnswersGrow) {
  constexpr std::uint32_t steps = 3'000;
  job_words words{.kinds = {}, .calls = {}};
  for (std::uint32_t i = 1; i <= steps; ++i) {
    words.kinds.push_back(std::string(300, 'x') + std::to_string(i));
    words.kinds.back().insert(0, std::to_string(i));
    words.calls.push_back({.step = i});
  }
  add(words);
  auto all = sum({.by = "kp"}, {.bytes_max = 64 << 10});
  EXPECT_TRUE(all.folded);
  EXPECT_EQ(all.total().calls, steps);
  EXPECT_LT(bytes_, 128u << 10);
  for (const auto& [key, figures] : all.rows()) EXPECT_LE(key.kind.size(), 128u);
}

TEST_F(CostScan, AHundredThousandJobsComeInBoundedParts) {
  constexpr std::uint64_t jobs = 100'000;
  for (std::uint64_t first = 1; first <= jobs; first += 1'000) {
    journal_batch batch;
    for (std::uint64_t job = first; job < first + 1'000; ++job)
      put_job(batch, job,
              {.at_ms = new_year + job * 30'000,
               .tenant = "tenant " + std::to_string(job % 20),
               .kinds = {"kind " + std::to_string(job % 10)}});
    ASSERT_FALSE(commit_one(*store_, batch, durability::none));
  }
  cost_limits limits;
  auto all = sum({.by = "dtmk"}, limits);
  EXPECT_EQ(all.jobs_counted, jobs);
  EXPECT_EQ(all.total().calls, jobs);
  EXPECT_EQ(all.total().cost_nanousd, static_cast<std::int64_t>(jobs) * 10);
  EXPECT_EQ(all.total_jobs().done, jobs);
  // Four records a job.
  EXPECT_GE(parts_, 4 * jobs / limits.records_max);
  EXPECT_LT(bytes_, std::size_t{1} << 20);
  EXPECT_FALSE(all.folded);
}

}  // namespace
}  // namespace tandem
