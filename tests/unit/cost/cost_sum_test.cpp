#include "actors/cost/cost_sum.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "schema/types.hpp"

namespace tandem {
namespace {

constexpr std::size_t ample = 1 << 20;

cost_figures spent(std::int64_t cost, std::int64_t all_large) {
  return {.prompt_tokens = 10,
          .completion_tokens = 5,
          .calls = 1,
          .cost_nanousd = cost,
          .all_large_nanousd = all_large,
          .attempts = 1};
}

tmsg::costrep report_of(const cost_sum& sum) {
  message_builder<schema::CostReport> out;
  sum.write(*out);
  return out.finish();
}

TEST(CostSum, IsTheSameAfterTheWire) {
  cost_sum sum{ample};
  sum.add_calls({.day_ms = 86'400'000,
                 .tenant = "t",
                 .model = "m",
                 .tier = "small",
                 .kind = "k",
                 .purpose = schema::Purpose::STEP},
                {.prompt_tokens = 1,
                 .cached_prompt_tokens = 2,
                 .completion_tokens = 3,
                 .calls = 4,
                 .cost_nanousd = 5,
                 .all_large_nanousd = 6,
                 .cache_hits = 7,
                 .cache_saved_nanousd = 8,
                 .attempts = 9,
                 .failed = 10,
                 .failed_nanousd = 11,
                 .failed_all_large_nanousd = 12,
                 .simulated = 13,
                 .unpriced = 14,
                 .unpriced_nanousd = 15});
  sum.add_jobs(86'400'000, "t",
               {.done = 1,
                .failed = 2,
                .cancelled = 3,
                .unfinished = 4,
                .simulated = 5,
                .judged = 6,
                .right = 7,
                .judged_nanousd = 8,
                .judged_all_large_nanousd = 9});
  sum.add_draws({1, 2, 100, 200, 50, true});
  sum.jobs_counted = 3;
  sum.purged = 4;
  sum.note_call_at(1000);
  sum.note_unreadable("why");
  sum.journals = 2;
  auto first = report_of(sum);
  cost_sum again{ample};
  again.add(*first.read());
  auto second = report_of(again);
  EXPECT_TRUE(std::equal(first.bytes().begin(), first.bytes().end(), second.bytes().begin(),
                         second.bytes().end()));
}

TEST(CostSum, OfPartsIsTheSumOfTheWhole) {
  cost_sum a{ample}, b{ample}, whole{ample};
  for (std::uint64_t job = 1; job <= 40; ++job) {
    auto cost = static_cast<std::int64_t>(job * 10);
    auto& part = job % 2 == 0 ? a : b;
    for (auto* sum : {&part, &whole}) {
      sum->add_calls({.model = job % 3 == 0 ? "x" : "y"}, spent(cost, 1000));
      sum->add_draws({1, job, cost, 1000, 0, false});
      ++sum->jobs_counted;
    }
  }
  cost_sum parts{ample};
  for (const auto* each : {&b, &a}) parts.add(*report_of(*each).read());
  EXPECT_EQ(parts.total().cost_nanousd, whole.total().cost_nanousd);
  EXPECT_EQ(parts.rows().size(), 2u);
  ASSERT_TRUE(parts.saving_interval() && whole.saving_interval());
  EXPECT_EQ(parts.saving_interval()->low, whole.saving_interval()->low);
  EXPECT_EQ(parts.saving_interval()->high, whole.saving_interval()->high);
}

TEST(CostSum, RowsThatDoNotFitAreAddedUpAndNothingIsLost) {
  constexpr std::size_t little = 8 << 10;
  cost_sum sum{little};
  for (int i = 0; i < 10'000; ++i) {
    auto name = std::to_string(i);
    sum.add_calls({.day_ms = 86'400'000,
                   .tenant = name,
                   .model = name,
                   .kind = name,
                   .purpose = schema::Purpose::STEP},
                  spent(1, 2));
    sum.add_jobs(86'400'000, name, {.done = 1});
  }
  EXPECT_TRUE(sum.folded);
  EXPECT_EQ(sum.total().cost_nanousd, 10'000);
  EXPECT_EQ(sum.total_jobs().done, 10'000u);
  EXPECT_LT(report_of(sum).bytes().size(), 2 * little + 10'000);
}

TEST(CostSum, ARowThatIsThereTakesMoreWhenNothingNewFits) {
  cost_sum sum{600};
  cost_key known{.tenant = "known", .model = "m"};
  sum.add_calls(known, spent(1, 1));
  for (int i = 0; i < 10; ++i) sum.add_calls({.tenant = std::to_string(i)}, spent(1, 1));
  sum.folded = false;
  sum.add_calls(known, spent(1, 1));
  EXPECT_FALSE(sum.folded);
  EXPECT_EQ(sum.rows().at(known).cost_nanousd, 2);
}

TEST(CostSum, HasNoIntervalOfAHandfulOfJobs) {
  cost_sum sum{ample};
  for (std::uint64_t job = 1; job < interval_jobs_min; ++job) {
    sum.add_draws({1, job, 1, 2, 0, false});
    ++sum.jobs_counted;
  }
  EXPECT_FALSE(sum.saving_interval());
  sum.add_draws({1, interval_jobs_min, 1, 2, 0, false});
  ++sum.jobs_counted;
  EXPECT_TRUE(sum.saving_interval());
}

TEST(CostSum, IntervalHoldsTheShareThatWasSavedAndNarrowsWithMoreJobs) {
  auto width = [](std::uint64_t jobs) {
    cost_sum sum{ample};
    std::int64_t cost = 0, large = 0;
    for (std::uint64_t job = 1; job <= jobs; ++job) {
      auto own = static_cast<std::int64_t>(100 + job * 7919 % 700);
      sum.add_draws({1, job, own, 1000, 0, false});
      ++sum.jobs_counted;
      cost += own;
      large += 1000;
    }
    auto saved = 1 - static_cast<double>(cost) / static_cast<double>(large);
    auto range = sum.saving_interval();
    EXPECT_LT(range->low, saved);
    EXPECT_GT(range->high, saved);
    return range->high - range->low;
  };
  EXPECT_LT(width(4000), width(40) / 4);
}

TEST(CostSum, WhatHasNoPriceToCompareWithIsNoSavingAndNoLoss) {
  auto figures = spent(100, 400);
  cost_figures unpriced{
      .calls = 1, .cost_nanousd = 70, .attempts = 1, .unpriced = 1, .unpriced_nanousd = 70};
  figures.add(unpriced);
  EXPECT_EQ(figures.cost_nanousd, 170);
  EXPECT_EQ(figures.saved_nanousd(), 300);
}

TEST(CostSum, WrapsAroundWhereRecordsClaimTheImpossible) {
  auto most = std::numeric_limits<std::int64_t>::max();
  cost_sum sum{ample};
  for (int i = 0; i < 3; ++i) {
    sum.add_calls({}, spent(most, -most));
    sum.add_draws({1, 1, most, -most, most, true});
  }
  static_cast<void>(sum.total().saved_nanousd());
  static_cast<void>(sum.saving_interval());
}

}  // namespace
}  // namespace tandem
