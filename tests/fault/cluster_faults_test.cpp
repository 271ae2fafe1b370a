// Nodes of a cluster are killed, stopped, moved, cut off from each other and given bad disks under
// load, by a seeded schedule.

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fault/cluster_faults_run.hpp"

namespace tandem::fault {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Clusters that are worked on at once.
constexpr unsigned lanes_default = 2;
/// By default as many as fit into some 40 s.
constexpr unsigned seeds_default = 16;
/// Then its journals are read, and the next cluster begins.
constexpr unsigned seeds_per_cluster = 12;

std::uint64_t number_in(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

/// Each lane has every `lanes`th seed.
cluster_tally run_lane(std::uint64_t first, std::uint64_t count, unsigned lane, unsigned lanes) {
  cluster_tally tally;
  auto next = std::uint64_t{lane};
  while (next < count) {
    try {
      cluster_lane here{{}};
      auto usable = true;
      for (unsigned i = 0; i < seeds_per_cluster && next < count && usable; ++i, next += lanes)
        usable = here.run(first + next);
      if (usable) here.close();
      tally.add(here.tally());
    } catch (const std::exception& e) {
      tally.complaints.push_back("lane " + std::to_string(lane) + ": " + e.what());
      ADD_FAILURE() << tally.complaints.back();
      next += lanes;
    }
  }
  return tally;
}

TEST(ClusterFaults, EveryAcknowledgedJobIsDoneOnceAndAllNodesFindEachOtherAgain) {
  auto first = number_in("TANDEM_CLUSTER_SEED", std::random_device{}() % 1'000'000'000);
  auto count = number_in("TANDEM_CLUSTER_SEEDS", seeds_default);
  auto lanes = static_cast<unsigned>(number_in("TANDEM_CLUSTER_LANES", lanes_default));
  std::cout << "TANDEM_CLUSTER_SEED=" << first << " TANDEM_CLUSTER_SEEDS=" << count << std::endl;
  if (!cluster_network::why_not().empty())
    std::cout << "without cuts of the network: " << cluster_network::why_not() << std::endl;
  cluster_tally all;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (unsigned lane = 0; lane < lanes; ++lane)
    threads.emplace_back([&, lane] {
      auto part = run_lane(first, count, lane, lanes);
      std::lock_guard lock{mutex};
      all.add(part);
    });
  for (auto& thread : threads) thread.join();
  std::cout << "seeds=" << all.seeds << " jobs=" << all.jobs << " kills=" << all.kills
            << " pauses=" << all.pauses << " cuts=" << all.cuts << " moves=" << all.moves
            << " disk_errors=" << all.disk_errors
            << " lost_acknowledgements=" << all.lost_acknowledgements << " records=" << all.records
            << std::endl;
  EXPECT_EQ(all.seeds, count);
  EXPECT_GT(all.jobs, 0u);
}

// The counter-test: nodes that do not sync lose acknowledged jobs in a power cut, and it is
// noticed.
TEST(ClusterFaults, WhatANodeLosesInAPowerCutIsNoticed) {
  cluster_tally tally;
  std::thread{[&tally] {
    using what = cluster_action::what;
    cluster_schedule arrange{.actions = {}, .story = "all nodes on disks that are never synced"};
    cluster_schedule cut{.actions = {}, .story = "a power cut of all of them"};
    for (std::size_t i = 0; i < cluster_lane::nodes; ++i) {
      arrange.actions.push_back({.kind = what::kill, .node = i});
      arrange.actions.push_back(
          {.kind = what::start, .node = i, .as = cluster_action::program::unsynced});
      cut.actions.push_back({.kind = what::kill, .node = i});
    }
    cluster_lane lane{{.durability = "none", .report = false}};
    if (lane.run(1, arrange)) lane.run(2, cut);
    lane.close();
    tally = lane.tally();
  }}.join();
  EXPECT_THAT(tally.complaints, Contains(HasSubstr(" is lost")));
}

TEST(ClusterFaults, ASeedGivesOneScheduleAndSeedsInARowAllKinds) {
  std::set<std::string> stories;
  std::set<int> kinds;
  for (std::uint64_t seed = 0; seed < cluster_fault_kinds; ++seed) {
    auto one = make_cluster_schedule(seed, 3, true);
    EXPECT_EQ(one.story, make_cluster_schedule(seed, 3, true).story);
    stories.insert(one.story);
    for (const auto& action : one.actions) kinds.insert(static_cast<int>(action.kind));
  }
  EXPECT_EQ(stories.size(), cluster_fault_kinds);
  EXPECT_EQ(kinds.size(), 7u);
}

}  // namespace
}  // namespace tandem::fault
