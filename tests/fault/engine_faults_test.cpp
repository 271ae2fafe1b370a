// Engines are killed, stopped, slowed, cut off, replaced and healed under load, by a seeded
// schedule.

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fault/engine_faults_run.hpp"
#include "tests/integration/engines/plain_socket.hpp"

namespace tandem::fault {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr unsigned lanes = 4;

std::uint64_t number_in(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

/// Each lane has every `lanes`th seed.
engine_fault_tally run_lane(std::uint64_t first, std::uint64_t count, unsigned lane) {
  engine_fault_tally failed;
  try {
    std::vector<std::uint64_t> seeds;
    for (auto i = std::uint64_t{lane}; i < count; i += lanes) seeds.push_back(first + i);
    if (seeds.empty()) return {};
    engine_fault_lane here{seeds};
    for (auto seed : seeds)
      if (!here.run(seed)) return here.tally();
    here.probe_all();
    return here.tally();
  } catch (const std::exception& e) {
    failed.complaints.push_back("lane " + std::to_string(lane) + ": " + e.what());
    return failed;
  }
}

TEST(EngineFaults, EveryAcknowledgedJobEndsRightAndWithinItsBudgetAndNothingRunsOnUpstream) {
  auto first = number_in("TANDEM_FAULT_SEED", std::random_device{}() % 1'000'000'000);
  auto count = number_in("TANDEM_FAULT_SEEDS", 200);
  std::cout << "TANDEM_FAULT_SEED=" << first << " TANDEM_FAULT_SEEDS=" << count << std::endl;
  engine_fault_tally all;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (unsigned lane = 0; lane < lanes; ++lane)
    threads.emplace_back([&, lane] {
      auto part = run_lane(first, count, lane);
      std::lock_guard lock{mutex};
      all.add(part);
    });
  for (auto& thread : threads) thread.join();
  std::cout << "jobs=" << all.jobs << " done=" << all.done << " cancelled=" << all.cancelled
            << " late=" << all.late << " over_budget=" << all.over_budget
            << " gave_up=" << all.gave_up << " node_kills=" << all.node_kills << std::endl;
  for (const auto& complaint : all.complaints) ADD_FAILURE() << complaint;
  EXPECT_GT(all.done * 2, all.jobs);
}

TEST(EngineFaults, WrongAnswersThatNothingChecksAreNoticedByThisTest) {
  engine_fault_lane lane{{1}, {.tell_checks = false}};
  ASSERT_TRUE(lane.run_with(1, engine_fault::wrong));
  EXPECT_THAT(lane.tally().complaints, Contains(HasSubstr("a wrong answer")));
}

TEST(EngineFaults, SpendingBeyondABudgetIsNoticedByThisTest) {
  engine_fault_lane lane{{1}, {.tell_budgets = false}};
  ASSERT_TRUE(lane.run_with(1, engine_fault::none));
  EXPECT_THAT(lane.tally().complaints, Contains(HasSubstr("over budget")));
}

TEST(EngineFaults, AnAnswerLeftRunningIsNoticedByThisTest) {
  engine_fleet fleet;
  fleet.set(0, engine_fault::never);
  test::plain_socket left{fleet.server(0).port()};
  left.ask(R"({"model":"little","messages":[{"role":"user","content":"s1j1-1"}]})");
  ASSERT_TRUE(fleet.server(0).wait([](const auto& seen) { return seen.open == 1; }));
  EXPECT_THAT(fleet.still_open(std::chrono::milliseconds{1}), HasSubstr("little-0"));
  left.close();
  EXPECT_THAT(fleet.still_open(std::chrono::seconds{5}), IsEmpty());
}

}  // namespace
}  // namespace tandem::fault
