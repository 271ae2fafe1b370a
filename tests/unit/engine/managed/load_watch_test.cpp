// When a server that was replaced is taken to be the new one, and when to have died.

#include <optional>

#include <gtest/gtest.h>

#include "actors/engine/managed/load_watch.hpp"

namespace tandem::test {
namespace {

class LoadWatch : public ::testing::Test {
 protected:
  void begin() {
    (void)watch_.begin([this](weight_outcome outcome) { said_ = std::move(outcome); });
  }
  void health(schema::Health now) {
    health_ = now;
    watch_.on_health();
  }

  schema::Health health_ = schema::Health::HEALTHY;
  std::optional<weight_outcome> said_;
  load_watch watch_;
};

TEST_F(LoadWatch, TheOldServersEndIsNotTheNewOnes) {
  begin();
  // The third start has been counted, but there is no process yet: the reason is the second's.
  server_process_state now{.starts = 3, .starting = true, .reason = "it ended with exit code 1"};
  watch_.replaced_after(2, now);
  EXPECT_FALSE(said_);
  now.starting = false;
  now.pid = 7;
  watch_.on_process(now);
  EXPECT_FALSE(said_);
  now.pid = 0;
  watch_.on_process(now);
  ASSERT_TRUE(said_) << "that was the new one";
  EXPECT_EQ(said_->code, errc::engine_failed);
}

TEST_F(LoadWatch, ANewServerIsThereOnceItHasBegunAndAnswers) {
  watch_.set_health_source([this] {
    backend_status out;
    out.health = health_;
    return out;
  });
  begin();
  watch_.replaced_after(2, {.pid = 6, .starts = 2});
  health(schema::Health::HEALTHY);
  EXPECT_FALSE(said_) << "the old one's health";
  watch_.on_process({.pid = 7, .starts = 3});
  health(schema::Health::HEALTHY);
  EXPECT_FALSE(said_) << "not seen to have begun";
  health(schema::Health::STARTING);
  health(schema::Health::HEALTHY);
  ASSERT_TRUE(said_);
  EXPECT_EQ(said_->code, errc::unknown);
}

}  // namespace
}  // namespace tandem::test
