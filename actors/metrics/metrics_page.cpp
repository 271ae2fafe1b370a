#include "actors/metrics/metrics_page.hpp"

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include <prometheus/text_serializer.h>

#include "actors/metrics/metric_words.hpp"
#include "actors/metrics/page_families.hpp"
#include "actors/metrics/weight_view.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr double nothing = 0;

void add_alarms(page_families& page, schema::NodeStatus::Reader node) {
  std::map<std::pair<std::string, schema::AlarmSeverity>, std::size_t> counts;
  for (auto alarm : node.getAlarms())
    ++counts[{std::string{view(alarm.getName())}, alarm.getSeverity()}];
  for (const auto& [key, count] : counts) {
    auto critical = key.second == schema::AlarmSeverity::CRITICAL;
    page.add(metric::node_alarms,
             {{"alarm", key.first}, {"severity", critical ? "critical" : "warning"}}, count);
  }
}

/// Of one kind together: their names may have ids in them, and there may be hundreds.
void add_actors(page_families& page, schema::NodeStatus::Reader node) {
  struct sums {
    std::uint64_t count = 0, unresponsive = 0, restarts = 0, mailbox = 0, in_flight = 0, queued = 0,
                  handled = 0;
  };
  std::map<std::string_view, sums> kinds;
  for (auto actor : node.getActors()) {
    auto& of = kinds[view(actor.getKind())];
    ++of.count;
    of.unresponsive +=
        view(actor.getState()) == "silent" || view(actor.getState()) == "restarting" ? 1 : 0;
    of.restarts += actor.getRestarts();
    of.mailbox = std::max<std::uint64_t>(of.mailbox, actor.getMailboxDepth());
    of.in_flight += actor.getInFlight();
    of.queued += actor.getQueued();
    of.handled += actor.getHandled();
  }
  for (const auto& [kind, of] : kinds) {
    page.add(metric::actor_instances, {{"actor", kind}}, of.count);
    page.add(metric::actor_unresponsive, {{"actor", kind}}, of.unresponsive);
    page.add(metric::actor_restarts, {{"actor", kind}}, of.restarts);
    page.add(metric::actor_mailbox, {{"actor", kind}}, of.mailbox);
    page.add(metric::actor_in_flight, {{"actor", kind}}, of.in_flight);
    page.add(metric::actor_queued, {{"actor", kind}}, of.queued);
    page.add(metric::actor_handled, {{"actor", kind}}, of.handled);
  }
}

template <class Enum>
void add_states(page_families& page, metric id, std::string_view engine, Enum now, int states) {
  for (int i = 0; i < states; ++i)
    page.add(id, {{"engine", engine}, {"state", words::of(static_cast<Enum>(i))}},
             static_cast<int>(now) == i ? 1 : 0);
}

void add_load(page_families& page, schema::EngineStatus::Reader engine) {
  auto name = view(engine.getName());
  auto model = view(engine.getModel());
  auto put = [&](metric id, auto value) {
    page.add(id, {{"engine", name}, {"model", model}}, value);
  };
  put(metric::engine_in_flight, engine.getInFlight());
  put(metric::engine_concurrency, engine.getConcurrency());
  if (engine.getLimit() != 0) put(metric::engine_limit, engine.getLimit());
  put(metric::engine_queued, engine.getQueued());
  put(metric::engine_requests, engine.getRequests());
  put(metric::engine_failures, engine.getFailures());
  put(metric::engine_refusals, engine.getRefusals());
  put(metric::engine_prompt_tokens, engine.getPromptTokens());
  put(metric::engine_cached_prompt_tokens, engine.getCachedPromptTokens());
  put(metric::engine_completion_tokens, engine.getCompletionTokens());
  put(metric::engine_busy, static_cast<double>(engine.getBusyUs()) * 1e-6);
  put(metric::engine_backlog, engine.getBacklogTokens());
  if (engine.getProcessId() != 0 || engine.getProcessRestarts() != 0)
    put(metric::engine_process_restarts, engine.getProcessRestarts());
  if (engine.getLoadAtMs() == 0) return;
  put(metric::engine_server_running, engine.getServerRunning());
  put(metric::engine_server_waiting, engine.getServerWaiting());
  if (engine.getCacheUsageShare() >= nothing)
    put(metric::engine_cache_usage, engine.getCacheUsageShare());
}

