#include "nodes/simulate/variants.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "config/words.hpp"
#include "schema/errc.hpp"

namespace tandem::simulation {
namespace {

constexpr double speed_max = 16;

/// Null: the tier has no model.
const model_config* model_of_tier(const node_config& config, std::string_view tier) {
  for (const auto& model : config.models) {
    auto serves = [&](const engine_config& engine) { return engine.model == model.name; };
    if (model.tier == tier && !model.embeds &&
        std::any_of(config.engines.begin(), config.engines.end(), serves))
      return &model;
  }
  return nullptr;
}

caf::error no_model(std::string_view variant, std::string_view tier) {
  return make_error(errc::invalid_argument, "variant '" + std::string{variant} +
                                                "' needs a model of tier '" + std::string{tier} +
                                                "', and no engine serves one");
}

/// One model plans, one does everything else.
caf::error fix_models(std::string_view name, run_options& to, std::string_view plan_tier,
                      std::string_view step_tier) {
  auto& routing = to.config.routing;
  const auto* plans = model_of_tier(to.config, plan_tier);
  const auto* acts = model_of_tier(to.config, step_tier);
  if (plans == nullptr) return no_model(name, plan_tier);
  if (acts == nullptr) return no_model(name, step_tier);
  routing.policy = "fixed";
  routing.plan_model = plans->name;
  routing.step_model = acts->name;
  return caf::none;
}

using change = caf::error (*)(run_options&);

struct entry {
  std::string_view name;
  std::string_view what;
  change apply;
};

caf::error all_large(run_options& to) {
  auto tier = to.config.routing.large_tier;
  return fix_models("all_large", to, tier, tier);
}

caf::error all_small(run_options& to) {
  auto tier = to.config.routing.small_tier;
  return fix_models("all_small", to, tier, tier);
}

caf::error static_split(run_options& to) {
  auto large = to.config.routing.large_tier;
  auto small = to.config.routing.small_tier;
  return fix_models("static_split", to, large, small);
}

caf::error learned(run_options& to) {
  to.config.routing.policy = "linear_thompson";
  return caf::none;
}

caf::error no_caches(run_options& to) {
  to.config.executor.cache.tiers.clear();
  return caf::none;
}

caf::error no_hedging(run_options& to) {
  to.config.executor.hedging.share = 0;
  return caf::none;
}

caf::error no_warm_up(run_options& to) {
  to.config.executor.cache.warm_up_tokens = 0;
  return caf::none;
}

caf::error no_adaptive_limits(run_options& to) {
  for (auto& engine : to.config.engines) engine.adaptive = false;
  return caf::none;
}

template <std::size_t N>
struct policy_name {
  char text[N];
  constexpr policy_name(const char (&from)[N]) { std::copy_n(from, N, text); }
};

template <policy_name Name>
caf::error choose_engines(run_options& to) {
  to.config.routing.engines.policy = Name.text;
  return caf::none;
}

constexpr std::array<entry, 13> entries{{
    {"configured", "as it is", [](run_options&) { return caf::error{}; }},
    {"all_large", "every call at the large tier", all_large},
    {"all_small", "every call at the small tier, but for what fails a check there", all_small},
    {"static_split", "the large tier plans, the small one does the rest", static_split},
    {"learned", "routing learns what the small tier can do", learned},
    {"no_caches", "no answer is kept", no_caches},
    {"no_hedging", "no second copies of slow calls", no_hedging},
    {"no_warm_up", "cold engines stay cold", no_warm_up},
    {"no_adaptive_limits", "concurrency as configured", no_adaptive_limits},
    {"least_loaded", "engines by calls in flight", choose_engines<"least_loaded">},
    {"cache_aware", "engines by sglang's rule", choose_engines<"cache_aware">},
    {"estimated_ttft", "engines by estimated first token", choose_engines<"estimated_ttft">},
    {"round_robin", "engines in turn", choose_engines<"round_robin">},
}};

}  // namespace

std::vector<std::string_view> variant_names() {
  std::vector<std::string_view> names;
  for (const auto& each : entries) names.push_back(each.name);
  return names;
}

caf::expected<variant> make_variant(std::string_view name, const run_options& from) {
  for (const auto& each : entries) {
    if (each.name != name) continue;
    variant out{.name = std::string{each.name}, .what = std::string{each.what}, .options = from};
    if (auto err = each.apply(out.options)) return err;
    return out;
  }
  auto names = variant_names();
  auto near = nearest_word(name, names);
  return make_error(errc::invalid_argument,
                    "there is no variant " + quote_word(name) +
                        (near.empty() ? "; there are " + list_words(names)
                                      : "; did you mean '" + std::string{near} + "'?"));
}

caf::expected<throughput> find_throughput(const run_options& options, const work_at_speed& work,
                                          double share, int runs) {
  throughput best;
  auto low = -std::log2(speed_max), high = std::log2(speed_max);
  for (int i = 0; i < runs; ++i) {
    auto middle = (low + high) / 2;
    auto source = work(std::exp2(middle));
    if (!source) return source.error();
    auto result = run(options, **source);
    if (!result) return result.error();
    auto items = static_cast<double>(result->calls + result->jobs);
    auto in_time = static_cast<double>(result->in_time);
    if (items > 0 && in_time >= share * items) {
      low = middle;
      best = {std::exp2(middle), result->load_s > 0 ? in_time / result->load_s : 0};
    } else {
      high = middle;
    }
  }
  return best;
}

}  // namespace tandem::simulation
