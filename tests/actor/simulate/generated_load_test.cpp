#include <cmath>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodes/simulate/generated_load.hpp"
#include "schema/errc.hpp"

namespace tandem::simulation {
namespace {

using ::testing::HasSubstr;

std::vector<work_item> all_of(const load_spec& spec, std::uint64_t seed = 1) {
  auto source = generate_load(spec, seed);
  std::vector<work_item> out;
  work_item item;
  while (*source->next(item)) out.push_back(item);
  return out;
}

/// Coefficient of variation of the gaps.
double variation(const std::vector<work_item>& items) {
  double sum = 0, squares = 0;
  for (std::size_t i = 1; i < items.size(); ++i) {
    auto gap = items[i].at_s - items[i - 1].at_s;
    sum += gap;
    squares += gap * gap;
  }
  auto n = static_cast<double>(items.size() - 1);
  return std::sqrt(squares / n - (sum / n) * (sum / n)) / (sum / n);
}

std::string problem(std::string_view text) {
  auto spec = parse_load(text);
  return spec ? "" : message_of(spec.error());
}

TEST(GeneratedLoad, ArrivesAtItsRate) {
  for (auto shape :
       {load_spec::shape::poisson, load_spec::shape::bursty, load_spec::shape::diurnal}) {
    auto items = all_of({.arrivals = shape, .rate = 50, .requests = 40'000, .cv = 3, .day_s = 100});
    EXPECT_NEAR(40'000 / items.back().at_s, 50, 3);
  }
}

TEST(GeneratedLoad, IsAsBurstyAsItSays) {
  EXPECT_NEAR(variation(all_of({.rate = 10, .requests = 40'000})), 1, 0.05);
  EXPECT_NEAR(
      variation(all_of({.arrivals = load_spec::shape::bursty, .requests = 40'000, .cv = 4})), 4,
      0.4);
}

TEST(GeneratedLoad, HasDaysAndNights) {
  auto items = all_of({.arrivals = load_spec::shape::diurnal,
                       .rate = 100,
                       .requests = 10'000,
                       .swing = 0.8,
                       .day_s = 100});
  // The first tenth of a day is its night.
  std::size_t night = 0, noon = 0;
  for (const auto& item : items) {
    night += item.at_s < 10 ? 1 : 0;
    noon += item.at_s >= 45 && item.at_s < 55 ? 1 : 0;
  }
  EXPECT_GT(noon, night * 5);
}

TEST(GeneratedLoad, DrawsTokensAroundTheirMeans) {
  double in = 0, out = 0;
  auto items = all_of({.requests = 20'000, .in = 300, .out = 50});
  for (const auto& item : items) {
    in += item.input_tokens;
    out += item.output_tokens;
  }
  EXPECT_NEAR(in / 20'000, 300, 10);
  EXPECT_NEAR(out / 20'000, 50, 2);
}

TEST(GeneratedLoad, TheSameSeedGivesTheSameItemsAlsoASecondTime) {
  load_spec spec{.requests = 500, .prefixes = 20, .repeats = 0.2, .jobs = 0.5};
  auto first = all_of(spec, 7);
  auto source = generate_load(spec, 7);
  work_item item;
  while (*source->next(item)) continue;
  source->rewind();
  for (const auto& each : first) {
    ASSERT_TRUE(*source->next(item));
    EXPECT_EQ(item.at_s, each.at_s);
    EXPECT_EQ(item.input_tokens, each.input_tokens);
    EXPECT_EQ(item.blocks, each.blocks);
    EXPECT_EQ(item.same_as, each.same_as);
    EXPECT_EQ(item.job != nullptr, each.job != nullptr);
  }
  EXPECT_NE(all_of(spec, 8).back().at_s, first.back().at_s);
}

TEST(GeneratedLoad, HowManyAreVerifiedMovesNothingElse) {
  auto none = all_of({.requests = 1'000, .verified = 0, .tenants = 3});
  auto some = all_of({.requests = 1'000, .verified = 0.4, .tenants = 3});
  std::size_t verified = 0;
  for (std::size_t i = 0; i < none.size(); ++i) {
    EXPECT_EQ(none[i].at_s, some[i].at_s);
    EXPECT_EQ(none[i].tenant, some[i].tenant);
    EXPECT_FALSE(none[i].verified);
    verified += some[i].verified ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(verified), 400, 60);
}

TEST(GeneratedLoad, RepeatsAreWordByWordTheSame) {
  std::set<std::uint64_t> names;
  auto items = all_of({.requests = 10'000, .repeats = 0.3});
  for (const auto& item : items) names.insert(item.same_as);
  EXPECT_NEAR(static_cast<double>(names.size()) / 10'000, 0.7, 0.02);
}

TEST(GeneratedLoad, PlansNeedOnlyEarlierStepsAndTheLastNeedsItsWholeLayer) {
  auto items = all_of({.requests = 200, .jobs = 1, .steps = 9, .width = 4});
  for (const auto& item : items) {
    ASSERT_NE(item.job, nullptr);
    const auto& steps = item.job->steps;
    ASSERT_EQ(steps.size(), 9);
    for (std::size_t i = 0; i < steps.size(); ++i)
      for (auto need : steps[i].needs) EXPECT_LT(need, i);
    EXPECT_EQ(steps.back().needs.size(), 4);
  }
}

TEST(ParseLoad, ReadsAllKeys) {
  auto spec = parse_load("bursty,rate=2.5,requests=10,cv=2,jobs=0.5,steps=3,tenants=4");
  ASSERT_TRUE(spec) << message_of(spec.error());
  EXPECT_EQ(spec->arrivals, load_spec::shape::bursty);
  EXPECT_EQ(spec->rate, 2.5);
  EXPECT_EQ(spec->requests, 10);
  EXPECT_EQ(spec->steps, 3);
  EXPECT_EQ(spec->tenants, 4);
}

TEST(ParseLoad, SaysWhatIsWrongAndHowToMendIt) {
  EXPECT_THAT(problem(""), HasSubstr("poisson, bursty or diurnal"));
  EXPECT_THAT(problem("steady,rate=1"), HasSubstr("'steady'"));
  EXPECT_THAT(problem("poisson,rat=1"), HasSubstr("did you mean 'rate'"));
  EXPECT_THAT(problem("poisson,rate"), HasSubstr("key=value"));
  EXPECT_THAT(problem("poisson,rate=0"), HasSubstr("rate must be a number from"));
  EXPECT_THAT(problem("poisson,rate=nan"), HasSubstr("rate must be"));
  EXPECT_THAT(problem("poisson,steps=1000"), HasSubstr("to 256"));
  EXPECT_THAT(problem("poisson,,"), HasSubstr("key=value"));
}

}  // namespace
}  // namespace tandem::simulation
