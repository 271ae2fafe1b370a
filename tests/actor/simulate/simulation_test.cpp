#include "nodes/simulate/simulation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodes/simulate/generated_load.hpp"
#include "nodes/simulate/report.hpp"
#include "nodes/simulate/variants.hpp"
#include "schema/errc.hpp"

namespace tandem::simulation {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

engine_config engine_of(const std::string& model, int number, double quality,
                        std::chrono::microseconds per_token) {
  engine_config out{.name = model + "-" + std::to_string(number), .kind = "sim", .model = model};
  out.concurrency = 16;
  out.sim.seed = static_cast<std::uint64_t>(number) + 1;
  out.sim.first_token = 10ms;
  out.sim.per_token = per_token;
  out.sim.per_token_batch = per_token / 32;
  out.sim.prefill_rate = 20'000;
  out.sim.quality = quality;
  out.sim.cache_blocks = 4096;
  return out;
}

/// A large model of two engines and a small one of four.
run_options fleet() {
  run_options out;
  auto& config = out.config;
  config.name = "test";
  config.models = {{.name = "big", .tier = "large", .input_price = 10, .output_price = 10},
                   {.name = "tiny", .tier = "small", .input_price = 0.1, .output_price = 0.1}};
  for (int i = 0; i < 2; ++i) config.engines.push_back(engine_of("big", i, 1, 10ms));
  for (int i = 0; i < 4; ++i) config.engines.push_back(engine_of("tiny", i, 0.5, 2ms));
  config.routing.policy = "cheapest";
  // Copies of slow calls are counted too.
  config.executor.hedging.share = 0;
  return out;
}

run_result run_of(const run_options& options, const load_spec& load) {
  auto work = generate_load(load, options.seed);
  auto result = run(options, *work);
  EXPECT_TRUE(result) << message_of(result.error());
  return result ? std::move(*result) : run_result{};
}

run_options varied(std::string_view name, const run_options& from) {
  auto made = make_variant(name, from);
  EXPECT_TRUE(made) << message_of(made.error());
  return made ? made->options : from;
}

TEST(Simulation, AnswersEveryCallAndCountsIt) {
  auto r = run_of(fleet(), {.rate = 5, .requests = 300});
  EXPECT_EQ(r.calls, 300);
  EXPECT_EQ(r.done, 300);
  EXPECT_EQ(r.failed, 0);
  EXPECT_EQ(r.first_token_s.count(), 300);
  EXPECT_GT(r.cost_usd, 0);
  EXPECT_EQ(r.models.at("tiny").calls, 300) << "the cheapest";
}

TEST(Simulation, OneCallAloneTakesWhatItsEngineSays) {
  auto options = fleet();
  auto r = run_of(options, {.rate = 0.001, .requests = 12, .in = 200, .out = 100, .spread = 0});
  // 200 tokens at 20,000 a second, 10 ms, 100 tokens of 2 ms.
  EXPECT_NEAR(r.call_s.mean(), 0.01 + 0.01 + 0.2, 0.005);
  EXPECT_NEAR(r.first_token_s.mean(), 0.02, 0.005);
  EXPECT_NEAR(r.models.at("tiny").batch, 1, 0.001);
}

TEST(Simulation, AFirstTokenComesBeforeTheEndAlsoWhereCallsAreNotPaced) {
  auto options = fleet();
  for (auto& engine : options.config.engines) {
    engine.sim.prefill_rate = 0;
    engine.sim.per_token_batch = 0us;
  }
  auto r = run_of(options, {.rate = 0.001, .requests = 12, .in = 200, .out = 100, .spread = 0});
  EXPECT_NEAR(r.call_s.mean(), 0.01 + 0.2, 0.005);
  EXPECT_NEAR(r.first_token_s.mean(), 0.01, 0.005);
}

TEST(Simulation, TheSameSeedGivesTheSameBytes) {
  load_spec load{
      .rate = 30, .requests = 400, .prefixes = 8, .repeats = 0.2, .verified = 0.3, .jobs = 0.2};
  auto options = fleet();
  options.config.routing.policy = "linear_thompson";
  auto once = report_json({}, {{"a", "", run_of(options, load), {}}});
  EXPECT_EQ(once, report_json({}, {{"a", "", run_of(options, load), {}}}));
  options.seed = 2;
  EXPECT_NE(once, report_json({}, {{"a", "", run_of(options, load), {}}}));
}

TEST(Simulation, RightIsWhatTheModelsCan) {
  load_spec load{.rate = 5, .requests = 1000};
  auto small = run_of(varied("all_small", fleet()), load);
  auto large = run_of(varied("all_large", fleet()), load);
  EXPECT_NEAR(static_cast<double>(small.right) / 1000, 0.5, 0.05) << "quality 0.5";
  EXPECT_EQ(large.right, 1000);
  EXPECT_NEAR(large.cost_usd / small.cost_usd, 100, 1) << "by their prices";
  EXPECT_NEAR(saving(small), 0.99, 0.001);
  EXPECT_NEAR(saving(large), 0, 1e-9);
}

TEST(Simulation, JobsPlanAndActThroughTheRealPlanner) {
  auto r = run_of(
      varied("static_split", fleet()),
      {.rate = 1, .requests = 50, .jobs = 1, .steps = 5, .width = 2, .step_difficulty = 0.4});
  EXPECT_EQ(r.jobs, 50);
  EXPECT_EQ(r.done, 50);
  EXPECT_EQ(r.right, 50);
  EXPECT_EQ(r.models.at("big").calls, 50) << "a plan each";
  EXPECT_EQ(r.models.at("tiny").calls, 250) << "five steps each";
  EXPECT_GT(saving(r), 0.1);
}

TEST(Simulation, VerifiedStepsThatTheSmallModelCannotDoGoToTheLargeOne) {
  load_spec load{.rate = 1, .requests = 60, .jobs = 1, .steps = 4, .step_difficulty = 1};
  auto blind = run_of(varied("static_split", fleet()), load);
  load.verified = 1;
  auto checked = run_of(varied("static_split", fleet()), load);
  EXPECT_LT(blind.right, 30) << "four steps of which half are too hard";
  EXPECT_EQ(checked.right, 60);
  EXPECT_GT(checked.models.at("big").calls, 60);
}

TEST(Simulation, RepeatsAreServedFromTheCaches) {
  auto options = fleet();
  cache_tier_config tier{.tier = "small"};
  tier.memory_bytes = std::size_t{16} << 20;
  options.config.executor.cache.tiers.push_back(tier);
  load_spec load{.rate = 5, .requests = 1000, .repeats = 0.5};
  auto with = run_of(options, load);
  auto without = run_of(varied("no_caches", options), load);
  EXPECT_EQ(without.cache_hits[1] + without.cache_hits[2], 0);
  EXPECT_GT(with.cache_hits[1] + with.cache_hits[2], 350);
  EXPECT_LT(with.cost_usd, without.cost_usd * 0.7);
}

TEST(Simulation, ALearnedChoiceIsRightMoreOftenThanTheSmallModelAndCheaperThanTheLargeOne) {
  // Half of the calls are too hard for the small one; which, their texts do not say: kinds do.
  load_spec load{.rate = 5, .requests = 1500, .verified = 0.5};
  auto learned = run_of(varied("learned", fleet()), load);
  auto small = run_of(varied("all_small", fleet()), load);
  auto large = run_of(varied("all_large", fleet()), load);
  EXPECT_GT(learned.right + learned.failed, small.right);
  EXPECT_LE(learned.cost_usd, large.cost_usd);
}

TEST(Simulation, VerifiedCallsTeachWhatIsBestForTheOthers) {
  auto options = varied("learned", fleet());
  // Each kind is easy or hard altogether; one call in five is verified.
  auto r = run_of(options, {.rate = 10, .requests = 6000, .verified = 0.2, .kinds = 8});
  auto right = static_cast<double>(r.right) / static_cast<double>(r.done);
  EXPECT_GT(right, 0.94) << "half of the calls are too hard for the small model";
  EXPECT_GT(saving(r), 0.15);
}

TEST(Simulation, OverloadIsRefusedOrWaitsAndNothingIsLost) {
  auto options = fleet();
  for (auto& engine : options.config.engines) engine.queue_max = 4;
  auto r = run_of(options, {.rate = 2000, .requests = 2000});
  EXPECT_EQ(r.calls, 2000);
  EXPECT_EQ(r.done + r.failed, 2000);
  EXPECT_GT(r.failed, 0);
}

TEST(Simulation, FindsTheHighestLoadThatKeepsTheSlo) {
  auto options = varied("all_small", fleet());
  options.first_token_slo_s = 0.5;
  load_spec load{.rate = 100, .requests = 300};
  auto work = [&](double speed) -> caf::expected<std::unique_ptr<work_source>> {
    auto now = load;
    now.rate *= speed;
    return generate_load(now, 1);
  };
  auto found = find_throughput(options, work, 0.95, 7);
  ASSERT_TRUE(found);
  EXPECT_GT(found->speed, 0.1);
  EXPECT_LT(found->speed, 10);
  // Twice the engines carry about twice the load.
  auto more = options;
  for (int i = 4; i < 8; ++i) more.config.engines.push_back(engine_of("tiny", i, 0.5, 2ms));
  auto twice = find_throughput(more, work, 0.95, 7);
  ASSERT_TRUE(twice);
  EXPECT_GT(twice->speed, found->speed * 1.4);
}

TEST(ToSimulated, TakesProfilesAndSaysWhichAreMissing) {
  node_config config;
  config.models = {{.name = "m", .tier = "small"}};
  config.engines = {{.name = "server", .kind = "http", .model = "m"}};
  auto missing = to_simulated(config, {});
  ASSERT_FALSE(missing);
  EXPECT_THAT(message_of(missing.error()), HasSubstr("tandem calibrate server"));
  config.engines[0].has_sim = true;
  auto made = to_simulated(config, {{"m", 3}});
  ASSERT_TRUE(made);
  ASSERT_EQ(made->engines.size(), 3);
  EXPECT_EQ(made->engines[2].kind, "sim");
  EXPECT_NE(made->engines[0].name, made->engines[1].name);
  EXPECT_THAT(message_of(to_simulated(config, {{"other", 2}}).error()), HasSubstr("'other'"));
}

TEST(Variants, AreKnownByTheirNames) {
  for (auto name : variant_names()) EXPECT_TRUE(make_variant(name, fleet())) << name;
  EXPECT_THAT(message_of(make_variant("all_larg", fleet()).error()), HasSubstr("'all_large'"));
  auto lonely = fleet();
  lonely.config.models.resize(1);
  EXPECT_THAT(message_of(make_variant("all_small", lonely).error()), HasSubstr("tier 'small'"));
}

TEST(Report, HasAllVariantsAndNoRawText) {
  auto r = run_of(fleet(), {.rate = 5, .requests = 50});
  report_head head{.config = "<script>", .work = "load \"x\""};
  std::vector<variant_result> all{{"configured", "as it is", r, {}}, {"other", "so", r, {}}};
  auto page = report_html(head, all);
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
  EXPECT_EQ(page.find("<script>"), page.npos);
  EXPECT_EQ(page.find("http"), page.npos) << "nothing from elsewhere";
  EXPECT_THAT(report_json(head, all), HasSubstr("\"name\":\"other\""));
  all[1].result.right = 0;
  EXPECT_THAT(report_json(head, all), HasSubstr("\"usd_per_1k_right\":null"))
      << "what is never right has no price";
}

}  // namespace
}  // namespace tandem::simulation
