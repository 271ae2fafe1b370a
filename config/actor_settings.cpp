#include "config/actor_settings.hpp"

#include <algorithm>
#include <cmath>

#include "actors/engine/prompt_profile.hpp"
#include "actors/executor_pool/verifier.hpp"
#include "actors/job/plan/plan_schema.hpp"

namespace tandem {

job_settings make_job_settings(const node_config& config) {
  job_settings settings{.limits = config.jobs,
                        .large_tier = config.routing.large_tier,
                        .small_tier = config.routing.small_tier,
                        .plan_schema = plan::plan_json_schema(plan_limits(config.jobs)),
                        .check_problem = check_problem};
  settings.plan_tier = settings.large_tier;
  std::uint32_t small = 0;
  for (const auto& model : config.models) {
    auto nanousd_per_token = [](double usd_per_million) {
      return static_cast<std::int64_t>(std::ceil(usd_per_million * 1000));
    };
    small += model.tier == settings.small_tier ? 1 : 0;
    if (config.routing.policy == "fixed" && model.name == config.routing.plan_model)
      settings.plan_tier = model.tier;
    settings.input_price_nanousd_max =
        std::max(settings.input_price_nanousd_max, nanousd_per_token(model.input_price));
    settings.output_price_nanousd_max =
        std::max(settings.output_price_nanousd_max, nanousd_per_token(model.output_price));
    auto growth = growth_of(model);
    settings.profile_bytes_max = std::max(settings.profile_bytes_max, growth.bytes);
    settings.profile_times_max = std::max(settings.profile_times_max, growth.times);
  }
  settings.other_small_models = small > 1 ? small - 1 : 0;
  for (const auto& tenant : config.executor.tenants) settings.budget_tenants.push_back(tenant.name);
  for (const auto& check : config.executor.checks) settings.check_commands.push_back(check.name);
  return settings;
}

router_config make_router_config(const node_config& config) {
  auto routing = config.routing;
  auto nanousd = [](double usd) { return static_cast<std::int64_t>(std::llround(usd * 1e9)); };
  for (const auto& tenant : config.executor.tenants)
    routing.targets.push_back(
        {tenant.name, nanousd(tenant.target_usd_per_job), nanousd(tenant.target_usd_per_hour)});
  routing.embedding_model = config.embeddings.model;
  return routing;
}

}  // namespace tandem