void add_engine(page_families& page, schema::EngineStatus::Reader engine) {
  auto name = view(engine.getName());
  page.add(metric::engine_info,
           {{"engine", name},
            {"model", view(engine.getModel())},
            {"tier", view(engine.getTier())},
            {"kind", view(engine.getKind())}},
           1);
  page.add(metric::engine_weight_info,
           {{"engine", name},
            {"model", view(engine.getModel())},
            {"version", view(engine.getWeightVersion())}},
           1);
  add_states(page, metric::engine_health, name, engine.getHealth(), words::health_states);
  if (engine.getBreaker() != schema::Breaker::UNKNOWN)
    add_states(page, metric::engine_breaker, name, engine.getBreaker(), words::breaker_states);
  add_load(page, engine);
}

void add_node(page_families& page, schema::NodeStatus::Reader node) {
  page.add(metric::node_info, {{"version", view(node.getVersion())}}, 1);
  page.add(metric::node_start_time, {}, static_cast<double>(node.getStartedAtMs()) * 1e-3);
  page.add(metric::node_resident, {}, node.getResidentBytes());
  page.add(metric::planner_jobs_running, {}, node.getJobsRunning());
  page.add(metric::planner_jobs_queued, {}, node.getJobsQueued());
  add_alarms(page, node);
  add_actors(page, node);
  for (auto engine : node.getEngines()) add_engine(page, engine);
}

void add_cluster(page_families& page, schema::Topology::Reader topology) {
  std::array<std::size_t, words::member_states> states{};
  for (auto node : topology.getNodes()) {
    auto state = static_cast<std::size_t>(node.getMember().getState());
    ++states[state < states.size() ? state : 0];
  }
  for (std::size_t i = 1; i < states.size(); ++i)
    page.add(metric::cluster_nodes, {{"state", words::of(static_cast<schema::MemberState>(i))}},
             states[i]);
  page.add(metric::cluster_journals_waiting, {}, topology.getWaiting().size());
  for (const auto& [model, versions] : served_versions(topology))
    page.add(metric::weights_versions, {{"model", model}}, versions.size());
}

void add_weights(page_families& page, schema::WeightReport::Reader weights) {
  for (const auto& [model, roll] : last_rolls(weights)) {
    page.add(metric::weights_update_active, {{"model", model}}, roll.active ? 1 : 0);
    page.add(metric::weights_update_failed, {{"model", model}}, roll.failed ? 1 : 0);
  }
}

/// Shards of one level together.
struct level_sums {
  std::array<std::uint64_t, 9> values{};
  std::array<std::uint64_t, 4> near{};
  bool has_near = false;
};

constexpr std::array level_metrics{
    metric::cache_entries, metric::cache_bytes,   metric::cache_bytes_max,
    metric::cache_hits,    metric::cache_misses,  metric::cache_expired,
    metric::cache_evicted, metric::cache_damaged, metric::cache_waits};

void add_cache(page_families& page, schema::CacheReport::Reader cache) {
  std::map<std::pair<std::string_view, unsigned>, level_sums> levels;
  for (auto level : cache.getLevels()) {
    auto& of = levels[{view(level.getTier()), level.getLevel()}];
    const std::array<std::uint64_t, 9> values{
        level.getEntries(), level.getBytes(),   level.getBytesMax(),
        level.getHits(),    level.getMisses(),  level.getExpired(),
        level.getEvicted(), level.getDamaged(), level.getWaits()};
    for (std::size_t i = 0; i < values.size(); ++i) of.values[i] += values[i];
    if (!level.hasNear()) continue;
    auto near = level.getNear();
    of.has_near = true;
    const std::array<std::uint64_t, 4> counts{near.getServed(), near.getServedRight(),
                                              near.getServedWrong(), near.getTenantsOff()};
    for (std::size_t i = 0; i < counts.size(); ++i) of.near[i] += counts[i];
  }
  std::map<std::string_view, std::array<std::uint64_t, 4>> near;
  for (const auto& [key, of] : levels) {
    auto number = std::to_string(key.second);
    for (std::size_t i = 0; i < of.values.size(); ++i)
      page.add(level_metrics[i], {{"tier", key.first}, {"level", number}}, of.values[i]);
    if (!of.has_near) continue;
    for (std::size_t i = 0; i < of.near.size(); ++i) near[key.first][i] += of.near[i];
  }
  for (const auto& [tier, counts] : near) {
    page.add(metric::cache_near_served, {{"tier", tier}}, counts[0]);
    page.add(metric::cache_near_right, {{"tier", tier}}, counts[1]);
    page.add(metric::cache_near_wrong, {{"tier", tier}}, counts[2]);
    page.add(metric::cache_near_tenants_off, {{"tier", tier}}, counts[3]);
  }
}

