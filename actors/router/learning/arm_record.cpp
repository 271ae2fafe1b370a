#include "actors/router/learning/arm_record.hpp"

#include <cmath>

namespace tandem {
namespace {

/// Rewards after which the inverse is solved anew; fewer while there are few.
constexpr std::uint32_t adds_max = 256;
constexpr std::uint32_t adds_min = 8;
/// A larger share of the weight that came from elsewhere is looked at at once.
constexpr double pending_max = 0.02;
/// Rewards that are left of an arm whose quality has changed.
constexpr double left_by_alarm = 8;

/// Both parts are regularised already, so they are believed until rewards tell otherwise: as if so
/// many rewards' noise had been explained.
constexpr double linear_belief = 3;
constexpr double sparse_belief = 30;
/// Of rewards so far, the last third counts most in how far a part is trusted: earlier predictions
/// rested on less.
constexpr double trust_fade = 3;

double share_trusted(double gain, double power, double belief) {
  return std::clamp((gain + belief) / (power + belief), 0.0, 1.0);
}

}  // namespace

arm_record::arm_record(schema::Purpose p, std::string_view m, std::string_view v,
                       const learner_config& config, std::uint64_t now_ms)
    : purpose{p}, model{m}, version{v}, own{config.dense} {
  own.as_of_ms = now_ms;
  if (config.sparse) head = std::make_unique<sparse_head>();
}

double arm_record::share_of(const told_sums& told, const learner_config& config,
                            std::uint64_t now_ms) const {
  auto share = decay_of(told.sums.as_of_ms, now_ms, config.half_life_ms);
  if (told.weight_version != version) share *= config.new_weights_keep;
  if (told.alarmed && told.sums.weight > 0) {
    auto since = static_cast<double>(told.sums.rewards - told.alarm_rewards);
    share *= std::min(1.0, (since + left_by_alarm / 4) / told.sums.weight);
  }
  return share;
}

void arm_record::refresh(const learner_config& config, std::uint64_t now_ms) {
  total_ = own;
  total_.scale(decay_of(own.as_of_ms, now_ms, config.half_life_ms));
  sparse_.clear();
  auto averaged = head && !head->empty() ? total_.weight : 0;
  for (const auto& told : others) {
    auto share = share_of(told, config, now_ms);
    total_.merge(told.sums, share);
    if (!head || told.sparse.empty()) continue;
    if (sparse_.empty()) {
      sparse_.assign(head->learned().begin(), head->learned().end());
    }
    auto weight = share * told.sums.weight;
    averaged += weight;
    auto step = averaged > 0 ? static_cast<float>(weight / averaged) : 0;
    for (std::size_t i = 0; i < sparse_.size(); ++i)
      sparse_[i] += step * (told.sparse[i] - sparse_[i]);
  }
  ridge_.solve(total_);
  solved_at_ms_ = now_ms;
  added_ = 0;
  pending_ = 0;
  solved_ = true;
}

void arm_record::refresh_when_stale(const learner_config& config, std::uint64_t now_ms) {
  auto adds = std::clamp(static_cast<std::uint32_t>(total_.weight / 4), adds_min, adds_max);
  // Either way: a clock that jumped ahead comes back.
  auto apart = std::max(now_ms, solved_at_ms_) - std::min(now_ms, solved_at_ms_);
  auto old = apart > config.half_life_ms / 64;
  if (!solved_ || added_ >= adds || old || pending_ > pending_max * total_.weight)
    refresh(config, now_ms);
}

arm_record::expectation arm_record::expect(const feature_vector& x) const {
  expectation e;
  auto n = total_.weight;
  e.mean = (total_.quality + 0.5) / (n + 1);
  auto spread = n > 0 ? std::max(total_.square - total_.quality * total_.quality / n, 0.0) : 0;
  e.mean_variance = std::clamp((spread + 0.5) / (n + 2), 0.01, 0.25) / (n + 1);
  if (x.dense_size != ridge_.dense()) return e;
  e.trust = trust();
  auto said = ridge_.predict(x.dense_part());
  e.context = std::isfinite(said) ? std::clamp(said - e.mean, -1.0, 1.0) : 0;
  auto variance = ridge_.noise() * ridge_.spread(x.dense_part());
  e.context_variance = std::isfinite(variance) ? std::min(variance, 0.25) : 0.25;
  if (head && (!head->empty() || !sparse_.empty())) {
    auto more = sparse_.empty() ? head->predict(x) : sparse_quality(sparse_, x);
    more -= e.mean + e.trust * e.context;
    e.sparse = std::isfinite(more) ? std::clamp(more, -1.0, 1.0) : 0;
  }
  return e;
}

double arm_record::trust() const {
  return share_trusted(total_.linear_gain, total_.linear_power, linear_belief * ridge_.noise());
}

double arm_record::sparse_trust() const {
  return head ? share_trusted(total_.sparse_gain, total_.sparse_power,
                              sparse_belief * ridge_.noise())
              : 0;
}

prediction arm_record::mix(const expectation& e) const {
  auto t = e.trust;
  auto quality = e.mean + t * e.context + sparse_trust() * e.sparse;
  auto variance = (1 - t) * (1 - t) * e.mean_variance + t * t * e.context_variance;
  return {.quality = std::clamp(quality, 0.0, 1.0),
          .deviation = std::sqrt(variance),
          .mean = e.mean,
          .weight = total_.weight};
}

prediction arm_record::predict(const feature_vector& x, const learner_config& config,
                               std::uint64_t now_ms) {
  refresh_when_stale(config, now_ms);
  return mix(expect(x));
}

bool arm_record::learn(std::uint64_t decision, const feature_vector& x, double q,
                       const learner_config& config, std::uint64_t now_ms) {
  refresh_when_stale(config, now_ms);
  auto e = expect(x);
  auto seen = mix(e);
  auto keep = std::exp2(-1 / std::max(config.half_life_rewards, 1.0)) *
              decay_of(own.as_of_ms, now_ms, config.half_life_ms);
  auto all_keep =
      total_.weight > 0 ? 1 - (1 - keep) * std::min(1.0, own.weight / total_.weight) : 1;
  own.add(x.dense_part(), q, keep);
  own.as_of_ms = now_ms;
  ridge_.add(x.dense_part(), q, all_keep);
  auto unexplained = q - e.mean;
  auto fade = 1 - std::min(0.1, trust_fade / (total_.weight + 1));
  for (auto* sums : {&own, &total_}) {
    for (auto* sum :
         {&sums->linear_gain, &sums->linear_power, &sums->sparse_gain, &sums->sparse_power})
      *sum *= fade;
    sums->linear_gain += unexplained * e.context;
    sums->linear_power += e.context * e.context;
    sums->sparse_gain += (unexplained - e.trust * e.context) * e.sparse;
    sums->sparse_power += e.sparse * e.sparse;
  }
  total_.weight = total_.weight * all_keep + 1;
  total_.quality = total_.quality * all_keep + q;
  total_.square = total_.square * all_keep + q * q;
  ++total_.rewards;
  ++added_;
  if (head) head->add(decision, x, q, ridge_.strength());
  changed = true;
  auto rang = alarm.add(q - seen.quality, std::sqrt(ridge_.noise())) != drift_alarm::change::none;
  if (rang) cut_down();
  return rang;
}

void arm_record::cut_down() {
  auto keep = own.weight > 0 ? std::min(1.0, left_by_alarm / own.weight) : 1;
  own.scale(keep);
  if (head) head->keep(keep);
  for (auto& told : others) {
    told.alarmed = true;
    told.alarm_rewards = told.sums.rewards;
  }
  solved_ = false;
}

void arm_record::correct(std::uint64_t decision, std::uint64_t at_ms, const feature_vector& x,
                         double before, double q, const learner_config& config,
                         std::uint64_t now_ms) {
  auto share = decay_of(at_ms, now_ms, config.half_life_ms);
  auto by = share * (q - before);
  auto features = x.dense_part();
  for (std::size_t i = 0; i < features.size(); ++i)
    own.moments[i] += static_cast<float>(by * features[i]);
  own.quality = std::clamp(own.quality + by, 0.0, own.weight);
  own.square = std::clamp(own.square + share * (q * q - before * before), 0.0, own.weight);
  total_.quality = std::clamp(total_.quality + by, 0.0, total_.weight);
  if (solved_) ridge_.correct(features, by);
  if (head) head->correct(decision, q);
  changed = true;
}

bool arm_record::set_version(std::string_view other, double keep) {
  if (version == other) return false;
  version = other;
  own.scale(keep);
  if (head) head->keep(keep);
  alarm.reset();
  changed = true;
  solved_ = false;
  return true;
}

void arm_record::take(told_sums told, bool is_own, const learner_config& config) {
  if (is_own) {
    sequence = told.sequence;
    own = std::move(told.sums);
    if (told.weight_version != version) own.scale(config.new_weights_keep);
    if (head && !told.sparse.empty()) head->start_from(told.sparse);
    solved_ = false;
    return;
  }
  auto known = std::find_if(others.begin(), others.end(),
                            [&](const told_sums& t) { return t.origin == told.origin; });
  if (known == others.end()) {
    pending_ += told.sums.weight;
    others.push_back(std::move(told));
    return;
  }
  pending_ +=
      std::abs(told.sums.weight - known->sums.weight) +
      static_cast<double>(told.sums.rewards - std::min(told.sums.rewards, known->sums.rewards));
  told.alarmed = known->alarmed && told.sums.rewards >= known->alarm_rewards;
  told.alarm_rewards = known->alarm_rewards;
  *known = std::move(told);
}

void arm_record::drop_origin(std::uint64_t origin) {
  if (std::erase_if(others, [&](const told_sums& t) { return t.origin == origin; }) != 0)
    solved_ = false;
}

const arm_sums& arm_record::total(const learner_config& config, std::uint64_t now_ms) {
  refresh_when_stale(config, now_ms);
  return total_;
}

}  // namespace tandem
