#include "actors/router/learning/quality_learner.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "actors/router/learning/arm_record.hpp"
#include "actors/router/learning/standing_record.hpp"
#include "actors/router/learning/statistics_check.hpp"
#include "schema/errc.hpp"

namespace tandem {

struct quality_learner::state {
  using key = std::pair<schema::Purpose, std::string>;

  learner_config config;
  std::uint64_t origin = 0;
  std::vector<std::unique_ptr<arm_record>> arms;
  std::map<key, arm_id, std::less<>> ids;
  std::map<schema::Purpose, standing_record> standings;
  /// Other origins, with when they last said something.
  std::map<std::uint64_t, std::uint64_t> origins;
  /// Where take_changed goes on, so that none is left out for ever.
  arm_id next_changed = 0;

  [[nodiscard]] arm_record* find(arm_id arm) const {
    return arm < arms.size() ? arms[arm].get() : nullptr;
  }
  arm_record* find_or_add(schema::Purpose purpose, std::string_view model, std::string_view version,
                          std::uint64_t now_ms, arm_id& id);
  [[nodiscard]] bool admit_origin(std::uint64_t from, std::uint64_t as_of_ms);
  [[nodiscard]] arm_record* learnable(const made_decision& decision, double quality) const;
};

namespace {

bool is_finite(const feature_vector& x) {
  auto dense = x.dense_part();
  return std::all_of(dense.begin(), dense.end(), [](float v) { return std::isfinite(v); }) &&
         std::all_of(x.sparse.begin(), x.sparse.end(), [](const sparse_feature& s) {
           return std::isfinite(s.value) && s.index < sparse_dimensions;
         });
}

}  // namespace

arm_record* quality_learner::state::find_or_add(schema::Purpose purpose, std::string_view model,
                                                std::string_view version, std::uint64_t now_ms,
                                                arm_id& id) {
  auto known = ids.find(key{purpose, model});
  if (known != ids.end()) {
    id = known->second;
    return arms[id].get();
  }
  id = static_cast<arm_id>(arms.size());
  if (arms.size() >= config.arms_max) return nullptr;
  ids.emplace(key{purpose, model}, id);
  arms.push_back(std::make_unique<arm_record>(purpose, model, version, config, now_ms));
  return arms.back().get();
}

bool quality_learner::state::admit_origin(std::uint64_t from, std::uint64_t as_of_ms) {
  auto known = origins.find(from);
  if (known != origins.end()) {
    known->second = std::max(known->second, as_of_ms);
    return true;
  }
  if (origins.size() >= config.origins_max) {
    auto oldest = std::min_element(origins.begin(), origins.end(),
                                   [](auto& a, auto& b) { return a.second < b.second; });
    if (oldest == origins.end() || oldest->second >= as_of_ms) return false;
    for (auto& arm : arms) arm->drop_origin(oldest->first);
    origins.erase(oldest);
  }
  origins.emplace(from, as_of_ms);
  return true;
}

arm_record* quality_learner::state::learnable(const made_decision& decision, double quality) const {
  if (!(quality >= 0 && quality <= 1) || decision.chosen >= decision.arms.size()) return nullptr;
  // Decisions of before a restart may have other features.
  if (decision.features.dense_size != config.dense || !is_finite(decision.features)) return nullptr;
  return find(decision.arms[decision.chosen].arm);
}

quality_learner::quality_learner(const learner_config& config, std::uint64_t origin)
    : state_{std::make_unique<state>()} {
  state_->config = config;
  state_->config.dense = std::clamp<std::uint32_t>(config.dense, 1, dense_features_max);
  state_->origin = origin;
}

quality_learner::~quality_learner() = default;

arm_id quality_learner::arm(schema::Purpose purpose, std::string_view model,
                            std::string_view weight_version, std::uint64_t now_ms) {
  arm_id id = 0;
  auto* arm = state_->find_or_add(purpose, model, weight_version, now_ms, id);
  if (arm != nullptr && arm->set_version(weight_version, state_->config.new_weights_keep))
    state_->standings[purpose].forget(state_->config.new_weights_keep);
  return id;
}

std::size_t quality_learner::arms() const {
  return state_->arms.size();
}

prediction quality_learner::predict(arm_id arm, const feature_vector& features,
                                    std::uint64_t now_ms) const {
  auto* known = state_->find(arm);
  return known == nullptr ? prediction{} : known->predict(features, state_->config, now_ms);
}

void quality_learner::learn(const made_decision& decision, double quality, std::uint64_t now_ms) {
  auto* arm = state_->learnable(decision, quality);
  if (arm == nullptr) return;
  auto& record = state_->standings[decision.purpose];
  record.add(decision, quality);
  if (arm->learn(decision.id, decision.features, quality, state_->config, now_ms))
    record.forget(0.1);
}

void quality_learner::correct(const made_decision& decision, double before, double quality,
                              std::uint64_t now_ms) {
  auto* arm = state_->learnable(decision, quality);
  if (arm == nullptr || !(before >= 0 && before <= 1)) return;
  arm->correct(decision.id, decision.at_ms, decision.features, before, quality, state_->config,
               now_ms);
  state_->standings[decision.purpose].correct(decision, before, quality);
}

standing quality_learner::standing_of(schema::Purpose purpose, double cost_price,
                                      double latency_price, std::uint64_t) const {
  auto known = state_->standings.find(purpose);
  return known == state_->standings.end() ? standing{}
                                          : known->second.at(cost_price, latency_price);
}

std::vector<arm_id> quality_learner::take_changed(std::size_t max) {
  std::vector<arm_id> changed;
  auto count = static_cast<arm_id>(state_->arms.size());
  for (arm_id i = 0; i < count && changed.size() < max; ++i) {
    auto id = (state_->next_changed + i) % count;
    auto& arm = *state_->arms[id];
    if (!arm.changed) continue;
    arm.changed = false;
    // At least the time: one that lost its disk is newer than what it said before.
    arm.sequence = std::max(arm.sequence + 1, arm.own.as_of_ms);
    changed.push_back(id);
  }
  if (!changed.empty()) state_->next_changed = (changed.back() + 1) % count;
  return changed;
}

void quality_learner::write(arm_id id, schema::ArmStatistics::Builder out,
                            std::uint64_t now_ms) const {
  const auto* arm = state_->find(id);
  if (arm == nullptr) return;
  out.setOrigin(state_->origin);
  out.setSequence(arm->sequence);
  out.setPurpose(arm->purpose);
  out.setModel({arm->model.data(), arm->model.size()});
  out.setWeightVersion({arm->version.data(), arm->version.size()});
  out.setFeatureVersion(state_->config.features);
  out.setDense(state_->config.dense);
  const auto& sums = arm->own;
  out.setAsOfMs(std::min(sums.as_of_ms, now_ms));
  out.setWeight(sums.weight);
  out.setQualitySum(sums.quality);
  out.setSquareSum(sums.square);
  out.setGram({sums.gram.data(), sums.gram.size()});
  out.setMoments({sums.moments.data(), sums.moments.size()});
  out.setLinearGain(sums.linear_gain);
  out.setLinearPower(sums.linear_power);
  out.setSparseGain(sums.sparse_gain);
  out.setSparsePower(sums.sparse_power);
  out.setRewards(sums.rewards);
  if (!arm->head || arm->head->empty()) return;
  auto learned = arm->head->learned();
  out.setSparse({learned.data(), learned.size()});
}

caf::error quality_learner::take(schema::ArmStatistics::Reader statistics, std::uint64_t now_ms) {
  auto told = read_statistics(statistics, state_->config);
  if (!told) return told.error();
  std::string_view model{statistics.getModel().begin(), statistics.getModel().size()};
  bool own = told->origin == state_->origin;
  if (!own && !state_->admit_origin(told->origin, told->sums.as_of_ms))
    return make_error(errc::overloaded, "statistics of more than " +
                                            std::to_string(state_->config.origins_max) +
                                            " origins; this one is older than all of them");
  arm_id id = 0;
  auto* arm = state_->find_or_add(statistics.getPurpose(), model, told->weight_version, now_ms, id);
  if (arm == nullptr)
    return make_error(errc::overloaded, "statistics of more than " +
                                            std::to_string(state_->config.arms_max) + " arms");
  auto newest = arm->sequence;
  for (const auto& other : arm->others)
    if (other.origin == told->origin) newest = other.sequence;
  auto known = own ? arm->own.rewards != 0
                   : std::any_of(arm->others.begin(), arm->others.end(),
                                 [&](const told_sums& t) { return t.origin == told->origin; });
  if (known && told->sequence <= newest) return {};
  arm->take(std::move(*told), own, state_->config);
  return {};
}

void quality_learner::report(arm_id id, schema::ArmReport::Builder out,
                             std::uint64_t now_ms) const {
  auto* arm = state_->find(id);
  if (arm == nullptr) return;
  const auto& total = arm->total(state_->config, now_ms);
  auto mean = arm->predict({}, state_->config, now_ms);
  out.setPurpose(arm->purpose);
  out.setModel({arm->model.data(), arm->model.size()});
  out.setWeightVersion({arm->version.data(), arm->version.size()});
  out.setRewards(total.rewards);
  out.setWeight(total.weight);
  out.setQuality(mean.mean);
  out.setDeviation(mean.deviation);
  out.setOrigins(static_cast<std::uint32_t>(arm->others.size()) + (arm->own.rewards > 0 ? 1 : 0));
  out.setTrust(arm->trust());
  if (arm->alarm.last() == drift_alarm::change::none) return;
  auto text = std::string{arm->alarm.last() == drift_alarm::change::worse ? "worse" : "better"} +
              " than was learned, " + std::to_string(arm->alarm.since()) + " rewards ago";
  out.setDrift(text);
}

}  // namespace tandem
