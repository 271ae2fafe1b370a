#include "actors/weight_sync/weight_names.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(WeightNames, AreOrderedAsPeopleCount) {
  EXPECT_TRUE(compare_versions("2", "10") < 0);
  EXPECT_TRUE(compare_versions("v1.9", "v1.10") < 0);
  EXPECT_TRUE(compare_versions("2026-11-27", "2026-11-28") < 0);
  EXPECT_TRUE(compare_versions("a", "b") < 0);
  EXPECT_TRUE(compare_versions("1", "1.1") < 0);
  EXPECT_TRUE(compare_versions("007", "7") == 0);
  EXPECT_TRUE(compare_versions("99999999999999999999", "100000000000000000000") < 0);
}

TEST(WeightNames, TheNextOneIsAboveTheLast) {
  EXPECT_EQ(next_version(""), "1");
  for (const char* last : {"1", "9", "v1.9", "2026-11-27", "rc", "1b", "999999999999999999999"})
    EXPECT_TRUE(compare_versions(last, next_version(last)) < 0) << last;
  EXPECT_EQ(next_version("v1.9"), "v1.10");
}

TEST(WeightNames, OtherCharactersAreRefused) {
  for (const char* bad : {"", ".", "..", "-v", "a/b", "a b", "\n", "ä"})
    EXPECT_NE(why_no_version(bad), "") << bad;
  EXPECT_NE(why_no_version(std::string(65, 'a')), "");
  EXPECT_EQ(why_no_version("2026-11-27_a.1+x"), "");
}

}  // namespace
}  // namespace tandem
