#include "nodes/simulate/tuning_knobs.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "actors/router/routing_policy.hpp"
#include "config/sections.hpp"
#include "schema/errc.hpp"

namespace tandem::simulation {
namespace {

constexpr std::string_view engine_prefix = "engine:";
constexpr std::string_view concurrency_suffix = ".concurrency";

bool always(const node_config&) {
  return true;
}

bool learns(const node_config& config) {
  auto policy = make_routing_policy(config.routing.policy, config.routing);
  return policy && (*policy)->learns();
}

bool explores(const node_config& config) {
  return config.routing.policy.starts_with("auto");
}

bool has_choice_of_engines(const node_config& config) {
  std::set<std::string_view> seen;
  for (const auto& engine : config.engines)
    if (!seen.insert(engine.model).second) return true;
  return false;
}

auto engines_by(std::string name) {
  return [name = std::move(name)](const node_config& config) {
    return config.routing.engines.policy == name && has_choice_of_engines(config);
  };
}

bool hedges(const node_config& config) {
  return config.executor.hedging.share > 0;
}

raw_value raw_of(std::string_view toml) {
  if (toml.size() >= 2 && toml.front() == '"')
    return {.value = std::string{toml.substr(1, toml.size() - 2)}, .folder = {}};
  const auto* end = toml.data() + toml.size();
  if (toml.find('.') != toml.npos) {
    double number = 0;
    if (std::from_chars(toml.data(), end, number).ptr == end)
      return {.value = number, .folder = {}};
  }
  std::int64_t number = 0;
  if (std::from_chars(toml.data(), end, number).ptr == end) return {.value = number, .folder = {}};
  return {};
}

/// The model of `engine:MODEL.concurrency`; nothing: another key.
std::optional<std::string_view> model_in(std::string_view key) {
  if (!key.starts_with(engine_prefix) || !key.ends_with(concurrency_suffix)) return std::nullopt;
  key.remove_prefix(engine_prefix.size());
  key.remove_suffix(concurrency_suffix.size());
  return key;
}

/// Calls `use` with each field of that key.
template <class Use>
bool with_fields(node_config& config, std::string_view key, Use use) {
  auto found = false;
  auto in = [&](const config_fields& fields, std::string_view name) {
    for (const auto& field : fields)
      if (field.key == name) {
        found = true;
        use(field);
      }
  };
  if (auto model = model_in(key)) {
    for (auto& engine : config.engines)
      if (engine.model == *model) in(bind_engine(engine).front().fields, "concurrency");
    return found;
  }
  auto dot = key.rfind('.');
  if (dot == key.npos) return false;
  for (const auto& section : bind_sections(config))
    if (section.name == key.substr(0, dot)) in(section.fields, key.substr(dot + 1));
  return found;
}

void add_engines(const node_config& config, std::vector<knob>& out) {
  std::set<std::string_view> seen;
  for (const auto& engine : config.engines) {
    if (!seen.insert(engine.model).second) continue;
    knob made{.key = std::string{engine_prefix} + engine.model + std::string{concurrency_suffix},
              .values = {},
              .matters = always};
    for (auto [times, over] : {std::pair{1u, 2u}, {2u, 1u}, {4u, 1u}})
      if (auto value = engine.concurrency * times / over; value != 0)
        made.values.push_back(std::to_string(value));
    out.push_back(std::move(made));
  }
}

}  // namespace

std::vector<knob> knobs_of(const node_config& config) {
  std::vector<knob> out{
      {"routing.policy",
       {"\"auto\"", "\"cheapest\"", "\"cascade\"", "\"large_only\""},
       true,
       always},
      {"routing.cost_weight", {"0.05", "0.1", "0.2", "0.4", "0.8"}, true, learns},
      {"routing.exploration", {"0.0", "0.01", "0.02", "0.05", "0.1"}, true, explores},
      {"routing.engine_policy",
       {"\"estimated_ttft\"", "\"cache_aware\"", "\"cache_or_performance\"", "\"least_loaded\""},
       false,
       has_choice_of_engines},
      {"routing.cache_threshold", {"0.25", "0.5", "0.75"}, false, engines_by("cache_aware")},
      {"routing.balance_abs_threshold", {"8", "32", "128"}, false, engines_by("cache_aware")},
      {"routing.balance_rel_threshold", {"1.1", "1.5", "3.0"}, false, engines_by("cache_aware")},
      {"routing.complexity_threshold",
       {"0.25", "0.5", "0.75"},
       false,
       engines_by("cache_or_performance")},
      {"hedging.share", {"0.0", "0.02", "0.05", "0.1"}, false, always},
      {"hedging.quantile", {"0.9", "0.95", "0.99"}, false, hedges},
      {"jobs.small_attempts_max", {"1", "2", "3"}, false, always},
      {"jobs.steps_in_flight_max", {"8", "32", "128"}, false, always}};
  for (const auto& tier : config.executor.cache.tiers) {
    out.push_back({"cache." + tier.tier + ".ttl",
                   {"\"5min\"", "\"30min\"", "\"4h\"", "\"1d\""},
                   false,
                   always});
    out.push_back({"cache." + tier.tier + ".mem_fraction", {"0.25", "0.5", "0.8"}, false, always});
  }
  add_engines(config, out);
  return out;
}

std::vector<std::string_view> not_tuned() {
  return {
      "jobs.steps_max: the plans are those of the log or of the load; a simulated planner cannot "
      "be asked for shorter ones",
      "prompts and models: what another one would answer is not in the log"};
}

std::string value_in(const node_config& config, std::string_view key) {
  auto copy = config;
  std::string out;
  with_fields(copy, key, [&out](const config_field& field) {
    if (out.empty()) out = field.print();
  });
  return out;
}

caf::error set_value(node_config& config, std::string_view key, std::string_view value) {
  caf::error problem;
  auto raw = raw_of(value);
  auto found = with_fields(config, key, [&](const config_field& field) {
    if (!field.read(raw) || !field.check())
      problem = make_error(errc::invalid_argument, std::string{key} + " must be " + field.form);
  });
  if (!found)
    return make_error(errc::invalid_argument, "there is no setting '" + std::string{key} + "'");
  return problem;
}

}  // namespace tandem::simulation
