// What jobs of three nodes have cost.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/text.hpp"
#include "tests/support/cluster_process.hpp"
#include "tests/support/free_port.hpp"

namespace tandem::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto limit = 30s;

/// Sums over all parts, and the journals that did not answer.
struct spent {
  std::uint64_t jobs = 0;
  std::int64_t cost = 0;
  std::vector<std::string> missing;
};

spent spent_in_all(client& at) {
  spent sum;
  message_builder<schema::CostQuery> query;
  query->initBy().setTenant(true);
  for (auto more = true; more;) {
    auto part = at.cost(query.finish());
    if (!part) throw std::runtime_error("cost: " + message_of(part.error()));
    auto reader = part->read();
    sum.jobs += reader->getJobsCounted();
    for (auto row : reader->getRows()) sum.cost += row.getUsage().getCostNanousd();
    for (auto journal : reader->getMissing())
      sum.missing.push_back(to_string(journal_id{journal.getJournal()}));
    more = reader->getCursors().size() != 0;
    query->setCursors(reader->getCursors());
  }
  return sum;
}

TEST(ClusterCosts, AreThoseOfAllJournalsAndNameOneThatIsLost) {
  cluster_process cluster{TANDEM_BIN_DIR, 3};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    cluster.start(i, sim_config{}.text() + quick_cluster_config(2000), free_address());
    names.push_back(cluster_process::name(i));
  }
  std::vector<std::int64_t> costs;
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    ASSERT_TRUE(cluster[i].wait_ready()) << cluster.log();
    auto at = cluster.connect(i);
    ASSERT_TRUE(wait_until(limit, [&] { return sees_all(at, names); })) << cluster.log();
    auto job = submit(at, goal_with_steps({{1, R"(@sim {"reply":"one"})", {}}}));
    auto end = wait_end(at, job);
    ASSERT_EQ(end.state, "done") << end.reason;
    costs.push_back(end.cost);
  }
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    auto at = cluster.connect(i);
    auto all = spent_in_all(at);
    EXPECT_EQ(all.jobs, 3u);
    EXPECT_EQ(all.cost, costs[0] + costs[1] + costs[2]);
    EXPECT_THAT(all.missing, IsEmpty());
  }
  auto lost = cluster[2].journal();
  cluster[2].kill9();
  auto at = cluster.connect(0);
  ASSERT_TRUE(wait_until(limit, [&] {
    auto topology = at.topology();
    return topology && look_at(*topology, "n2").state == "gone";
  })) << cluster.log();
  auto rest = spent_in_all(at);
  EXPECT_EQ(rest.jobs, 2u);
  EXPECT_EQ(rest.cost, costs[0] + costs[1]);
  EXPECT_THAT(rest.missing, ElementsAre(lost));
  // As they were, once it is back.
  cluster.start(2, {}, free_address());
  ASSERT_TRUE(cluster[2].wait_ready()) << cluster.log();
  EXPECT_TRUE(wait_until(limit, [&] { return spent_in_all(at).jobs == 3u; })) << cluster.log();
}

}  // namespace
}  // namespace tandem::test
