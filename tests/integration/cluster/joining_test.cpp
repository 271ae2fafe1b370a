// Who is not let in, and what it says.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/certificates.hpp"
#include "tests/support/cluster_process.hpp"
#include "tests/support/free_port.hpp"

namespace tandem::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr auto limit = 30s;
constexpr unsigned gone_after_ms = 2000;

class Joining : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster_.start(0, sim_config{}.text() + quick_cluster_config(gone_after_ms), free_address());
    ASSERT_TRUE(cluster_[0].wait_ready()) << cluster_.log();
  }
  /// Starts the second node; whether it runs.
  [[nodiscard]] bool start(const std::string& config) {
    cluster_.start(1, config, free_address());
    return cluster_[1].wait_ready();
  }
  [[nodiscard]] bool first_is_alone() {
    auto at = cluster_.connect(0);
    auto topology = at.topology();
    return topology && topology->read()->getNodes().size() == 1;
  }

  cluster_process cluster_{TANDEM_BIN_DIR, 2};
};

TEST_F(Joining, ANodeOfAnotherClusterIsRefusedAndBothAreNamed) {
  ASSERT_TRUE(
      start(sim_config{}.text() + quick_cluster_config(gone_after_ms) + "name = \"other\"\n"))
      << cluster_.log();
  EXPECT_TRUE(cluster_[1].process().wait_text("cannot join", limit)) << cluster_.log();
  EXPECT_THAT(cluster_[1].log(), HasSubstr("cluster 'other'"));
  EXPECT_THAT(cluster_[1].log(), HasSubstr("cluster 'tandem'"));
  EXPECT_TRUE(first_is_alone());
  // It goes on by itself.
  auto at = cluster_.connect(1);
  EXPECT_EQ(wait_end(at, submit(at, "goal")).state, "done");
}

TEST_F(Joining, ANodeOfAnotherAuthorityIsRefusedAndTheReasonIsInItsLog) {
  // Without certificates it makes an authority of its own.
  std::filesystem::remove_all(cluster_[1].tls_dir());
  ASSERT_TRUE(start(sim_config{}.text() + quick_cluster_config(gone_after_ms))) << cluster_.log();
  EXPECT_TRUE(cluster_[1].process().wait_text("cannot join", limit)) << cluster_.log();
  EXPECT_THAT(cluster_[1].log(), HasSubstr("need certificates of one authority"));
  EXPECT_TRUE(first_is_alone());
  auto at = connect(cluster_[1]);
  EXPECT_EQ(wait_end(at, submit(at, "goal")).state, "done");
}

TEST_F(Joining, ASecondNodeOfTheSameNameIsRefusedAndBothPlacesAreNamed) {
  auto address = free_address();
  cluster_[1].start(sim_config{}.text() + quick_cluster_config(gone_after_ms),
                    {"--name", "n0", "--listen", address, "--join", cluster_.address(0)});
  ASSERT_TRUE(cluster_[1].wait_ready()) << cluster_.log();
  EXPECT_TRUE(cluster_[1].process().wait_text("cannot join", limit)) << cluster_.log();
  EXPECT_THAT(cluster_[1].log(), HasSubstr("two nodes are called 'n0'"));
  EXPECT_THAT(cluster_[1].log(), HasSubstr(cluster_.address(0)));
  EXPECT_THAT(cluster_[1].log(), HasSubstr(address));
  EXPECT_TRUE(first_is_alone());
}

TEST_F(Joining, AllNodesMayHaveTheSameListOfNodesToJoin) {
  auto address = free_address();
  cluster_[1].start(
      sim_config{}.text() + quick_cluster_config(gone_after_ms),
      {"--name", "n1", "--listen", address, "--join", address + ',' + cluster_.address(0)});
  ASSERT_TRUE(cluster_[1].wait_ready()) << cluster_.log();
  auto at = cluster_.connect(0);
  EXPECT_TRUE(wait_until(limit, [&] { return sees_all(at, {"n0", "n1"}); })) << cluster_.log();
  EXPECT_THAT(cluster_[1].log(), ::testing::Not(HasSubstr("cannot join")));
}

TEST_F(Joining, AnAddressThatAnswersNothingIsTriedUntilItDoes) {
  cluster_[0].kill9();
  ASSERT_TRUE(start(sim_config{}.text() + quick_cluster_config(gone_after_ms))) << cluster_.log();
  EXPECT_TRUE(cluster_[1].process().wait_text("not connected", limit)) << cluster_.log();
  // It starts where it was.
  cluster_.start(0, {}, cluster_.address(0));
  ASSERT_TRUE(cluster_[0].wait_ready()) << cluster_.log();
  auto at = cluster_.connect(1);
  EXPECT_TRUE(wait_until(limit, [&] { return sees_all(at, {"n0", "n1"}); })) << cluster_.log();
}

}  // namespace
}  // namespace tandem::test
