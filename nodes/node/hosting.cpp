#include "nodes/node/hosting.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include <caf/scoped_actor.hpp>

#include "actors/engine/prompt_profile.hpp"
#include "actors/executor_pool/verifier.hpp"
#include "actors/job/plan/plan_schema.hpp"
#include "nodes/node/engine_admin.hpp"
#include "schema/errc.hpp"
#include "storage/replica.hpp"

namespace tandem {
namespace {

/// Of one actor of a journal that is taken over, until it reports.
constexpr std::chrono::seconds start_wait{60};

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

}  // namespace

caf::expected<planner_start> read_start(const storage::journal& store, const node_config& config) {
  auto open = store.open_jobs();
  if (!open) return std::move(open.error());
  auto next = store.next_job_number();
  if (!next) return std::move(next.error());
  return planner_start{.journal = store.id(),
                       .settings = make_job_settings(config),
                       .next_number = *next,
                       .open = std::move(*open)};
}

caf::error host_journal(const node_parts& parts, caf::actor_system& system,
                        const led_journal& taken) {
  auto options = parts.storage;
  options.folder = taken.folder;
  auto copy = storage::replica::open(options, taken.journal);
  if (!copy) return std::move(copy.error());
  auto opened = storage::replica::promote(std::move(*copy));
  if (!opened) return std::move(opened.error());
  std::shared_ptr<storage::journal> store{std::move(*opened)};
  auto start = read_start(*store, parts.config);
  if (!start) return std::move(start.error());
  auto children = journal_children(parts, store, *start, "-" + to_string(taken.journal), taken);
  store.reset();
  caf::scoped_actor self{system};
  auto supervisor = caf::actor_cast<child_host>(parts.actors->supervisor);
  for (std::size_t i = 0; i < children.size(); ++i) {
    caf::error failed;
    self->request(supervisor, start_wait, add_atom_v, children[i])
        .receive([](caf::ok_atom) {}, [&failed](const caf::error& err) { failed = err; });
    if (!failed) continue;
    // None of them goes on without the others.
    for (; i > 0; --i)
      self->request(supervisor, start_wait, remove_atom_v, children[i - 1].name)
          .receive([](caf::ok_atom) {}, [](const caf::error&) {});
    return failed;
  }
  return caf::none;
}

}  // namespace tandem
