#include "nodes/cli/cost_report.hpp"

#include <gmock/gmock.h>

#include <deque>

#include "nodes/cli/cost_text.hpp"

namespace tandem::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t day = 86'400'000;
constexpr std::uint64_t new_year = 1'767'225'600'000;

cost_report report_of(const cost_question& question = {.to_ms = new_year, .by_model = true}) {
  return {.question = question, .sum = cost_sum{1 << 20}, .gaps = {}, .quality = {}, .node = "a"};
}

/// Decisions between a small and a large model, the large one with probability `share`.
std::vector<logged_decision> decisions(std::size_t count, double share, double small_quality,
                                       double large_quality) {
  std::vector<logged_decision> all;
  std::uint64_t random = 12345;
  auto uniform = [&] {
    random = random * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(random >> 11) / 9007199254740992.0;
  };
  for (std::size_t i = 0; i < count; ++i) {
    logged_decision one;
    one.id = i + 1;
    one.purpose = schema::Purpose::STEP;
    one.arms = {{.model = "mini", .tier = "small", .cost = 0.01, .propensity = 1 - share},
                {.model = "maxi", .tier = "large", .cost = 1, .propensity = share}};
    one.chosen = uniform() < share ? 1 : 0;
    one.quality = uniform() < (one.chosen == 1 ? large_quality : small_quality) ? 1 : 0;
    // A price that a comparison of quality must not see.
    one.cost_price = 0.5;
    all.push_back(one);
  }
  return all;
}

