// Three nodes, each of whose journals has copies on the others: one is lost with all that it had,
// and nothing that was acknowledged is. TANDEM_TAKEOVER_ROUNDS losses instead of three.

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "tests/integration/replication/replicated_nodes.hpp"

namespace tandem::test {
namespace {

std::size_t rounds() {
  const char* wished = std::getenv("TANDEM_TAKEOVER_ROUNDS");
  return wished == nullptr ? 3 : std::strtoul(wished, nullptr, 10);
}

using Takeover = Replicated;

TEST_F(Takeover, ALostNodesJobsGoOnElsewhereAndNoneIsLost) {
  // Each time another node's journal, which the others go on with; the lost node comes back empty.
  acknowledged_jobs acknowledged;
  for (std::size_t round = 0; round < rounds(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    auto lost = round % cluster_.size();
    auto other = (lost + 1) % cluster_.size();
    auto journal = cluster_[lost].journal();
    ASSERT_TRUE(wait_in_sync(journal, 3)) << etcd_.log() << cluster_.log();
    auto before = *record_of(journal);
    EXPECT_EQ(before.primary->copy.node, cluster_process::name(lost));

    load jobs{cluster_.options(lost)};
    ASSERT_TRUE(wait_until(limit, [&] { return jobs.acknowledged() >= 100; })) << cluster_.log();
    lose(lost);
    jobs.join();

    ASSERT_TRUE(wait_until(limit, [&] {
      auto record = record_of(journal);
      return record && record->epoch > before.epoch;
    })) << cluster_.log();
    auto after = *record_of(journal);
    EXPECT_NE(after.primary->copy.node, cluster_process::name(lost));

    auto at = cluster_.connect(other);
    auto acknowledged_now = jobs.jobs();
    wait_all(at, acknowledged_now, acknowledged);
    auto of_the_journal =
        std::count_if(acknowledged_now.begin(), acknowledged_now.end(),
                      [&](job_id job) { return to_string(job.journal) == journal; });
    EXPECT_GT(of_the_journal, 0);
    std::cout << "round " << round << ": " << jobs.jobs().size() << " acknowledged, "
              << of_the_journal << " in the lost node's journal, taken over by "
              << after.primary->copy.node << " in epoch " << after.epoch << '\n';

    cluster_.start(lost, {}, cluster_.address(lost));
    ASSERT_TRUE(cluster_[lost].wait_ready()) << cluster_.log();
    EXPECT_NE(cluster_[lost].journal(), journal);
    ASSERT_TRUE(wait_in_sync(journal, 3)) << cluster_.log();
  }
  check_journals(acknowledged);
}

}  // namespace
}  // namespace tandem::test
