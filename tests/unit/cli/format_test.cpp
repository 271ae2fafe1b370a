#include "nodes/cli/format.hpp"

#include <cstdlib>
#include <limits>

#include <gtest/gtest.h>

namespace tandem::cli {
namespace {

using std::chrono::microseconds;

std::string duration(std::int64_t us) {
  return human_duration(microseconds{us});
}

TEST(Format, SaysDurationsInTheUnitThatPeopleUse) {
  EXPECT_EQ(duration(0), "0 us");
  EXPECT_EQ(duration(850), "850 us");
  EXPECT_EQ(duration(12'300), "12 ms");
  EXPECT_EQ(duration(1'234'000), "1.23 s");
  EXPECT_EQ(duration(12'340'000), "12.3 s");
  EXPECT_EQ(duration(125'000'000), "2 min 5 s");
  EXPECT_EQ(duration(3'600'000'000), "1 h");
  EXPECT_EQ(duration(11'520'000'000), "3 h 12 min");
  EXPECT_EQ(duration(183'600'000'000), "2 d 3 h");
  EXPECT_EQ(duration(-2'000'000), "-2.00 s");
}

TEST(Format, RoundsDurationsIntoTheNextUnit) {
  EXPECT_EQ(duration(999'600), "1.00 s");
  EXPECT_EQ(duration(9'996'000), "10.0 s");
  EXPECT_EQ(duration(59'960'000), "1 min");
}

TEST(Format, SaysMoneyExactlyAsFarAsItMatters) {
  EXPECT_EQ(human_money(0), "$0");
  EXPECT_EQ(human_money(123'000), "$0.000123");
  EXPECT_EQ(human_money(7), "$0.000000007");
  EXPECT_EQ(human_money(1'499), "$0.000001");
  EXPECT_EQ(human_money(1'500), "$0.000002");
  EXPECT_EQ(human_money(999'999'999), "$1.000000");
  EXPECT_EQ(human_money(12'345'678'900), "$12.3457");
  EXPECT_EQ(human_money(-123'000), "-$0.000123");
  EXPECT_EQ(human_money(std::numeric_limits<std::int64_t>::min()), "-$9223372036.8548");
}

TEST(Format, ComparesWithAllLarge) {
  EXPECT_EQ(human_saving(27, 1000), "97.3% saved");
  EXPECT_EQ(human_saving(1200, 1000), "20.0% dearer");
  EXPECT_EQ(human_saving(5, 0), "");
  EXPECT_FALSE(saving_percent(5, 0));
}

TEST(Format, GroupsDigits) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(1'000), "1,000");
  EXPECT_EQ(human_count(12'345'678), "12,345,678");
}

TEST(Format, SaysBytes) {
  EXPECT_EQ(human_bytes(512), "512 B");
  EXPECT_EQ(human_bytes(1'572'864), "1.5 MiB");
  EXPECT_EQ(human_bytes(1'048'575), "1.0 MiB");
}

TEST(Format, SaysAges) {
  EXPECT_EQ(human_age(1'000, 1'500), "just now");
  EXPECT_EQ(human_age(1'000, 6'000), "5 s ago");
  EXPECT_EQ(human_age(0, 200'000), "3 min ago");
  EXPECT_EQ(human_age(0, 7'200'000), "2 h ago");
  EXPECT_EQ(human_age(0, 172'800'000), "2 d ago");
  EXPECT_EQ(human_age(6'000, 1'000), "in 5 s");
}

TEST(Format, SaysLocalTimeWithItsOffset) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  EXPECT_EQ(human_time(1'700'000'000'000), "2023-11-14 22:13:20 +0000");
}

}  // namespace
}  // namespace tandem::cli
