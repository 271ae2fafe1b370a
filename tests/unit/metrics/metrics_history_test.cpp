#include "actors/metrics/metrics_history.hpp"

#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "tests/unit/metrics/view_builder.hpp"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr std::uint64_t start_ms = 1'700'000'000'000;
constexpr std::uint64_t step_ms = metrics_history::step_s * 1000;

using points = std::vector<std::pair<std::uint64_t, double>>;

/// By name and labels.
std::map<std::string, points> read(const std::string& json) {
  simdjson::dom::parser parser;
  simdjson::dom::element document = parser.parse(json);
  EXPECT_EQ(std::uint64_t{document["step_s"]}, metrics_history::step_s);
  std::map<std::string, points> all;
  for (simdjson::dom::element each : document["series"].get_array()) {
    std::string name{std::string_view{each["name"]}};
    for (auto [key, value] : each["labels"].get_object())
      name += " " + std::string{key} + "=" + std::string{std::string_view{value}};
    for (simdjson::dom::element point : each["points"].get_array())
      all[name].emplace_back(point.at(0).get_uint64().value(), point.at(1).get_double().value());
  }
  return all;
}

metrics_history::sample sample_of(double cost, std::uint64_t attempts = 0) {
  metrics_history::sample now;
  now.totals.cost_usd = cost;
  now.totals.cost_all_large_usd = 4 * cost;
  now.totals.attempts = attempts;
  return now;
}

TEST(MetricsHistory, ShowsWhatWasAddedInEachStep) {
  metrics_history history;
  history.add(sample_of(10), start_ms);
  history.add(sample_of(11), start_ms + step_ms);
  history.add(sample_of(13.5), start_ms + 2 * step_ms);
  auto now = start_ms / 1000;
  auto series = read(history.json(60, start_ms + 2 * step_ms));
  EXPECT_THAT(series["cost_usd"],
              ElementsAre(Pair(now, 0), Pair(now + 10, 1), Pair(now + 20, 2.5)));
  EXPECT_THAT(series["cost_all_large_usd"],
              ElementsAre(Pair(now, 0), Pair(now + 10, 4), Pair(now + 20, 10)));
}

TEST(MetricsHistory, KeepsOneSampleAStep) {
  metrics_history history;
  history.add(sample_of(0), start_ms);
  history.add(sample_of(1), start_ms + 1);
  history.add(sample_of(3), start_ms + step_ms + 1);
  auto series = read(history.json(60, start_ms + step_ms));
  EXPECT_THAT(series["cost_usd"],
              ElementsAre(Pair(start_ms / 1000, 0), Pair(start_ms / 1000 + 10, 3)));
}

TEST(MetricsHistory, LeavesMissedStepsOut) {
  metrics_history history;
  history.add(sample_of(0), start_ms);
  history.add(sample_of(6), start_ms + 3 * step_ms);
  auto series = read(history.json(60, start_ms + 3 * step_ms));
  EXPECT_THAT(series["cost_usd"],
              ElementsAre(Pair(start_ms / 1000, 0), Pair(start_ms / 1000 + 30, 6)));
}

TEST(MetricsHistory, KeepsAnHourAndShowsTheMinutesThatAreAskedFor) {
  metrics_history history;
  constexpr std::uint64_t steps = 1000;
  for (std::uint64_t i = 0; i < steps; ++i)
    history.add(sample_of(static_cast<double>(i)), start_ms + i * step_ms);
  auto now = start_ms + (steps - 1) * step_ms;
  EXPECT_THAT(read(history.json(10'000, now))["cost_usd"], SizeIs(metrics_history::steps_max));
  auto five = read(history.json(5, now))["cost_usd"];
  EXPECT_THAT(five, SizeIs(30));
  EXPECT_EQ(five.back().first, now / 1000);
  EXPECT_THAT(read(history.json(0, now)), IsEmpty());
}

TEST(MetricsHistory, TakesQuantilesFromTheStepsHistogram) {
  metrics_history history;
  auto first = sample_of(0);
  first.totals.latencies[0] = 1'000'000;
  history.add(first, start_ms);
  auto second = first;
  // 99 between 50 and 100 ms, one above all bounds.
  second.totals.latencies[7] += 99;
  second.totals.latencies.back() += 1;
  history.add(second, start_ms + step_ms);
  auto series = read(history.json(60, start_ms + step_ms));
  ASSERT_THAT(series["latency_ms_p50"], SizeIs(1));
  EXPECT_NEAR(series["latency_ms_p50"][0].second, 75, 1);
  EXPECT_NEAR(series["latency_ms_p99"][0].second, 100, 1);
}

TEST(MetricsHistory, FollowsDecisionsAndQualityOfArms) {
  metrics_history history;
  auto now = sample_of(0);
  now.topology = testing::make_topology(3);
  now.routing = testing::make_routing(10);
  history.add(now, start_ms);
  now.routing = testing::make_routing(25);
  history.add(now, start_ms + step_ms);
  auto series = read(history.json(60, start_ms + step_ms));
  auto at = start_ms / 1000 + 10;
  EXPECT_THAT(series["decisions model=large"], ElementsAre(Pair(at, 15)));
  EXPECT_THAT(series["decisions model=small"], ElementsAre(Pair(at, 30)));
  EXPECT_THAT(series["quality purpose=step model=small"],
              ElementsAre(Pair(at - 10, 0.75), Pair(at, 0.75)));
  EXPECT_THAT(series["engines_busy"], ElementsAre(Pair(at - 10, 3), Pair(at, 3)));
}

TEST(MetricsHistory, IsBoundedInSeries) {
  metrics_history history;
  message_builder<schema::RouteReport> report;
  auto arms = report->initArms(1000);
  for (unsigned i = 0; i < arms.size(); ++i) {
    arms[i].setModel("model-" + std::to_string(i));
    arms[i].setWeight(1);
  }
  auto now = sample_of(0);
  now.routing = report.finish();
  history.add(now, start_ms);
  history.add(now, start_ms + step_ms);
  EXPECT_LE(read(history.json(60, start_ms + step_ms)).size(), metrics_history::series_max);
}

TEST(MetricsHistory, BeginsAnewWhenClocksOrSumsJump) {
  metrics_history history;
  history.add(sample_of(5), start_ms);
  // The clock was set back.
  history.add(sample_of(7), start_ms - 100 * step_ms);
  auto series = read(history.json(60, start_ms));
  EXPECT_THAT(series["cost_usd"], ElementsAre(Pair(start_ms / 1000 - 1000, 0)));
  // What is counted began anew.
  history.add(sample_of(1), start_ms - 99 * step_ms);
  EXPECT_EQ(read(history.json(60, start_ms))["cost_usd"].back().second, 1);
}

}  // namespace
}  // namespace tandem
