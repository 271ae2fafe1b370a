// The real program on a real engine: the embedded executor. Times are not looked at, only that what
// comes out is a profile.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.hpp"
#include "schema/text.hpp"
#include "tests/integration/cli/cli_fixture.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::test {
namespace {

using testing::HasSubstr;

constexpr auto* config = TANDEM_SOURCE_DIR "/config/embedded.toml";

run_result calibrate(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "calibrate");
  for (const auto* each :
       {"--seconds", "3", "--requests-max", "120", "--prompt-tokens", "64", "--answer-tokens", "8"})
    arguments.emplace_back(each);
  return run(tandem_options(std::move(arguments)), std::chrono::seconds{120});
}

TEST(Calibrate, AnEmbeddedEngineGivesAProfileThatLoads) {
  auto made = calibrate({"executor-embedded", "--config", config, "--name", "executor-sim"});
  ASSERT_EQ(made.code, 0) << made.err;
  config_loader loader;
  loader.read_text(
      "[[model]]\nname = \"executor\"\ntier = \"small\"\n[[model]]\nname = \"l\"\ntier = "
      "\"large\"\n[[engine]]\nname = \"l\"\nkind = \"sim\"\nmodel = \"l\"\n" +
          made.out,
      "calibrated", "/");
  auto loaded = loader.finish();
  ASSERT_TRUE(loaded) << message_of(loaded.error()) << made.out;
  const auto& engine = loaded->engines.at(1);
  EXPECT_EQ(engine.name, "executor-sim");
  EXPECT_EQ(engine.kind, "sim");
  EXPECT_GT(engine.sim.per_token.count() + engine.sim.first_token.count(), 0);
  EXPECT_GT(engine.sim.prefill_rate, 0);
  EXPECT_EQ(engine.sim.context_tokens, 1'024u);
  EXPECT_GT(engine.sim.cache_blocks, 0u) << "its slots keep what they have read";
}

TEST(Calibrate, WritesAFileAndJson) {
  temp_folder folder;
  auto file = (folder.path() / "sim.toml").string();
  auto made = calibrate({"executor-embedded", "--config", config, "--json", "--out", file});
  ASSERT_EQ(made.code, 0) << made.err;
  json_document json{made.out};
  EXPECT_EQ(json.text("/engine"), "executor-embedded");
  EXPECT_THAT(read_text(file), HasSubstr("[engine.sim]"));
}

TEST(Calibrate, AnEngineThatIsNotThereIsSaidToBe) {
  auto made = calibrate({"executor-embeded", "--config", config});
  EXPECT_EQ(made.code, 2);
  EXPECT_THAT(made.err, HasSubstr("did you mean executor-embedded?"));
  EXPECT_EQ(calibrate({"executor-embedded"}).code, 2) << "no config";
}

}  // namespace
}  // namespace tandem::test
