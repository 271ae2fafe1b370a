#include "actors/alarm/alarm_book.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/types.hpp"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr auto warning = schema::AlarmSeverity::WARNING;
constexpr auto critical = schema::AlarmSeverity::CRITICAL;

TEST(AlarmBook, HasTheGravestFirst) {
  alarm_book book;
  book.set({{.name = "A", .severity = warning, .since_ms = 1},
            {.name = "B", .severity = critical, .since_ms = 3},
            {.name = "C", .severity = critical, .since_ms = 2}},
           {});
  auto active = book.active();
  ASSERT_THAT(active, SizeIs(3));
  EXPECT_EQ(active[0].name + active[1].name + active[2].name, "CBA");
  message_builder<schema::NodeStatus> node;
  write_alarms(*node, active);
  auto first = node->asReader().getAlarms()[0];
  EXPECT_STREQ(first.getName().cStr(), "C");
  EXPECT_EQ(first.getSeverity(), critical);
  EXPECT_EQ(first.getSinceMs(), 2);
}

TEST(AlarmBook, RemembersTheLatestThatEnded) {
  alarm_book book;
  for (int i = 0; i < 200; ++i)
    book.set({}, {{.what = {.name = "A" + std::to_string(i)}, .until_ms = 5}});
  auto ended = book.ended();
  EXPECT_THAT(ended, SizeIs(alarm_book::ended_max));
  EXPECT_EQ(ended.front().what.name, "A199");
}

}  // namespace
}  // namespace tandem