void add_routing(page_families& page, schema::RouteReport::Reader routing) {
  // Arms of one model at several weight versions count together; the quality is that of the arm
  // with the most evidence.
  struct arm {
    std::uint64_t decisions = 0;
    std::uint64_t rewards = 0;
    double weight = -1, quality = 0, deviation = 0;
  };
  std::map<std::pair<std::string_view, std::string_view>, arm> arms;
  for (auto each : routing.getArms()) {
    auto& of = arms[{words::of(each.getPurpose()), view(each.getModel())}];
    of.decisions += each.getDecisions();
    of.rewards += each.getRewards();
    if (each.getWeight() <= of.weight) continue;
    of.weight = each.getWeight();
    of.quality = each.getQuality();
    of.deviation = each.getDeviation();
  }
  for (const auto& [key, of] : arms) {
    auto put = [&](metric id, auto value) {
      page.add(id, {{"purpose", key.first}, {"model", key.second}}, value);
    };
    put(metric::router_decisions, of.decisions);
    put(metric::router_rewards, of.rewards);
    put(metric::router_quality, of.quality);
    put(metric::router_quality_deviation, of.deviation);
  }
  if (!routing.hasRewards()) return;
  auto rewards = routing.getRewards();
  const std::pair<std::string_view, std::uint64_t> states[] = {
      {"learned", rewards.getLearned()}, {"corrected", rewards.getCorrected()},
      {"again", rewards.getAgain()},     {"unknown", rewards.getUnknown()},
      {"late", rewards.getLate()},       {"refused", rewards.getRefused()},
      {"missing", rewards.getMissing()}};
  for (const auto& [state, count] : states)
    page.add(metric::router_feedback, {{"state", state}}, count);
}

void add_stores(page_families& page, const std::vector<metrics_store>& stores) {
  std::map<std::string_view, metrics_store> sums;
  for (const auto& each : stores) {
    auto& of = sums[each.store];
    of.keys += each.keys;
    of.live_bytes += each.live_bytes;
    of.memory_bytes += each.memory_bytes;
    of.pending_compaction_bytes += each.pending_compaction_bytes;
    of.background_errors += each.background_errors;
    of.stalled = of.stalled || each.stalled;
  }
  for (const auto& [store, of] : sums) {
    page.add(metric::storage_keys, {{"store", store}}, of.keys);
    page.add(metric::storage_live, {{"store", store}}, of.live_bytes);
    page.add(metric::storage_memory, {{"store", store}}, of.memory_bytes);
    page.add(metric::storage_pending_compaction, {{"store", store}}, of.pending_compaction_bytes);
    page.add(metric::storage_stalled, {{"store", store}}, of.stalled ? 1 : 0);
    page.add(metric::storage_background_errors, {{"store", store}}, of.background_errors);
  }
}

}  // namespace

std::string metrics_page(const metrics_view& view) {
  page_families page;
  if (!view.topology.empty()) {
    auto topology = view.topology.read();
    if (topology->getNodes().size() != 0 && view.node.empty())
      add_node(page, topology->getNodes()[0]);
    add_cluster(page, *topology);
  }
  if (!view.node.empty()) add_node(page, *view.node.read());
  if (!view.weights.empty()) add_weights(page, *view.weights.read());
  if (!view.cache.empty()) add_cache(page, *view.cache.read());
  if (!view.routing.empty()) add_routing(page, *view.routing.read());
  add_stores(page, view.stores);
  if (view.disk.size_bytes != 0) {
    page.add(metric::node_disk_free, {}, view.disk.free_bytes);
    page.add(metric::node_disk_size, {}, view.disk.size_bytes);
  }
  if (view.certificate_ends_at_ms != 0)
    page.add(metric::node_certificate_end, {},
             static_cast<double>(view.certificate_ends_at_ms) * 1e-3);
  std::vector<prometheus::MetricFamily> counted;
  if (view.counted != nullptr) counted = view.counted->collect();
  std::erase_if(counted, [](const auto& family) { return family.metric.empty(); });
  return prometheus::TextSerializer{}.Serialize(page.take(std::move(counted)));
}

}  // namespace tandem
