#include "config/fleet_profile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/errc.hpp"
#include "tests/unit/config/test_folder.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::filesystem::path fleets = TANDEM_SOURCE_DIR "/config/fleets";

std::string problem_of(const std::string& text) {
  auto profiles = read_fleet(text, "f.toml");
  return profiles ? "" : message_of(profiles.error());
}

constexpr auto smallest = R"([[profile]]
name = "a"
model = "m"
gpus = 1
)";

TEST(FleetProfile, EveryCommittedFileLoadsAndSaysASourceForAllThatIsMeasured) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator{fleets}) {
    if (entry.path().extension() != ".toml") continue;
    ++files;
    auto profiles = load_fleet(entry.path());
    ASSERT_TRUE(profiles) << message_of(profiles.error());
    for (const auto& profile : *profiles) {
      EXPECT_FALSE(profile.throughput.empty()) << profile.name;
      EXPECT_GT(profile.engine.sim.per_token.count(), 0) << profile.name;
      for (const auto& point : profile.throughput) {
        EXPECT_FALSE(point.requests_per_s.source.empty()) << profile.name;
        // A name of a source that stands for no text.
        EXPECT_NE(point.requests_per_s.source, "bench") << profile.name;
      }
    }
  }
  EXPECT_GE(files, 7u);
}

TEST(FleetProfile, HasThePublicMeasurements) {
  auto large = find_fleet_profile("qwen3-235b-a22b-fp8", fleets);
  auto small = find_fleet_profile("qwen3-14b-fp8", fleets);
  ASSERT_TRUE(large && small);
  EXPECT_EQ(large->gpus.value, 4);
  EXPECT_DOUBLE_EQ(large->throughput.front().requests_per_s.value, 18.76);
  EXPECT_EQ(large->throughput.front().requests_per_s.kind, number_kind::measured);
  EXPECT_THAT(large->throughput.front().requests_per_s.source, HasSubstr("https://docs.gpustack"));
  EXPECT_DOUBLE_EQ(small->throughput.front().requests_per_s.value, 24.87);
  EXPECT_EQ(small->gpu_hour_usd->kind, number_kind::assumed);
}

TEST(FleetProfile, IsASimulatedEngine) {
  auto profile = find_fleet_profile("deepseek-r1-671b", fleets);
  ASSERT_TRUE(profile);
  EXPECT_EQ(profile->engine.kind, "sim");
  EXPECT_EQ(profile->engine.concurrency, 512u);
  EXPECT_EQ(profile->engine.sim.per_token, 19360us);
  EXPECT_EQ(profile->sim_sources.at("per_token").kind, number_kind::measured);
  EXPECT_NEAR(profile->sim_sources.at("per_token").value, 0.01936, 1e-9);
  EXPECT_EQ(profile->sim_sources.at("cache_blocks").kind, number_kind::assumed);
}

TEST(FleetProfile, TheBriefsOwnAreGivenAndUnverified) {
  auto small = find_fleet_profile("brief:4b", fleets);
  ASSERT_TRUE(small) << message_of(small.error());
  EXPECT_DOUBLE_EQ(small->usd_per_1k->value, 0.042);
  EXPECT_EQ(small->usd_per_1k->kind, number_kind::assumed);
  EXPECT_FALSE(small->throughput.front().input_tokens);
  auto both = find_fleet_profile("brief", fleets);
  ASSERT_FALSE(both);
  EXPECT_THAT(message_of(both.error()), HasSubstr("brief:NAME with one of 4b, 235b"));
}

TEST(FleetProfile, AnUnknownNameListsWhatThereIs) {
  auto none = find_fleet_profile("qwen4", fleets);
  ASSERT_FALSE(none);
  EXPECT_EQ(code_of(none.error()), errc::not_found);
  EXPECT_THAT(message_of(none.error()), HasSubstr("brief, deepseek-r1-671b"));
}

TEST(FleetProfile, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(problem_of(smallest), "");
  EXPECT_THAT(problem_of(std::string{smallest} + "gpu_hours_usd = 3\n"),
              HasSubstr("f.toml:5:1: there is no key 'gpu_hours_usd' in [[profile]]; did you mean "
                        "'gpu_hour_usd'?"));
  EXPECT_THAT(problem_of(std::string{smallest} + "[profile.sim]\nper_tokn = { value = 1 }\n"),
              HasSubstr("did you mean 'per_token'?"));
  EXPECT_THAT(problem_of(std::string{smallest} + "[profile.sim]\nper_token = \"1ms\"\n"),
              HasSubstr("must be { value = "));
  EXPECT_THAT(problem_of(std::string{smallest} + "[profile.sim]\nper_token = { value = 3 }\n"),
              HasSubstr("per_token = 3 must be a duration"));
  EXPECT_THAT(problem_of("[[profile]]\nname = \"a b\"\n"), HasSubstr("must have 'gpus'"));
  EXPECT_THAT(problem_of("x = 1\n"), HasSubstr("must have 'profile'"));
  EXPECT_THAT(problem_of(std::string{smallest} + smallest), HasSubstr("two profiles named 'a'"));
}

TEST(FleetProfile, WhatIsMeasuredMustSayBySomebody) {
  EXPECT_THAT(
      problem_of(std::string{smallest} + "gpu_hour_usd = { value = 3, kind = \"measured\" }"),
      HasSubstr("f.toml:5:16: gpu_hour_usd is measured and must say its source"));
  EXPECT_THAT(problem_of(std::string{smallest} + "gpu_hour_usd = { value = 3, low = 4 }"),
              HasSubstr("low <= value <= high"));
  EXPECT_THAT(problem_of(std::string{smallest} + "gpu_hour_usd = { value = 3, kind = \"sure\" }"),
              HasSubstr("measured, derived or assumed"));
  EXPECT_THAT(problem_of(std::string{smallest} + "gpu_hour_usd = nan"), HasSubstr("a number from"));
}

TEST(FleetProfile, SurvivesHostileText) {
  EXPECT_THAT(problem_of("a = [[["), HasSubstr("no TOML"));
  std::string deep = "x";
  for (int i = 0; i < 100'000; ++i) deep += ".x";
  EXPECT_THAT(problem_of(deep + " = 1"), HasSubstr("more than 16 parts"));
  EXPECT_THAT(problem_of(std::string((1u << 20) + 1, '#')), HasSubstr("larger than 1 MiB"));
  std::string many;
  for (int i = 0; i < 2000; ++i) many += "k" + std::to_string(i) + " = 1\n";
  EXPECT_LT(problem_of(many).size(), 20'000u);
}

}  // namespace
}  // namespace tandem