TEST(CostQuality, FindsALargeModelThatIsBetter) {
  auto found = compare_quality(decisions(3'000, 0.3, 0.6, 0.9));
  EXPECT_EQ(found.why_not, "");
  EXPECT_GT(found.lead.low, 0);
  EXPECT_NEAR(found.large.value, 0.9, 0.05);
  EXPECT_NEAR(found.lead.value, 0.21, 0.05);
  EXPECT_GE(found.effective, 50);
}

TEST(CostQuality, SeesNoDifferenceWhereThereIsNone) {
  auto found = compare_quality(decisions(3'000, 0.3, 0.8, 0.8));
  EXPECT_EQ(found.why_not, "");
  EXPECT_LT(found.lead.low, 0);
  EXPECT_GT(found.lead.high, 0);
}

TEST(CostQuality, SaysWhyItCannotTell) {
  EXPECT_THAT(compare_quality({}).why_not, HasSubstr("keeps no decision"));
  auto unrewarded = decisions(100, 0.3, 0.6, 0.9);
  for (auto& each : unrewarded) each.quality.reset();
  EXPECT_THAT(compare_quality(unrewarded).why_not, HasSubstr("known how good"));
  EXPECT_THAT(compare_quality(decisions(100, 0, 0.6, 0.9)).why_not,
              HasSubstr("never have chosen the large tier in 100%"));
  EXPECT_THAT(compare_quality(decisions(60, 0.1, 0.6, 0.9)).why_not, HasSubstr("too rarely"));
}

TEST(CostQuality, LooksOnlyAtDecisionsInWhichTheLargeTierWasAChoice) {
  auto all = decisions(1'000, 0.3, 0.6, 0.9);
  auto ways = decisions(500, 0.3, 0, 1);
  for (auto& each : ways) each.purpose = schema::Purpose::WAY;
  auto small = decisions(500, 0.3, 0, 1);
  for (auto& each : small) each.arms[1].tier = "small";
  auto mixed = all;
  mixed.insert(mixed.end(), ways.begin(), ways.end());
  mixed.insert(mixed.end(), small.begin(), small.end());
  EXPECT_EQ(compare_quality(mixed).decisions, 1'000u);
}

/// Answers parts in turn; notes what was asked.
struct scripted {
  std::deque<tmsg::costrep> answers;
  std::vector<tmsg::costqry> asked;

  void add(std::uint64_t journal, std::uint64_t after, bool missing = false, bool waiting = false) {
    message_builder<schema::CostReport> out;
    if (missing) {
      auto gap = out->initMissing(1)[0];
      gap.setJournal(journal);
      gap.setNode("b");
      gap.setWaiting(waiting);
    } else {
      out->setJournals(1);
      out->setJobsCounted(1);
      if (after != 0) {
        auto cursor = out->initCursors(1)[0];
        cursor.setJournal(journal);
        cursor.setAfter(after);
      }
    }
    answers.push_back(out.finish());
  }
  /// Until the collector has enough.
  void answer_all(cost_report& into) {
    cost_collector collector{into};
    for (auto more = true; more; answers.pop_front()) {
      ASSERT_FALSE(answers.empty()) << "asked too often";
      asked.push_back(collector.query());
      more = collector.take(*answers.front().read());
    }
    EXPECT_TRUE(answers.empty());
  }
};

TEST(CostParts, AreAskedForUntilThereAreNoMore) {
  scripted node;
  node.add(1, 10);
  node.add(1, 20);
  node.add(1, 0);
  auto report = report_of();
  node.answer_all(report);
  EXPECT_EQ(report.sum.jobs_counted, 3u);
  EXPECT_EQ(report.sum.journals, 1u);
  EXPECT_TRUE(report.gaps.empty());
  ASSERT_EQ(node.asked.size(), 3u);
  EXPECT_EQ(node.asked[2].read()->getCursors()[0].getAfter(), 20u);
}

TEST(CostParts, OfAJournalThatDoesNotAnswerAreAskedForAgainFromWhereItWas) {
  scripted node;
  node.add(1, 10);
  node.add(1, 0, true);
  node.add(1, 0);
  auto report = report_of();
  node.answer_all(report);
  EXPECT_EQ(report.sum.jobs_counted, 2u);
  EXPECT_TRUE(report.gaps.empty());
  EXPECT_EQ(node.asked[2].read()->getCursors()[0].getAfter(), 10u);
}

TEST(CostParts, OfAJournalThatNeverAnswersAreGivenUpAndNamed) {
  scripted node;
  node.add(1, 10);
  for (int i = 0; i < 3; ++i) node.add(1, 0, true);
  auto report = report_of();
  node.answer_all(report);
  ASSERT_EQ(report.gaps.size(), 1u);
  EXPECT_TRUE(report.gaps[0].in_part);
  EXPECT_THAT(cost_text(report, {}), HasSubstr("did not answer: only a part of its jobs"));
}

TEST(CostParts, OfAJournalThatIsNowhereAreNotWaitedFor) {
  scripted node;
  node.add(1, 0, true, true);
  auto report = report_of();
  node.answer_all(report);
  ASSERT_EQ(report.gaps.size(), 1u);
  EXPECT_THAT(cost_text(report, {}), HasSubstr("waiting for journal"));
  EXPECT_EQ(report.sum.journals, 0u);
}

TEST(CostParts, ThatDoNotMoveOnAreNotAskedForForEver) {
  scripted node;
  node.add(1, 10);
  node.add(1, 10);
  auto report = report_of();
  node.answer_all(report);
  EXPECT_EQ(report.gaps.size(), 1u);
}

TEST(CostText, SaysWhatWasSpentAndWhatItAssumes) {
  auto report = report_of();
  report.sum.add_calls({.model = "mini", .tier = "small"},
                       {.prompt_tokens = 1'000,
                        .cached_prompt_tokens = 200,
                        .completion_tokens = 50,
                        .calls = 4,
                        .cost_nanousd = 1'000'000'000,
                        .all_large_nanousd = 4'000'000'000,
                        .attempts = 4,
                        .failed = 1,
                        .failed_nanousd = 250'000'000,
                        .failed_all_large_nanousd = 2'000'000'000});
  report.sum.jobs_counted = 2;
  auto text = cost_text(report, {});
  EXPECT_THAT(text, HasSubstr("until 2025-12-31 (UTC)"));
  EXPECT_THAT(text, HasSubstr("75.0% saved (2 jobs: too few for an interval)"));
  EXPECT_THAT(text, HasSubstr("attempts that failed; had the large tier needed none of those: "
                              "50.0% saved"));
  EXPECT_THAT(text, HasSubstr("would have\nread and written the same tokens"));
  EXPECT_THAT(text, HasSubstr("800     200"));
}

TEST(CostText, OfNothingIsShortAndSaysSo) {
  auto report = report_of();
  auto text = cost_text(report, {});
  EXPECT_THAT(text, HasSubstr("nothing was spent"));
  EXPECT_THAT(text, Not(HasSubstr("MODEL")));
}

TEST(CostText, ShowsJobsBesideTenantsAndDays) {
  auto report = report_of({.to_ms = new_year + day, .by_day = true, .by_tenant = true});
  report.sum.add_calls({.day_ms = new_year, .tenant = "acme"},
                       {.calls = 1, .cost_nanousd = 10, .all_large_nanousd = 20});
  report.sum.add_jobs(new_year, "acme", {.done = 2, .judged = 2, .right = 1, .judged_nanousd = 10});
  // It ended on a day on which it called nobody.
  report.sum.add_jobs(new_year - day, "acme", {.failed = 1});
  auto text = cost_text(report, {});
  EXPECT_THAT(text, HasSubstr("1 of 2"));
  EXPECT_THAT(text, HasSubstr("2025-12-31  acme"));
  EXPECT_THAT(text, HasSubstr("3 jobs: 2 done, 1 failed"));
}

TEST(CostText, MakesHostileNamesHarmless) {
  auto report =
      report_of({.to_ms = new_year, .tenant = "\x1b[2J", .by_tenant = true, .by_kind = true});
  report.sum.add_calls({.tenant = "a\nb\x1b]0;x\x07", .kind = "\x1b[31m"}, {.calls = 1});
  for (const auto& text : {cost_text(report, {}), cost_json(report)})
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace tandem::cli
