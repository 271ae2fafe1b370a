#include "actors/metrics/metrics_page.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/metrics/metric_names.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/unit/metrics/view_builder.hpp"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Something of everything.
void count_all(node_metrics& counted) {
  auto result = testing::make_result();
  counted.on_call(*testing::make_decision().read(), *result.read());
  counted.on_attempt(schema::Purpose::STEP, *result.read());
  counted.on_check(schema::Purpose::STEP, node_metrics::check_outcome::failed);
  counted.on_hedge();
  counted.on_cache_hit("small", 2, result.read()->getUsage());
  message_builder<schema::JobRecord> submitted;
  submitted->initSubmitted();
  counted.on_record(submitted->asReader());
  message_builder<schema::JobRecord> failed;
  failed->initAttemptFailed().setRung("retry");
  counted.on_record(failed->asReader());
  message_builder<schema::JobSummary> ended;
  ended->setState(schema::JobState::DONE);
  counted.on_job_end(ended->asReader());
  counted.on_commit(12, 0.002);
  counted.on_http("/v1/jobs", 201, 0.003);
  counted.on_stream_begin();
}

metrics_view whole_view(const node_metrics& counted, unsigned engines) {
  return {.counted = &counted,
          .topology = testing::make_topology(engines),
          .cache = testing::make_cache(),
          .routing = testing::make_routing(),
          .weights = testing::make_weights(schema::RollPhase::ROLLED_BACK),
          .stores = {{.store = "cache", .keys = 5, .stalled = true}, {.store = "cache", .keys = 7}},
          .disk = {.free_bytes = 1 << 30, .size_bytes = std::uint64_t{1} << 40},
          .certificate_ends_at_ms = 1'800'000'000'000};
}

/// Without `_bucket` and its like.
std::set<std::string> names_of(const std::string& page) {
  std::set<std::string> names;
  std::istringstream lines{page};
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("# TYPE ")) names.insert(line.substr(7, line.find(' ', 7) - 7));
  return names;
}

TEST(MetricsPage, ShowsEveryMetricThatIsDeclaredAndNoOther) {
  node_metrics counted;
  count_all(counted);
  auto view = whole_view(counted, 2);
  message_builder<schema::Topology> topology;
  topology.copy(*view.topology.read());
  topology->getNodes()[0].getEngines()[0].setProcessId(7);
  view.topology = topology.finish();
  auto names = names_of(metrics_page(view));
  std::set<std::string> declared;
  for (const auto& each : metric_definitions) declared.emplace(each.name);
  EXPECT_EQ(names, declared);
}

TEST(MetricsPage, SumsWhatBelongsTogether) {
  node_metrics counted;
  auto page = metrics_page(whole_view(counted, 4));
  EXPECT_THAT(page, HasSubstr("tandem_cache_hits_total{tier=\"small\",level=\"2\"} 20\n"));
  EXPECT_THAT(page, HasSubstr("tandem_cache_near_tenants_off{tier=\"large\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("tandem_storage_keys{store=\"cache\"} 12\n"));
  EXPECT_THAT(page, HasSubstr("tandem_storage_stalled{store=\"cache\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("tandem_actor_instances{actor=\"engine\"} 4\n"));
  EXPECT_THAT(page, HasSubstr("tandem_actor_mailbox_depth{actor=\"engine\"} 4\n"));
  EXPECT_THAT(page, HasSubstr("tandem_actor_unresponsive{actor=\"engine\"} 1\n"));
  EXPECT_THAT(page,
              HasSubstr("tandem_router_decisions_total{purpose=\"step\",model=\"small\"} 20\n"));
  // Of the arm with the most evidence.
  EXPECT_THAT(page,
              HasSubstr("tandem_router_quality_ratio{purpose=\"step\",model=\"small\"} 0.75\n"));
  EXPECT_THAT(page, HasSubstr("tandem_cluster_nodes{state=\"gone\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("tandem_weights_versions{model=\"small\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("tandem_weights_update_failed{model=\"small\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("tandem_engine_health{engine=\"engine-0\",state=\"healthy\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("tandem_engine_health{engine=\"engine-0\",state=\"busy\"} 0\n"));
  EXPECT_THAT(page,
              HasSubstr("tandem_node_alarms{alarm=\"EngineDown\",severity=\"critical\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("tandem_node_start_time_seconds 1700000000\n"));
}

TEST(MetricsPage, LeavesOutWhatNobodyAskedFor) {
  EXPECT_EQ(metrics_page({}), "");
  message_builder<schema::NodeStatus> alone;
  alone->setVersion("0.1.0");
  auto page = metrics_page({.node = alone.finish()});
  EXPECT_THAT(page, HasSubstr("tandem_node_info{version=\"0.1.0\"} 1\n"));
  EXPECT_THAT(page, Not(HasSubstr("tandem_cluster")));
}

TEST(MetricsPage, EscapesHostileNames) {
  message_builder<schema::Topology> topology;
  auto engine = topology->initNodes(1)[0].initEngines(1)[0];
  engine.setName("a\"} 1\ntandem_evil 2\\ \xff");
  engine.setModel(std::string(10'000, 'm'));
  auto page = metrics_page({.topology = topology.finish()});
  EXPECT_THAT(page, Not(HasSubstr("\ntandem_evil")));
  EXPECT_THAT(page, HasSubstr("engine=\"a\\\"} 1\\ntandem_evil 2\\\\ \xEF\xBF\xBD\""));
  EXPECT_THAT(page, Not(HasSubstr(std::string(200, 'm'))));
}

TEST(MetricsPage, SatisfiesPromtool) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) GTEST_SKIP() << "no promtool";
  node_metrics counted;
  count_all(counted);
  test::temp_folder folder;
  auto file = folder.path() / "page";
  std::ofstream{file} << metrics_page(whole_view(counted, 3));
  auto command = "promtool check metrics < " + file.string() + " > " + file.string() + ".out 2>&1";
  auto status = std::system(command.c_str());
  std::stringstream said;
  said << std::ifstream{file.string() + ".out"}.rdbuf();
  EXPECT_EQ(status, 0) << said.str();
}

TEST(MetricsPage, SaysWhatAHundredEnginesCost) {
  node_metrics counted;
  count_all(counted);
  auto view = whole_view(counted, 100);
  auto began = testing::thread_cpu_s();
  auto page = metrics_page(view);
  std::printf("100 engines: %.1f ms of CPU, %zu KiB\n", (testing::thread_cpu_s() - began) * 1e3,
              page.size() / 1024);
  EXPECT_THAT(page, HasSubstr("engine-99"));
}

}  // namespace
}  // namespace tandem
