#include "actors/engine/http/server_facts.hpp"

#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/engine/http/health_gate.hpp"
#include "actors/engine/http/prometheus.hpp"

namespace tandem {
namespace {

using schema::Health;
using ::testing::ElementsAre;
using ::testing::Pair;

std::vector<std::pair<std::string, double>> samples(std::string_view text) {
  std::vector<std::pair<std::string, double>> out;
  read_prometheus(text,
                  [&](std::string_view name, double value) { out.emplace_back(name, value); });
  return out;
}

TEST(Prometheus, ReadsNamesAndValuesWithAndWithoutLabels) {
  EXPECT_THAT(
      samples("# HELP a b\n# TYPE a gauge\na 1\nb{x=\"y\"} 2.5\r\nc{x=\"}\\\"\"}\t3e2 1700\n"),
      ElementsAre(Pair("a", 1), Pair("b", 2.5), Pair("c", 300)));
}

TEST(Prometheus, SkipsWhatItCannotRead) {
  EXPECT_THAT(samples("a\nb \n{x} \nc{x=\"} 1\nd NaN\ne +Inf\nf 1x\n\n\n  \ng 7"),
              ElementsAre(Pair("g", 7)));
}

TEST(ServerFacts, ReadsPropsOfLlamaCpp) {
  server_facts facts;
  ASSERT_TRUE(
      facts.read_props(R"({"default_generation_settings":{"n_ctx":4096},"total_slots":4,)"
                       R"("model_path":"/srv/weights/rand1m.gguf","build_info":"b11669-Debian"})"));
  facts.kind = server_kind::llama_cpp;
  EXPECT_EQ(facts.server(), "llama.cpp b11669-Debian");
  EXPECT_EQ(facts.context_tokens, 4096u);
  EXPECT_EQ(facts.weight_version, "rand1m.gguf");
  EXPECT_TRUE(facts.any_name);
}

TEST(ServerFacts, KnowsARouterOfLlamaCpp) {
  server_facts facts;
  ASSERT_TRUE(facts.read_props(R"({"role":"router","model_path":"none","build_info":"b1",)"
                               R"("default_generation_settings":{"params":null,"n_ctx":0}})"));
  EXPECT_FALSE(facts.any_name);
  EXPECT_EQ(facts.weight_version, "");
  EXPECT_EQ(facts.context_tokens, 0u);
}

TEST(ServerFacts, ReadsTheModelsWithTheirAliasesAndOurContext) {
  server_facts facts;
  ASSERT_TRUE(facts.read_models(R"({"data":[{"id":"a","aliases":["a","x"],"meta":{"n_ctx":4096}},)"
                                R"({"id":"b","max_model_len":32768},{"id":5},7]})",
                                "b"));
  EXPECT_THAT(facts.models, ElementsAre("a", "x", "b"));
  EXPECT_EQ(facts.context_tokens, 32768u);
  EXPECT_TRUE(facts.has_model("x"));
  EXPECT_FALSE(facts.has_model("c"));
  EXPECT_EQ(facts.models_text(), "'a', 'x', 'b'");
}

TEST(ServerFacts, BoundsTheListOfModels) {
  std::string json = R"({"data":[)";
  for (int i = 0; i < 10'000; ++i) json += R"({"id":"m)" + std::to_string(i) + "\"},";
  json.back() = ']';
  server_facts facts;
  ASSERT_TRUE(facts.read_models(json + "}", "m"));
  EXPECT_EQ(facts.models.size(), 100u);
  EXPECT_THAT(facts.models_text(), ::testing::EndsWith("and 90 more"));
}

TEST(ServerFacts, TellsSglangFromVllm) {
  server_facts facts;
  EXPECT_TRUE(facts.read_server_info(
      R"({"model_path":"/m","version":"0.5.2","context_length":8192,"weight_version":"w1"})"));
  EXPECT_EQ(facts.version, "0.5.2");
  EXPECT_EQ(facts.context_tokens, 8192u);
  EXPECT_EQ(facts.weight_version, "w1");
  EXPECT_FALSE(facts.read_server_info(R"({"vllm_config":"x","model_path":"y"})"));
  EXPECT_TRUE(facts.read_version(R"({"version":"0.11.0"})"));
  EXPECT_EQ(facts.version, "0.11.0");
}

TEST(ServerFacts, SumsTheLoadsOfSglang) {
  server_facts facts;
  ASSERT_TRUE(facts.read_loads(
      R"({"loads":[{"dp_rank":0,"num_running_reqs":3,"num_waiting_reqs":1,"token_usage":0.25},)"
      R"({"dp_rank":1,"num_running_reqs":4,"num_waiting_reqs":0,"token_usage":0.5}]})"));
  EXPECT_EQ(facts.running, 7u);
  EXPECT_EQ(facts.waiting, 1u);
  EXPECT_FLOAT_EQ(facts.cache_usage, 0.5f);
}

TEST(ServerFacts, ReadsTheMetricsOfVllmAndLlamaCpp) {
  server_facts facts;
  ASSERT_TRUE(
      facts.read_metrics("vllm:num_requests_running{model_name=\"m\"} 5.0\n"
                         "vllm:num_requests_waiting{model_name=\"m\"} 2.0\n"
                         "vllm:kv_cache_usage_perc{model_name=\"m\"} 0.75\n"));
  EXPECT_EQ(facts.running, 5u);
  EXPECT_EQ(facts.waiting, 2u);
  EXPECT_FLOAT_EQ(facts.cache_usage, 0.75f);
  ASSERT_TRUE(facts.read_metrics("llamacpp:requests_processing 4\nllamacpp:requests_deferred 9\n"));
  EXPECT_EQ(facts.running, 4u);
  EXPECT_EQ(facts.waiting, 9u);
  EXPECT_LT(facts.cache_usage, 0);
  EXPECT_FALSE(facts.read_metrics("other 1\n"));
}

TEST(ServerFacts, DoesNotBelieveAbsurdFigures) {
  server_facts facts;
  ASSERT_TRUE(
      facts.read_metrics("vllm:num_requests_running -5\nvllm:num_requests_waiting 1e30\n"
                         "vllm:kv_cache_usage_perc 17\n"));
  EXPECT_EQ(facts.running, 0u);
  EXPECT_EQ(facts.waiting, 0u);
  EXPECT_LT(facts.cache_usage, 0);
}

TEST(ServerFacts, ReadsNothingFromOtherAnswers) {
  server_facts facts;
  for (auto body : {"", "{}", "[]", "5", "{", "<html>", "\xff", R"({"data":5,"loads":5})"}) {
    EXPECT_FALSE(facts.read_props(body)) << body;
    EXPECT_FALSE(facts.read_server_info(body)) << body;
    EXPECT_FALSE(facts.read_version(body)) << body;
    EXPECT_FALSE(facts.read_models(body, "m")) << body;
    EXPECT_FALSE(facts.read_weights(body)) << body;
    EXPECT_FALSE(facts.read_loads(body)) << body;
    EXPECT_FALSE(facts.read_load(body)) << body;
  }
}

TEST(HealthGate, TakesTheFirstGoodProbeAfterAStart) {
  health_gate gate{3, 3};
  EXPECT_EQ(gate.health(), Health::STARTING);
  EXPECT_EQ(gate.take(probe_verdict::good), Health::HEALTHY);
}

TEST(HealthGate, TakesManyBadProbesForIllnessAndManyGoodOnesForRecovery) {
  health_gate gate{2, 3};
  EXPECT_EQ(gate.take(probe_verdict::good), Health::HEALTHY);
  EXPECT_EQ(gate.take(probe_verdict::bad), Health::HEALTHY);
  EXPECT_EQ(gate.take(probe_verdict::bad), Health::HEALTHY);
  EXPECT_EQ(gate.take(probe_verdict::good), Health::HEALTHY);
  EXPECT_EQ(gate.take(probe_verdict::bad), Health::HEALTHY);
  EXPECT_EQ(gate.take(probe_verdict::bad), Health::HEALTHY);
  EXPECT_EQ(gate.take(probe_verdict::bad), Health::UNHEALTHY);
  EXPECT_EQ(gate.take(probe_verdict::good), Health::UNHEALTHY);
  EXPECT_EQ(gate.take(probe_verdict::bad), Health::UNHEALTHY);
  EXPECT_EQ(gate.take(probe_verdict::good), Health::UNHEALTHY);
  EXPECT_EQ(gate.take(probe_verdict::good), Health::HEALTHY);
}

TEST(HealthGate, BelievesAServerThatSaysItIsLoadingOrUnfit) {
  health_gate gate{2, 3};
  EXPECT_EQ(gate.take(probe_verdict::good), Health::HEALTHY);
  EXPECT_EQ(gate.take(probe_verdict::loading), Health::STARTING);
  EXPECT_EQ(gate.take(probe_verdict::good), Health::HEALTHY);
  EXPECT_EQ(gate.take(probe_verdict::unfit), Health::UNHEALTHY);
}

}  // namespace
}  // namespace tandem
