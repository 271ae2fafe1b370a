#include "actors/alarm/engine_flaps.hpp"

#include "schema/text.hpp"

namespace tandem {

void engine_flaps::look(record& of, schema::EngineStatus::Reader engine, std::uint64_t now_ms) {
  of.seen = true;
  for (auto change : engine.getChanges()) {
    auto health = change.getHealth();
    if (health != schema::Health::HEALTHY && health != schema::Health::UNHEALTHY) continue;
    // Changes of one millisecond that are told in two looks count once.
    if (change.getAtMs() <= of.newest_ms) continue;
    of.newest_ms = change.getAtMs();
    auto is_healthy = health == schema::Health::HEALTHY;
    if (is_healthy == of.was_healthy) continue;
    of.was_healthy = is_healthy;
    of.times.push_back(change.getAtMs());
    if (of.times.size() > flaps_max) of.times.pop_front();
  }
  while (!of.times.empty() && of.times.front() + window_ms < now_ms) of.times.pop_front();
}

void engine_flaps::look(schema::NodeStatus::Reader node, std::uint64_t now_ms) {
  for (auto& [name, of] : engines_) of.seen = false;
  for (auto engine : node.getEngines())
    look(engines_[std::string{view(engine.getName())}], engine, now_ms);
  std::erase_if(engines_, [](const auto& each) { return !each.second.seen; });
}

std::size_t engine_flaps::count(std::string_view engine) const {
  auto found = engines_.find(engine);
  return found == engines_.end() ? 0 : found->second.times.size();
}

}  // namespace tandem
