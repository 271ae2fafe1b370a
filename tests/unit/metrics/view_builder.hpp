#pragma once

#include <ctime>
#include <string>

#include "schema/types.hpp"

namespace tandem::testing {

/// Of this thread: what others do on the machine does not count.
inline double thread_cpu_s() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// One node with so many engines, as its supervisor would tell of it.
inline tmsg::topo make_topology(unsigned engines) {
  message_builder<schema::Topology> topology;
  auto node = topology->initNodes(2)[0];
  node.setName("alpha");
  node.setVersion("0.1.0");
  node.setStartedAtMs(1'700'000'000'000);
  node.setResidentBytes(50 << 20);
  node.initMember().setState(schema::MemberState::ALIVE);
  topology->getNodes()[1].setName("beta");
  topology->getNodes()[1].initMember().setState(schema::MemberState::GONE);
  auto actors = node.initActors(engines + 1);
  for (unsigned i = 0; i < actors.size(); ++i) {
    actors[i].setName("actor-" + std::to_string(i));
    actors[i].setKind(i == 0 ? "router" : "engine");
    actors[i].setState(i == 1 ? "silent" : "ok");
    actors[i].setMailboxDepth(i);
    actors[i].setRestarts(1);
  }
  auto list = node.initEngines(engines);
  for (unsigned i = 0; i < engines; ++i) {
    auto engine = list[i];
    engine.setName("engine-" + std::to_string(i));
    engine.setKind("http");
    engine.setModel(i % 2 == 0 ? "small" : "large");
    engine.setTier(i % 2 == 0 ? "small" : "large");
    engine.setWeightVersion("v" + std::to_string(i % 3));
    engine.setHealth(schema::Health::HEALTHY);
    engine.setBreaker(schema::Breaker::CLOSED);
    engine.setInFlight(3);
    engine.setConcurrency(8);
    engine.setLimit(6);
    engine.setRequests(1'000'000 + i);
    engine.setFailures(i);
    engine.setPromptTokens(123'456'789);
    engine.setLoadAtMs(1);
    engine.setCacheUsageShare(0.5F);
  }
  auto alarm = node.initAlarms(1)[0];
  alarm.setName("EngineDown");
  alarm.setSeverity(schema::AlarmSeverity::CRITICAL);
  return topology.finish();
}

inline tmsg::cachrpt make_cache() {
  message_builder<schema::CacheReport> report;
  auto levels = report->initLevels(4);
  for (unsigned i = 0; i < levels.size(); ++i) {
    levels[i].setTier(i < 3 ? "small" : "large");
    // Two shards of one level.
    levels[i].setLevel(i == 0 ? 1 : 2);
    levels[i].setHits(10);
    levels[i].setMisses(5);
    levels[i].setBytes(1 << 20);
  }
  auto near = levels[3].initNear();
  near.setServed(7);
  near.setServedWrong(2);
  near.setTenantsOff(1);
  return report.finish();
}

inline tmsg::rtrep make_routing(std::uint64_t decisions = 10) {
  message_builder<schema::RouteReport> report;
  auto arms = report->initArms(3);
  for (unsigned i = 0; i < arms.size(); ++i) {
    arms[i].setPurpose(schema::Purpose::STEP);
    arms[i].setModel(i == 0 ? "large" : "small");
    arms[i].setWeightVersion("v" + std::to_string(i));
    arms[i].setDecisions(decisions);
    arms[i].setWeight(i);
    arms[i].setQuality(0.25 * i + 0.25);
  }
  report->initRewards().setLearned(4);
  return report.finish();
}

inline tmsg::wtrep make_weights(schema::RollPhase phase, std::uint64_t began_ms = 1) {
  message_builder<schema::WeightReport> report;
  auto roll = report->initRolls(1)[0];
  roll.setModel("small");
  roll.setVersion("v2");
  roll.setPhase(phase);
  roll.setReason("the canary was worse");
  roll.setBeganAtMs(began_ms);
  return report.finish();
}

inline tmsg::attres make_result(schema::Errc code = schema::Errc::UNKNOWN,
                                std::uint64_t total_us = 20'000) {
  message_builder<schema::AttemptResult> result;
  result->setEngine("engine-0");
  result->setModel("small");
  result->setTier("small");
  result->setQueueUs(100);
  result->setFirstTokenUs(2000);
  result->setTotalUs(total_us);
  result->initError().setCode(code);
  auto usage = result->initUsage();
  usage.setPromptTokens(100);
  usage.setCachedPromptTokens(40);
  usage.setCompletionTokens(20);
  usage.setCostNanousd(1'000'000);
  usage.setCostAllLargeNanousd(5'000'000);
  return result.finish();
}

inline tmsg::decisn make_decision(const std::string& model = "small",
                                  const std::string& tier = "small") {
  message_builder<schema::Decision> decision;
  decision->setModel(model);
  decision->setTier(tier);
  return decision.finish();
}

}  // namespace tandem::testing
