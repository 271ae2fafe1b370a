#include <cstdlib>
#include <ostream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fault/journal_check.hpp"
#include "tests/support/node_client.hpp"

namespace tandem::fault {
namespace {

constexpr unsigned jobs_max = 2000;

/// Names the fault that tandem-node-disk-fault starts with; see its source.
struct disk_trouble {
  const char* operation;
  const char* fault;
  unsigned passing;
  const char* words;
};

std::ostream& operator<<(std::ostream& out, const disk_trouble& trouble) {
  return out << trouble.operation << ' ' << trouble.fault << " after " << trouble.passing;
}

class DiskError : public ::testing::TestWithParam<disk_trouble> {
 protected:
  static void arrange(const disk_trouble& trouble) {
    auto text = std::string{trouble.operation} + ' ' + trouble.fault + ' ' +
                std::to_string(trouble.passing);
    ::setenv("TANDEM_TEST_DISK_FAULT", text.c_str(), 1);
  }
  void TearDown() override { ::unsetenv("TANDEM_TEST_DISK_FAULT"); }
};

TEST_P(DiskError, EndsTheNodeWithTheReasonAndLosesNothingAcknowledged) {
  arrange(GetParam());
  test::node_process node{TANDEM_BIN_DIR, "tandem-node-disk-fault"};
  node.start(test::sim_config{}.text());
  ASSERT_TRUE(node.wait_ready()) << node.log();
  std::map<std::string, job_id> acknowledged;
  caf::error refused;
  {
    auto client = test::connect(node);
    for (unsigned i = 0; i < jobs_max && !refused; ++i) {
      auto key = "key " + std::to_string(i);
      auto job = client.submit({.goal = "goal", .client_key = key});
      if (job)
        acknowledged.emplace(key, *job);
      else
        refused = job.error();
    }
    auto code = node.process().wait(std::chrono::seconds{30});
    EXPECT_EQ(code, 1) << node.log();
  }
  ASSERT_TRUE(refused) << "the fault never came";
  EXPECT_THAT(code_of(refused), ::testing::AnyOf(errc::storage_failed, errc::unavailable));
  EXPECT_THAT(message_of(refused), ::testing::Not(::testing::IsEmpty()));
  EXPECT_THAT(node.log(), ::testing::HasSubstr("storage_failed"));
  EXPECT_THAT(node.log(), ::testing::HasSubstr(GetParam().words));

  // The disk is sound again: all goes on, and the refused submission may be sent again.
  node.use_program("tandem-node");
  node.start();
  ASSERT_TRUE(node.wait_ready()) << node.log();
  {
    auto client = test::connect(node);
    auto key = "key " + std::to_string(acknowledged.size());
    auto again = client.submit({.goal = "goal", .client_key = key});
    ASSERT_TRUE(again.engaged()) << message_of(again.error());
    acknowledged.emplace(key, *again);
    for (const auto& [name, job] : acknowledged)
      EXPECT_EQ(test::wait_end(client, job).state, "done") << name;
  }
  EXPECT_EQ(node.stop(), 0) << node.log();
  EXPECT_THAT(check_journal(node.data_dir() / "journal", acknowledged).broken,
              ::testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Journal, DiskError,
    ::testing::Values(disk_trouble{"append", "no_space", 120, "No space left"},
                      disk_trouble{"append", "io_error", 200, "Input/output error"},
                      disk_trouble{"sync", "io_error", 60, "Input/output error"}));

TEST_F(DiskError, OfTheStartIsSaidBeforeTheNodeIsReady) {
  arrange({"append", "no_space", 0, ""});
  test::node_process node{TANDEM_BIN_DIR, "tandem-node-disk-fault"};
  node.start(test::sim_config{}.text());
  EXPECT_FALSE(node.wait_ready());
  EXPECT_EQ(node.process().wait(std::chrono::seconds{30}), 3);
  EXPECT_THAT(node.log(), ::testing::HasSubstr("No space left"));
}

}  // namespace
}  // namespace tandem::fault
