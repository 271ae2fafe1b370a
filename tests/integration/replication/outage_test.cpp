// What nodes with copies of their journals do while etcd is away, and while a primary is silent
// though it lives.

#include <csignal>

#include "tests/integration/replication/replicated_nodes.hpp"

namespace tandem::test {
namespace {

using Outage = Replicated;

TEST_F(Outage, EtcdMayBeAwayForLongerThanALease) {
  for (std::size_t i = 0; i < cluster_.size(); ++i)
    ASSERT_TRUE(wait_in_sync(cluster_[i].journal(), 3)) << cluster_.log();
  acknowledged_jobs acknowledged;
  {
    load jobs{cluster_.options(0)};
    ASSERT_TRUE(wait_until(limit, [&] { return jobs.acknowledged() >= 50; })) << cluster_.log();
    etcd_.kill_all();
    auto before = jobs.acknowledged();
    std::this_thread::sleep_for(2 * lease);
    ASSERT_TRUE(etcd_.start()) << etcd_.log();
    // Whatever was refused meanwhile: it goes on by itself.
    auto at = cluster_.connect(0);
    auto goal = goal_with_steps({{1, R"(@sim {"reply":"one"})", {}}});
    ASSERT_TRUE(wait_until(limit, [&] { return static_cast<bool>(at.submit({.goal = goal})); }))
        << cluster_.log();
    RecordProperty("acknowledged_without_etcd", static_cast<int>(jobs.acknowledged() - before));
    jobs.end();
    wait_all(at, jobs.jobs(), acknowledged);
  }
  for (std::size_t i = 0; i < cluster_.size(); ++i)
    EXPECT_TRUE(cluster_[i].is_running()) << cluster_[i].log();
  check_journals(acknowledged);
}

TEST_F(Outage, APrimaryThatWakesAfterItsLeaseAcknowledgesNothingMore) {
  auto journal = cluster_[0].journal();
  for (std::size_t i = 0; i < cluster_.size(); ++i)
    ASSERT_TRUE(wait_in_sync(cluster_[i].journal(), 3)) << cluster_.log();
  auto before = *record_of(journal);
  acknowledged_jobs acknowledged;
  {
    load jobs{cluster_.options(0)};
    ASSERT_TRUE(wait_until(limit, [&] { return jobs.acknowledged() >= 50; })) << cluster_.log();
    cluster_[0].process().signal(SIGSTOP);
    ASSERT_TRUE(wait_until(limit, [&] {
      auto record = record_of(journal);
      return record && record->epoch > before.epoch;
    })) << cluster_.log();
    cluster_[0].process().signal(SIGCONT);
    jobs.end();
    auto at = cluster_.connect(1);
    wait_all(at, jobs.jobs(), acknowledged);
  }
  // It ends rather than go on with a journal that is another's, and comes back.
  if (!cluster_[0].is_running() || cluster_[0].process().wait(2 * lease))
    cluster_.start(0, {}, cluster_.address(0));
  ASSERT_TRUE(cluster_[0].wait_ready()) << cluster_[0].log();
  check_journals(acknowledged);
}

}  // namespace
}  // namespace tandem::test
