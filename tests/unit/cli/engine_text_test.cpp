#include "nodes/cli/engine_text.hpp"

#include <functional>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "schema/types.hpp"

namespace tandem::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::uint64_t start_ms = 1'700'000'000'000;
using verdict_state = engine_verdict::state;

void fill_healthy(schema::EngineStatus::Builder engine) {
  engine.setName("small-a");
  engine.setKind("http");
  engine.setModel("small");
  engine.setTier("small");
  engine.setWeightVersion("v2");
  engine.setHealth(schema::Health::HEALTHY);
  engine.setBreaker(schema::Breaker::CLOSED);
  engine.setUrl("http://10.0.0.11:8000");
  engine.setServer("vLLM 0.11.0");
  engine.setInFlight(3);
  engine.setConcurrency(64);
  engine.setContextTokens(8192);
  engine.setRequests(1'234);
  engine.setFailures(12);
  engine.setRefusals(5);
  engine.setServerRunning(7);
  engine.setServerWaiting(2);
  engine.setCacheUsageShare(0.45f);
  engine.setLoadAtMs(start_ms - 2'000);
  auto changes = engine.initChanges(2);
  changes[0].setAtMs(start_ms - 180'000);
  changes[0].setHealth(schema::Health::UNHEALTHY);
  changes[0].setReason("connection \x1b[31mrefused");
  changes[1].setAtMs(start_ms - 120'000);
  changes[1].setHealth(schema::Health::HEALTHY);
  changes[1].setReason("2 good probes in a row");
}

using change = std::function<void(schema::EngineStatus::Builder)>;

tmsg::engstat make_engine(const change& change = {}) {
  message_builder<schema::EngineStatus> engine;
  fill_healthy(*engine);
  if (change) change(*engine);
  return engine.finish();
}

engine_verdict judge(const change& change = {}) {
  return judge_engine(*make_engine(change).read(), start_ms);
}

std::string explain(const change& change = {}) {
  return explain_text(*make_engine(change).read(), "alpha", {}, start_ms);
}

TEST(EngineVerdict, UsesAHealthyEngine) {
  EXPECT_EQ(judge().is, verdict_state::used);
  EXPECT_EQ(judge().mend, "");
  auto full = judge([](auto engine) { engine.setInFlight(64); });
  EXPECT_EQ(full.is, verdict_state::used);
  EXPECT_THAT(full.why, HasSubstr("all 64 places are taken"));
  auto limited = judge([](auto engine) {
    engine.setInFlight(40);
    engine.setLimit(40);
  });
  EXPECT_EQ(limited.is, verdict_state::used);
  EXPECT_THAT(limited.why, HasSubstr("as many as measured latency allows now, 40 of 64"));
}

TEST(EngineVerdict, GivesTheLatestReasonOfAnUnhealthyOne) {
  auto verdict = judge([](auto engine) {
    engine.setHealth(schema::Health::UNHEALTHY);
    engine.setLastError("an older one");
    engine.getChanges()[1].setHealth(schema::Health::UNHEALTHY);
    engine.getChanges()[1].setReason("no answer within 2s");
  });
  EXPECT_EQ(verdict.is, verdict_state::unused);
  EXPECT_EQ(verdict.why, "it is unhealthy: no answer within 2s");
  EXPECT_THAT(verdict.mend, HasSubstr("a server answers at http://10.0.0.11:8000"));
  EXPECT_THAT(verdict.mend, HasSubstr("`tandem engine probe small-a`"));
}

TEST(EngineVerdict, NamesTheLogOfAManagedOne) {
  auto verdict = judge([](auto engine) {
    engine.setHealth(schema::Health::UNHEALTHY);
    engine.setKind("managed");
  });
  EXPECT_THAT(verdict.mend, HasSubstr("logs/small-a.log"));
}

TEST(EngineVerdict, SaysWhenABusyOneIsUsedAgain) {
  auto busy = [](std::uint64_t until) {
    return judge([until](auto engine) {
      engine.setHealth(schema::Health::BUSY);
      engine.setBusyUntilMs(until);
    });
  };
  EXPECT_EQ(busy(start_ms + 3'000).is, verdict_state::unused);
  EXPECT_THAT(busy(start_ms + 3'000).why, HasSubstr("it is used again in 3 s"));
  EXPECT_THAT(busy(start_ms - 3'000).why, HasSubstr("it is used again now"));
}

TEST(EngineVerdict, SaysWhenAnOpenBreakerTriesAgain) {
  auto open = judge([](auto engine) {
    engine.setBreaker(schema::Breaker::OPEN);
    engine.setBusyUntilMs(start_ms + 12'000);
    engine.setLastError("HTTP 500");
  });
  EXPECT_EQ(open.is, verdict_state::unused);
  EXPECT_THAT(open.why,
              HasSubstr("one request tries it again in 12 s; the last failure: HTTP 500"));
  auto half = judge([](auto engine) { engine.setBreaker(schema::Breaker::HALF_OPEN); });
  EXPECT_EQ(half.is, verdict_state::limited);
}

TEST(EngineVerdict, DoesNotUseWhatANewerNodeCallsSomethingElse) {
  auto verdict = judge([](auto engine) { engine.setHealth(static_cast<schema::Health>(99)); });
  EXPECT_EQ(verdict.is, verdict_state::unused);
}

TEST(EngineText, ExplainsAnEngine) {
  auto text = explain();
  EXPECT_THAT(text, StartsWith("engine   small-a  healthy, kind http, on node alpha\n"
                               "used     yes: it is healthy and has room\n"));
  EXPECT_THAT(text, HasSubstr("server   vLLM 0.11.0, at http://10.0.0.11:8000\n"));
  EXPECT_THAT(text, HasSubstr("breaker  closed\n"));
  EXPECT_THAT(text, HasSubstr("3 of 64 places taken, 0 queued; prompt and answer up to 8,192"));
  EXPECT_THAT(text, HasSubstr("load     7 running, 2 waiting, cache 45%, said 2 s ago\n"));
  EXPECT_THAT(text, HasSubstr("counts   1,234 requests, 12 failed, 5 refused;"));
  EXPECT_THAT(text, HasSubstr("3 min ago  unhealthy  connection refused\n"));
  EXPECT_THAT(text, HasSubstr("2 min ago  healthy    2 good probes in a row\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(EngineText, ExplainsAnOpenBreakerAndAProcess) {
  auto text = explain([](auto engine) {
    engine.setBreaker(schema::Breaker::OPEN);
    engine.setBusyUntilMs(start_ms + 12'000);
    engine.setOpensInARow(2);
    engine.setProcessId(4711);
    engine.setProcessRestarts(1);
  });
  EXPECT_THAT(text, HasSubstr("used     no: its breaker is open"));
  EXPECT_THAT(text, HasSubstr("breaker  open, tries again in 12 s, opened 2 times in a row\n"));
  EXPECT_THAT(text, HasSubstr("process  process 4711, started again 1 time\n"));
}

TEST(EngineText, ShowsHowManyAtOnceMeasuredLatencyAllows) {
  auto limited = [](auto engine) { engine.setLimit(40); };
  EXPECT_THAT(explain(limited),
              HasSubstr("3 of 64 places taken, 0 queued; measured latency allows 40 now"));
  EXPECT_EQ(places_text(*make_engine(limited).read()), "40 of 64");
  EXPECT_EQ(places_text(*make_engine([](auto engine) { engine.setLimit(64); }).read()), "64");
  EXPECT_EQ(places_text(*make_engine().read()), "64");
}

TEST(EngineText, LeavesOutWhatNobodySaid) {
  auto text = explain([](auto engine) {
    engine.setLoadAtMs(0);
    engine.setServer("");
    engine.setUrl("");
    engine.setBreaker(schema::Breaker::UNKNOWN);
  });
  for (auto name : {"\nload", "\nserver", "\nbreaker", "\nprocess", "\nbusy", "\nerror"}) {
    EXPECT_THAT(text, Not(HasSubstr(name)));
  }
}

TEST(EngineText, BearsAnyNumberOfAServer) {
  for (float share : {-1.0f, 7.0f, std::numeric_limits<float>::infinity(),
                      std::numeric_limits<float>::quiet_NaN()}) {
    auto text = explain([share](auto engine) {
      engine.setCacheUsageShare(share);
      engine.setLoadAtMs(~std::uint64_t{0});
    });
    EXPECT_THAT(text, HasSubstr("load     7 running")) << share;
    EXPECT_THAT(text, Not(HasSubstr("inf"))) << share;
  }
}

tmsg::topo make_topology(unsigned nodes) {
  message_builder<schema::Topology> topology;
  auto list = topology->initNodes(nodes);
  for (auto node : list) {
    node.setName("alpha");
    fill_healthy(node.initEngines(1)[0]);
  }
  return topology.finish();
}

TEST(EngineText, ListsEnginesWithoutEmptyColumns) {
  auto text = engines_text(*make_topology(1).read(), {}, start_ms);
  EXPECT_THAT(text, StartsWith("ENGINE   KIND  MODEL  TIER   HEALTH   BREAKER  IN FLIGHT  QUEUED"));
  EXPECT_THAT(text, HasSubstr("small-a  http  small  small  healthy  closed        3/64"));
  EXPECT_THAT(text, HasSubstr("7 running, 2 waiting, cache 45%  vLLM 0.11.0  v2"));
  EXPECT_THAT(text, HasSubstr("http://10.0.0.11:8000\n"));
  EXPECT_THAT(engines_text(*make_topology(2).read(), {}, start_ms), HasSubstr("NODE"));
}

TEST(EngineJson, HasStableNamesAndNullForWhatIsNotKnown) {
  simdjson::dom::parser parser;
  simdjson::dom::element engine;
  auto text = engines_json(*make_topology(1).read());
  ASSERT_EQ(parser.parse(text)["engines"].at(0).get(engine), simdjson::SUCCESS) << text;
  EXPECT_EQ(std::string_view{engine["node"]}, "alpha");
  EXPECT_EQ(std::string_view{engine["breaker"]}, "closed");
  EXPECT_EQ(std::uint64_t{engine["server_running"]}, 7u);
  EXPECT_TRUE(engine["busy_until_ms"].is_null());
  EXPECT_TRUE(engine["process_id"].is_null());
  EXPECT_EQ(std::string_view{engine["changes"].at(1)["reason"]}, "2 good probes in a row");
  auto explained = explain_json(*make_engine().read(), "alpha", start_ms);
  ASSERT_EQ(parser.parse(explained).get(engine), simdjson::SUCCESS) << explained;
  EXPECT_EQ(std::string_view{engine["used"]}, "yes");
  EXPECT_EQ(std::string_view{engine["engine"]["name"]}, "small-a");
}

tmsg::engrep make_report(bool ok) {
  message_builder<schema::EngineReport> report;
  fill_healthy(report->initStatus());
  auto checks = report->initChecks(2);
  checks[0].setWhat("connect");
  checks[0].setOk(true);
  checks[0].setTookUs(1'200);
  checks[1].setWhat("models");
  checks[1].setOk(ok);
  checks[1].setDetail("the server has a\nand b, not c");
  checks[1].setTookUs(~std::uint64_t{0});
  return report.finish();
}

TEST(Probe, PrintsALinePerCheck) {
  auto text = probe_text(*make_report(false).read(), {}, start_ms);
  EXPECT_THAT(text, HasSubstr("\nok      connect "));
  EXPECT_THAT(text, HasSubstr("\nfailed  models "));
  EXPECT_THAT(text, HasSubstr("the server has a and b, not c\n"));
  EXPECT_FALSE(is_all_ok(*make_report(false).read()));
  EXPECT_TRUE(is_all_ok(*make_report(true).read()));
}

TEST(Probe, SaysHowAnEngineWithoutAServerIs) {
  message_builder<schema::EngineReport> report;
  fill_healthy(report->initStatus());
  report->getStatus().setKind("sim");
  EXPECT_EQ(probe_text(report->asReader(), {}, start_ms),
            "nothing to ask: small-a (kind sim) has no server; it is healthy and has room\n");
  EXPECT_TRUE(is_all_ok(report->asReader()));
  report->getStatus().setHealth(schema::Health::UNHEALTHY);
  EXPECT_FALSE(is_all_ok(report->asReader()));
}

TEST(Probe, IsJson) {
  simdjson::dom::parser parser;
  simdjson::dom::element report;
  auto text = probe_json(*make_report(false).read());
  ASSERT_EQ(parser.parse(text).get(report), simdjson::SUCCESS) << text;
  EXPECT_FALSE(bool{report["ok"]});
  EXPECT_EQ(std::string_view{report["checks"].at(0)["what"]}, "connect");
  EXPECT_EQ(std::uint64_t{report["checks"].at(0)["took_us"]}, 1'200u);
  EXPECT_EQ(std::string_view{report["engine"]["name"]}, "small-a");
}

}  // namespace
}  // namespace tandem::cli
