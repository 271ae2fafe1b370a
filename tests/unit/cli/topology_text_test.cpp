#include "nodes/cli/topology_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "schema/types.hpp"

namespace tandem::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t start_ms = 1'700'000'000'000;

void fill_actor(schema::ActorStatus::Builder actor, const char* name, const char* parent) {
  actor.setName(name);
  actor.setKind(name);
  actor.setParent(parent);
  actor.setState("ok");
  actor.setNoun("jobs");
  actor.setHandled(1'234);
  actor.setMailboxDepth(5);
  actor.setRestarts(2);
}

tmsg::topo make_topology() {
  message_builder<schema::Topology> topology;
  auto node = topology->initNodes(1)[0];
  node.setName("alpha");
  node.setAddress("127.0.0.1:7420");
  node.setVersion("0.1.0");
  node.setJournal(0x123456789a);
  node.setIncarnation(~std::uint64_t{0});
  node.setStartedAtMs(start_ms);
  node.initRoles(1).set(0, "planner");
  node.setResidentBytes(50 << 20);
  auto actors = node.initActors(5);
  fill_actor(actors[0], "supervisor", "");
  fill_actor(actors[1], "planner", "supervisor");
  fill_actor(actors[2], "small-0", "supervisor");
  // A ring, and a parent that is not there.
  fill_actor(actors[3], "ring", "ring");
  fill_actor(actors[4], "orphan", "nobody");
  auto engine = node.initEngines(1)[0];
  engine.setName("small-0");
  engine.setKind("sim");
  engine.setModel("small \"one\"");
  engine.setTier("small");
  engine.setWeightVersion("v1");
  engine.setHealth(schema::Health::UNHEALTHY);
  engine.setLastError("gone \x1b[2J");
  engine.setBreaker(schema::Breaker::HALF_OPEN);
  engine.setServer("llama.cpp b1234");
  engine.setInFlight(3);
  engine.setConcurrency(8);
  engine.setPromptTokens(9'876'543);
  auto alarm = node.initAlarms(1)[0];
  alarm.setName("EngineDown");
  alarm.setSubject("small-0");
  alarm.setSeverity(schema::AlarmSeverity::CRITICAL);
  alarm.setText("engine 'small-0' takes no work \x1b[2J");
  alarm.setSinceMs(start_ms);
  return topology.finish();
}

TEST(TopologyText, ShowsWhatIsWrong) {
  auto text = topology_text(*make_topology().read(), {}, start_ms + 180'000);
  EXPECT_THAT(text, HasSubstr("ALARM EngineDown small-0 (critical, began 3 min ago): engine "
                              "'small-0' takes no work"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  auto json = topology_json(*make_topology().read());
  EXPECT_THAT(json, HasSubstr(R"("alarms":[{"name":"EngineDown","subject":"small-0",)"
                              R"("severity":"critical")"));
}

TEST(TopologyText, ShowsActorsAsATreeEachOnce) {
  auto text = topology_text(*make_topology().read(), {}, start_ms + 180'000);
  EXPECT_THAT(text, HasSubstr("node alpha  127.0.0.1:7420  tandem 0.1.0\nup 3 min, journal "));
  EXPECT_THAT(text, HasSubstr("\nsupervisor  ok "));
  EXPECT_THAT(text, HasSubstr("\n|- planner  ok "));
  EXPECT_THAT(text, HasSubstr("\n`- small-0  ok "));
  EXPECT_THAT(text, HasSubstr("\norphan "));
  EXPECT_THAT(text, HasSubstr("\nring "));
  EXPECT_THAT(text, HasSubstr("1,234  jobs"));
}

TEST(TopologyText, ShowsEnginesWithoutControlCharacters) {
  auto text = topology_text(*make_topology().read(), {}, start_ms);
  EXPECT_THAT(text, HasSubstr("unhealthy"));
  EXPECT_THAT(text, HasSubstr("half_open"));
  EXPECT_THAT(text, HasSubstr("llama.cpp b1234"));
  EXPECT_THAT(text, HasSubstr("3/8"));
  EXPECT_THAT(text, HasSubstr("9,876,543"));
  EXPECT_THAT(text, HasSubstr("gone"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(TopologyText, IsJson) {
  simdjson::dom::parser parser;
  simdjson::dom::element node;
  ASSERT_EQ(parser.parse(topology_json(*make_topology().read()))["nodes"].at(0).get(node),
            simdjson::SUCCESS);
  EXPECT_EQ(std::string_view{node["incarnation"]}, "18446744073709551615");
  EXPECT_EQ(node["actors"].get_array().size(), 5u);
  EXPECT_EQ(std::uint64_t{node["actors"].at(1)["mailbox_depth"]}, 5u);
  EXPECT_EQ(std::string_view{node["engines"].at(0)["model"]}, "small \"one\"");
}

TEST(TopologyText, IsAGraphForGraphviz) {
  auto text = topology_dot(*make_topology().read());
  EXPECT_THAT(text, HasSubstr("digraph tandem {"));
  EXPECT_THAT(text, HasSubstr("\"alpha/supervisor\" -> \"alpha/planner\";"));
  EXPECT_THAT(text, HasSubstr("\\nsmall \\\"one\\\" (small) v1"));
}

TEST(topology_text, WarnsOfACertificateThatEndsSoon) {
  auto of = [](std::uint64_t ends_at_ms) {
    message_builder<schema::Topology> topology;
    topology.copy(*make_topology().read());
    topology->getNodes()[0].initMember().setCertificateEndsAtMs(ends_at_ms);
    return topology_text(*topology.finish().read(), {}, start_ms);
  };
  constexpr std::uint64_t day_ms = 24ull * 3600 * 1000;
  EXPECT_THAT(of(start_ms + 3 * day_ms), HasSubstr("its certificate ends "));
  EXPECT_THAT(of(start_ms + 3 * day_ms), HasSubstr("tandem certs renew"));
  EXPECT_THAT(of(start_ms - day_ms), HasSubstr("its certificate ended "));
  EXPECT_THAT(of(start_ms + 30 * day_ms), Not(HasSubstr("certificate")));
  EXPECT_THAT(of(0), Not(HasSubstr("certificate")));
}

}  // namespace
}  // namespace tandem::cli
