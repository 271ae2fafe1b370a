#include "actors/metrics/weight_view.hpp"

#include "schema/text.hpp"

namespace tandem {

std::map<std::string, std::set<std::string>> served_versions(schema::Topology::Reader topology) {
  std::map<std::string, std::set<std::string>> served;
  for (auto node : topology.getNodes()) {
    for (auto engine : node.getEngines()) {
      auto& versions = served[std::string{view(engine.getModel())}];
      auto health = engine.getHealth();
      auto serves = health == schema::Health::HEALTHY || health == schema::Health::BUSY;
      if (serves && engine.getWeightVersion().size() != 0)
        versions.emplace(view(engine.getWeightVersion()));
    }
  }
  return served;
}

std::map<std::string, roll_view> last_rolls(schema::WeightReport::Reader weights) {
  std::map<std::string, roll_view> last;
  for (auto roll : weights.getRolls()) {
    auto& of = last[std::string{view(roll.getModel())}];
    if (of.began_at_ms != 0 && of.began_at_ms >= roll.getBeganAtMs()) continue;
    auto phase = roll.getPhase();
    of = {.version = std::string{view(roll.getVersion())},
          .active = phase != schema::RollPhase::DONE && phase != schema::RollPhase::ROLLED_BACK &&
                    phase != schema::RollPhase::GATED,
          .failed = phase == schema::RollPhase::ROLLED_BACK || phase == schema::RollPhase::GATED,
          .gated = phase == schema::RollPhase::GATED,
          .reason = std::string{view(roll.getReason())},
          .began_at_ms = roll.getBeganAtMs()};
  }
  return last;
}

}  // namespace tandem
