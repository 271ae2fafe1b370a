// Updates of a fleet through schedules by seed, in virtual time: coordinators die and are followed,
// nodes come back with old weights, engines fail in every phase of their change, orders and
// outcomes are lost, doubled, late and out of order, a disk fills, rolls are stopped by hand or
// begun at two nodes at once. Whatever happens, the old or the new version is everywhere at the end
// (or the update is gated and says so), a job has one version unless it mixes, and no answer is
// stale.
//   TANDEM_FAULT_SEED=N     one seed alone
//   TANDEM_FAULT_SEEDS=N    the first N, 200 by default

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "tests/fault/weight_faults_run.hpp"

namespace tandem::testing {
namespace {

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const auto* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string names(const std::set<weight_fault>& faults) {
  std::string out;
  for (auto fault : faults) out += " " + std::to_string(static_cast<int>(fault));
  return out;
}

TEST(WeightFaults, EndAtOneVersionWithoutAStaleAnswer) {
  auto first = number_from("TANDEM_FAULT_SEED", 0);
  auto seeds =
      std::getenv("TANDEM_FAULT_SEED") != nullptr ? 1 : number_from("TANDEM_FAULT_SEEDS", 200);
  std::map<schema::RollPhase, int> phases;
  modelled_jobs::counts all;
  for (auto seed = first; seed < first + seeds; ++seed) {
    weight_faults_run run{seed};
    run.run();
    EXPECT_EQ(run.complaint(), "") << "seed " << seed << ", faults" << names(run.faults());
    ++phases[run.phase()];
    if (seeds < 100)
      std::printf("seed %llu, faults%s: %s, %s\n", static_cast<unsigned long long>(seed),
                  names(run.faults()).c_str(), to_string(run.phase()), run.reason().c_str());
    all.served += run.jobs().served;
    all.from_cache += run.jobs().from_cache;
    all.jobs_by_policy += run.jobs().jobs_by_policy;
    all.failed += run.jobs().failed;
    all.timed_out += run.jobs().timed_out;
    all.wrong_weights += run.jobs().wrong_weights;
  }
  for (auto [phase, count] : phases) std::printf("%s: %d\n", to_string(phase), count);
  std::printf(
      "answers %llu, from caches %llu; jobs ended by policy %llu, failed %llu, late %llu; "
      "calls that met other weights than was thought %llu\n",
      static_cast<unsigned long long>(all.served), static_cast<unsigned long long>(all.from_cache),
      static_cast<unsigned long long>(all.jobs_by_policy),
      static_cast<unsigned long long>(all.failed), static_cast<unsigned long long>(all.timed_out),
      static_cast<unsigned long long>(all.wrong_weights));
  if (seeds < 100) return;
  EXPECT_GT(phases[schema::RollPhase::DONE], 0);
  EXPECT_GT(phases[schema::RollPhase::ROLLED_BACK], 0);
  EXPECT_GT(phases[schema::RollPhase::GATED], 0);
}

// Without this the test above could not fail.
TEST(WeightFaults, AreFoundWhereACacheForgetsOfWhichVersionAnAnswerIs) {
  weight_faults_run run{0, true};
  run.run();
  EXPECT_NE(run.complaint().find("the cache has an answer of 1 under version 2"), std::string::npos)
      << run.complaint();
}

}  // namespace
}  // namespace tandem::testing
