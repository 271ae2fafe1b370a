#include "actors/etcd/etcd_history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using ::testing::HasSubstr;

TEST(etcd_history, AllowsAnswersThatOvertakeEachOther) {
  etcd_history history;
  auto first = history.now();
  auto second = history.now();
  EXPECT_TRUE(history.accept({1, 1, 11}, second, true));
  EXPECT_TRUE(history.accept({1, 1, 10}, first, true));
  EXPECT_EQ(history.now().revision, 11);
}

TEST(etcd_history, RefusesARevisionThatWentBackUntilSomebodyAcknowledges) {
  etcd_history history;
  EXPECT_TRUE(history.accept({1, 1, 11}, history.now(), true));
  auto sent = history.now();
  // A member that lags is no reason.
  EXPECT_TRUE(history.accept({1, 2, 9}, sent, false));
  EXPECT_FALSE(history.accept({1, 1, 10}, sent, true));
  EXPECT_THAT(history.broken(), HasSubstr("restored from an older state"));
  EXPECT_FALSE(history.accept({1, 1, 12}, history.now(), true));
  history.acknowledge();
  EXPECT_EQ(history.broken(), "");
  EXPECT_FALSE(history.accept({1, 1, 12}, sent, true));
  EXPECT_EQ(history.broken(), "");
  EXPECT_TRUE(history.accept({2, 1, 3}, history.now(), true));
}

TEST(etcd_history, RefusesAnotherCluster) {
  etcd_history history{7, 0};
  EXPECT_FALSE(history.accept({8, 1, 100}, history.now(), false));
  EXPECT_THAT(history.broken(), HasSubstr("another cluster"));
}

}  // namespace
}  // namespace tandem
