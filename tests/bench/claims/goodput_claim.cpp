// Conversations that were recorded, on engines with prefix caches: which engine takes a call.

#include "nodes/simulate/report.hpp"
#include "nodes/simulate/trace_source.hpp"
#include "nodes/simulate/variants.hpp"
#include "schema/errc.hpp"
#include "tests/bench/bench_report.hpp"
#include "tests/bench/claims/claim.hpp"

namespace tandem::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t engines = 8;
constexpr std::uint32_t cached_tokens = 3'000'000;
constexpr std::uint32_t block_tokens = 64;
constexpr double prefill_tokens_per_s = 8'000;
constexpr double first_token_slo_s = 5;
constexpr double slo_share = 0.95;

simulation::run_options eight_engines() {
  simulation::run_options out;
  out.first_token_slo_s = first_token_slo_s;
  auto& config = out.config;
  config.name = "claims";
  config.models = {{.name = "model", .tier = "large", .input_price = 1, .output_price = 1}};
  config.routing.policy = "cheapest";
  config.executor.in_flight_max = 1'000'000;
  config.executor.hedging.share = 0;
  for (std::uint32_t i = 0; i < engines; ++i) {
    engine_config engine{.name = "engine-" + std::to_string(i), .kind = "sim", .model = "model"};
    engine.concurrency = 1024;
    engine.queue_max = 1'000'000;
    engine.sim.prefill_rate = prefill_tokens_per_s;
    engine.sim.per_token = 20ms;
    engine.sim.cache_block_tokens = block_tokens;
    engine.sim.cache_blocks = cached_tokens / block_tokens;
    engine.sim.context_tokens = 1'000'000;
    config.engines.push_back(std::move(engine));
  }
  return out;
}

struct outcome {
  double per_s = 0;
  double hits = 0;
};

}  // namespace

void measure_goodput(const claim_options& options, claim_results& out) {
  auto file = options.data / "mooncake" / "conversation_trace.jsonl";
  auto full = !options.data.empty() && std::filesystem::exists(file);
  if (!full) file = TANDEM_SOURCE_DIR "/tests/data/mooncake/conversation_sample.jsonl";
  std::uint64_t requests = options.quick ? 2'000 : 12'031;
  auto work = [&](double speed) {
    return simulation::open_trace(file, {.speed = speed, .requests = requests});
  };
  auto measure = [&](std::string_view policy, bool looks_for_most) -> outcome {
    auto made = simulation::make_variant(policy, eight_engines());
    if (!made) give_up(message_of(made.error()));
    outcome now;
    auto trace = work(1);
    if (!trace) give_up(message_of(trace.error()));
    auto result = simulation::run(made->options, **trace);
    if (!result) give_up(message_of(result.error()));
    now.hits = simulation::prefix_hit_share(*result);
    if (!looks_for_most) return now;
    auto most = simulation::find_throughput(made->options, work, slo_share, options.quick ? 6 : 8);
    if (!most) give_up(message_of(most.error()));
    now.per_s = most->per_s;
    return now;
  };
  auto ours = measure("estimated_ttft", true);
  auto sglangs = measure("cache_aware", true);
  auto least = measure("least_loaded", false);
  const std::string trace =
      std::to_string(requests) + (full ? "" : " at most, of the sample in the tree,") +
      " recorded conversations (Mooncake), 8 engines of 3M cached tokens, 8,000 prefill tokens/s";
  auto text = [](double value) { return std::to_string(value).substr(0, 5); };
  if (sglangs.per_s <= 0) {
    out.notes.push_back(
        "Goodput over cache_aware was not measured: it keeps first tokens within "
        "5 s at no load of " +
        trace + ", estimated first token at " + text(ours.per_s) + "/s" +
        (full ? "." : "; name the full data by --data."));
  } else {
    out.claims.push_back(
        {.said = "GPU use 20 to 40% better",
         .condition = "goodput of the same GPUs (first token of 95% within 5 s) by estimated first "
                      "token, over sglang's cache_aware: " +
                      trace,
         .figure = "goodput_over_cache_aware",
         .measured = ours.per_s / sglangs.per_s,
         .low = ours.per_s / sglangs.per_s,
         .high = ours.per_s / sglangs.per_s,
         .goal = goal("claims", "goodput_min"),
         .percent = false,
         .remark = text(ours.per_s) + "/s against " + text(sglangs.per_s) + "/s"});
  }
  out.claims.push_back(
      {.said = "hit rate 30 to 50% higher by cache-first routing",
       .condition = "prompt tokens found in prefix caches, over least_loaded: " + trace,
       .figure = "hits_over_least_loaded",
       .measured = ours.hits / least.hits - 1,
       .low = ours.hits / least.hits - 1,
       .high = ours.hits / least.hits - 1,
       .goal = goal("claims", "hits_more_min"),
       .remark = text(ours.hits) + " against " + text(least.hits) + " (cache_aware " +
                 text(sglangs.hits) + ")"});
}

}  // namespace tandem::bench
