#include "nodes/simulate/tuning.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodes/simulate/generated_load.hpp"
#include "schema/errc.hpp"

namespace tandem::simulation {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

engine_config engine_of(const std::string& model, int number, double quality) {
  engine_config out{.name = model + "-" + std::to_string(number), .kind = "sim", .model = model};
  out.concurrency = 16;
  out.sim.seed = static_cast<std::uint64_t>(number) + 1;
  out.sim.first_token = 10ms;
  out.sim.per_token = 2ms;
  out.sim.prefill_rate = 5'000;
  out.sim.quality = quality;
  out.sim.cache_blocks = 1024;
  return out;
}

run_options fleet() {
  run_options out;
  auto& config = out.config;
  config.name = "test";
  config.models = {{.name = "big", .tier = "large", .input_price = 10, .output_price = 10},
                   {.name = "tiny", .tier = "small", .input_price = 0.1, .output_price = 0.1}};
  config.engines = {engine_of("big", 0, 1), engine_of("tiny", 0, 0.5)};
  config.routing.policy = "auto";
  config.executor.hedging.share = 0;
  return out;
}

tuning_options tuning_of(run_options base, const load_spec& load, double warm_up_s) {
  tuning_options out;
  out.base = std::move(base);
  out.choose.open = [load](std::uint64_t seed) {
    return caf::expected<std::unique_ptr<work_source>>{generate_load(load, seed)};
  };
  out.choose.warm_up_s = warm_up_s;
  out.measure = out.choose;
  out.seeds = 4;
  out.runs_max = 300;
  return out;
}

tuning_result tuned(const tuning_options& options) {
  auto result = tune(options);
  EXPECT_TRUE(result) << message_of(result.error());
  return result ? std::move(*result) : tuning_result{};
}

const tuning_proposal* proposal(const tuning_result& from, std::string_view key) {
  for (const auto& each : from.proposals)
    if (each.key == key) return &each;
  return nullptr;
}

TEST(Tuning, AConfigThatAlwaysAsksTheDearModelIsMended) {
  auto base = fleet();
  base.config.routing.policy = "large_only";
  // All is easy enough for the small one, and verified.
  base.config.engines[1].sim.quality = 1;
  auto options = tuning_of(base, {.rate = 4, .requests = 200, .in = 60, .out = 40}, 10);
  auto result = tuned(options);
  const auto* policy = proposal(result, "routing.policy");
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(policy->now, "\"large_only\"");
  EXPECT_TRUE(policy->can_try);
  EXPECT_GT(policy->gain.low, 0.5) << "a hundredth of the price";
  EXPECT_GT(result.gain.low, 0.5);
  EXPECT_LT(result.then.usd_per_1k_right, result.now.usd_per_1k_right / 2);
  EXPECT_GE(result.then.right, result.now.right - options.tolerance);
  EXPECT_EQ(policy_to_try(base.config, result.proposals),
            policy->proposed.substr(1, policy->proposed.size() - 2));
}

TEST(Tuning, EnginesInTurnAreMendedWherePrefixesAreShared) {
  auto base = fleet();
  for (int i = 1; i < 4; ++i) base.config.engines.push_back(engine_of("tiny", i, 1));
  base.config.engines[1].sim.quality = 1;
  base.config.routing.policy = "cheapest";
  base.config.routing.engines.policy = "round_robin";
  auto options = tuning_of(base,
                           {.rate = 6,
                            .requests = 250,
                            .in = 2000,
                            .out = 10,
                            .spread = 0.1,
                            .prefixes = 12,
                            .shared = 0.9},
                           10);
  options.goal = tuning_goal::latency;
  auto result = tuned(options);
  const auto* policy = proposal(result, "routing.engine_policy");
  ASSERT_NE(policy, nullptr);
  EXPECT_FALSE(policy->can_try) << "only a restart changes it";
  EXPECT_GT(policy->gain.low, 0.05);
  EXPECT_LT(result.then.mean_s, result.now.mean_s);
}

TEST(Tuning, AGoodConfigIsLeftAlone) {
  auto base = fleet();
  base.config.routing.policy = "cheapest";
  base.config.engines[1].sim.quality = 1;
  auto result = tuned(tuning_of(base, {.rate = 4, .requests = 200, .in = 60, .out = 40}, 10));
  EXPECT_THAT(result.proposals, IsEmpty());
  EXPECT_GT(result.values_tried, 10);
  EXPECT_EQ(result.now.usd_per_1k_right, result.then.usd_per_1k_right);
}

TEST(Tuning, NothingIsProposedThatCostsRightAnswers) {
  auto base = fleet();
  base.config.routing.policy = "large_only";
  // Cheap, and right half of the time: 1,000 right answers cost a fiftieth.
  auto result = tuned(tuning_of(base, {.rate = 4, .requests = 200, .in = 60, .out = 40}, 10));
  EXPECT_GE(result.then.right, result.now.right - 0.01);
  EXPECT_GE(result.now.right, 0.99);
}

TEST(Tuning, TheSameSeedProposesTheSame) {
  auto base = fleet();
  auto options = tuning_of(
      base, {.rate = 4, .requests = 150, .in = 60, .out = 40, .verified = 1, .kinds = 4}, 8);
  options.runs_max = 80;
  auto once = tuned(options);
  auto again = tuned(options);
  EXPECT_EQ(once.runs, again.runs);
  EXPECT_EQ(once.gain.mean, again.gain.mean);
  ASSERT_EQ(once.proposals.size(), again.proposals.size());
  for (std::size_t i = 0; i < once.proposals.size(); ++i) {
    EXPECT_EQ(once.proposals[i].proposed, again.proposals[i].proposed);
    EXPECT_EQ(once.proposals[i].gain.low, again.proposals[i].gain.low);
  }
}

TEST(Tuning, RunsAndTimeAreBounded) {
  auto options = tuning_of(fleet(), {.rate = 4, .requests = 60, .in = 60, .out = 40}, 0);
  options.runs_max = 40;
  auto few = tuned(options);
  EXPECT_LE(few.runs, 40);
  EXPECT_EQ(few.stopped, "runs");
  options.runs_max = 400;
  options.may_go_on = [] { return false; };
  auto none = tuned(options);
  EXPECT_EQ(none.stopped, "time");
  EXPECT_EQ(none.values_tried, 0);
  EXPECT_THAT(none.proposals, IsEmpty());
}

TEST(Tuning, WithoutPricesThereIsNothingToSave) {
  auto base = fleet();
  for (auto& model : base.config.models) model.input_price = model.output_price = 0;
  auto result = tune(tuning_of(base, {.rate = 4, .requests = 60}, 0));
  ASSERT_FALSE(result);
  EXPECT_THAT(message_of(result.error()), HasSubstr("no prices"));
}

TEST(Tuning, NoiseGivesNoGain) {
  auto noise = gain_of({0.03, -0.02, 0.01, -0.01, 0.02});
  EXPECT_LT(noise.low, 0);
  EXPECT_GT(noise.high, 0);
  // Student's t of four degrees of freedom: 2.776 * 0.0207 / sqrt(5).
  EXPECT_NEAR(noise.mean - noise.low, 0.02574, 1e-4);
  EXPECT_GT(gain_of({0.03, 0.02, 0.025, 0.03}).low, 0);
}

TEST(Tuning, SettingsGoThroughTheConfigsOwnKeysAndLimits) {
  node_config config;
  config.engines = {engine_of("big", 0, 1), engine_of("big", 1, 1), engine_of("tiny", 0, 1)};
  config.executor.cache.tiers.push_back({.tier = "large"});
  for (const auto& knob : knobs_of(config)) {
    EXPECT_NE(value_in(config, knob.key), "") << knob.key;
    for (const auto& value : knob.values) {
      auto copy = config;
      auto err = set_value(copy, knob.key, value);
      EXPECT_FALSE(err) << knob.key << " = " << value << ": " << message_of(err);
      EXPECT_EQ(value_in(copy, knob.key), value) << knob.key;
    }
  }
  EXPECT_FALSE(set_value(config, "engine:big.concurrency", "3"));
  EXPECT_EQ(config.engines[1].concurrency, 3);
  EXPECT_EQ(config.engines[2].concurrency, 16);
  EXPECT_TRUE(set_value(config, "routing.exploration", "0.9"));
  EXPECT_TRUE(set_value(config, "routing.nothing", "0.9"));
}

TEST(Tuning, ThePolicyToTryCarriesWhatIsProposed) {
  node_config config;
  config.routing.policy = "auto";
  tuning_proposal weight{.key = "routing.cost_weight", .proposed = "0.4", .can_try = true};
  tuning_proposal policy{.key = "routing.policy", .proposed = "\"auto\"", .can_try = true};
  tuning_proposal ttl{.key = "cache.large.ttl", .proposed = "\"4h\""};
  EXPECT_EQ(policy_to_try(config, {ttl}), "");
  EXPECT_EQ(policy_to_try(config, {ttl, weight}), "auto(cost_weight=0.4)");
  config.routing.policy = "cheapest";
  EXPECT_EQ(policy_to_try(config, {policy, weight}), "auto(cost_weight=0.4)");
  config.routing.policy = "auto(exploration=0.1)";
  EXPECT_EQ(policy_to_try(config, {weight}), "auto(exploration=0.1,cost_weight=0.4)");
}

}  // namespace
}  // namespace tandem::simulation
