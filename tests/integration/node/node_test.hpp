#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/text.hpp"
#include "tests/support/node_client.hpp"

namespace tandem::test {

/// A fixture with one node of simulated engines for all tests of its suite; tests that stop or kill
/// their node make one of their own.
class SimNode : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    node_ = std::make_unique<node_process>(TANDEM_BIN_DIR);
    node_->start(sim_config{}.text());
    ASSERT_TRUE(node_->wait_ready()) << node_->log();
    client_ = std::make_unique<client>(connect(*node_));
  }
  static void TearDownTestSuite() {
    client_.reset();
    EXPECT_EQ(node_->stop(), 0) << node_->log();
    node_.reset();
  }

  static client& at() { return *client_; }

  static inline std::unique_ptr<node_process> node_;
  static inline std::unique_ptr<client> client_;
};

/// Of a call that should have failed; `unknown` when it has not.
template <class T>
errc code(const caf::expected<T>& result) {
  return result ? errc::unknown : code_of(result.error());
}

template <class T>
std::string why(const caf::expected<T>& result) {
  return result ? std::string{} : message_of(result.error());
}

/// A step event of `step` in `state`.
inline bool is_step(schema::JobEvent::Reader event, std::uint32_t step, schema::StepState state) {
  if (!event.isSteps()) return false;
  for (auto each : event.getSteps())
    if (each.getStep() == step && each.getState() == state) return true;
  return false;
}

}  // namespace tandem::test
