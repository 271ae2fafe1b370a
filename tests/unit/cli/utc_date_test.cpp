#include "nodes/cli/utc_date.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace tandem::cli {
namespace {

/// 2026-03-01 23:59:59.999 UTC.
constexpr std::uint64_t moment = 1'772'409'599'999;
constexpr std::uint64_t one_day = 86'400'000;

std::string read(std::string_view text) {
  auto found = parse_day(text, moment);
  return found ? day_text(*found) : "none";
}

TEST(UtcDate, ReadsDaysAsPeopleWriteThem) {
  EXPECT_EQ(read("2026-03-01"), "2026-03-01");
  EXPECT_EQ(read("today"), "2026-03-01");
  EXPECT_EQ(read("yesterday"), "2026-02-28");
  EXPECT_EQ(read("0d"), "2026-03-01");
  EXPECT_EQ(read("7d"), "2026-02-22");
  EXPECT_EQ(read("2024-02-29"), "2024-02-29");
  EXPECT_EQ(read("1970-01-01"), "1970-01-01");
  EXPECT_EQ(read("9999-12-31"), "9999-12-31");
  EXPECT_EQ(*parse_day("2026-03-01", moment) % one_day, 0u);
}

TEST(UtcDate, TakesNothingThatIsNoDay) {
  for (const char* text :
       {"", "d", "2026-02-29", "2026-13-01", "2026-00-10", "2026-3-1", "26-03-01", "2026/03/01",
        "1969-12-31", "2026-03-01T00:00", "-1d", "+7d", "7 d", "99999999999d", "tomorrow", "1e3d",
        "20260301", "2026-+3-01", "999999d"})
    EXPECT_EQ(read(text), "none") << text;
}

TEST(UtcDate, ShowsAnyNumberAsSomeDay) {
  EXPECT_EQ(day_text(std::numeric_limits<std::uint64_t>::max()), "9999-12-31");
  EXPECT_EQ(day_text(moment), "2026-03-01");
  EXPECT_EQ(day_text(moment + 1), "2026-03-02");
}

}  // namespace
}  // namespace tandem::cli
