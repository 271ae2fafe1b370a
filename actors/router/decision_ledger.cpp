#include "actors/router/decision_ledger.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// Texts of a decision are names; longer ones come from a mistake.
constexpr std::size_t name_bytes_max = 200;

/// Who is believed: the user first, a judge last.
int rank(schema::RewardSource source) {
  switch (source) {
    case schema::RewardSource::USER:
      return 4;
    case schema::RewardSource::VERIFICATION:
    case schema::RewardSource::ESCALATION:
      return 3;
    case schema::RewardSource::JOB:
      return 2;
    case schema::RewardSource::JUDGE:
      return 1;
    default:
      return 0;
  }
}

std::string name_in(capnp::Text::Reader text) {
  return std::string{cut(view(text), name_bytes_max)};
}

void write_arm(schema::ArmScore::Builder out, const kept_arm& arm, const arm_score& score) {
  out.setModel(text(arm.model));
  out.setTier(text(arm.tier));
  out.setWeightVersion(text(arm.weight_version));
  out.setQuality(score.quality);
  out.setDeviation(score.deviation);
  out.setExploration(score.exploration);
  out.setCost(score.cost);
  out.setCostNanousd(arm.cost_nanousd);
  out.setLatencyUs(arm.latency_us);
  out.setScore(score.score);
  out.setPropensity(score.propensity);
}

void write_features(schema::FeatureVector::Builder out, const feature_vector& features,
                    std::uint32_t version) {
  out.setVersion(version);
  auto dense = out.initDense(features.dense_size);
  for (unsigned i = 0; i < dense.size(); ++i) dense.set(i, features.dense[i]);
  auto sparse = out.initSparse(static_cast<unsigned>(features.sparse.size()));
  for (unsigned i = 0; i < sparse.size(); ++i) {
    sparse[i].setIndex(features.sparse[i].index);
    sparse[i].setValue(features.sparse[i].value);
  }
}

/// `corrupted`: what no extractor could have written.
caf::error read_features(schema::FeatureVector::Reader from, feature_vector& out) {
  auto dense = from.getDense();
  auto sparse = from.getSparse();
  if (dense.size() > dense_features_max || sparse.size() > sparse_features_max)
    return make_error(errc::corrupted, "more features than there can be");
  out.dense_size = dense.size();
  for (unsigned i = 0; i < dense.size(); ++i) {
    if (!std::isfinite(dense[i])) return make_error(errc::corrupted, "a feature is no number");
    out.dense[i] = dense[i];
  }
  for (auto each : sparse) {
    if (each.getIndex() >= sparse_dimensions || !std::isfinite(each.getValue()))
      return make_error(errc::corrupted, "a sparse feature is none");
    out.sparse.push_back({each.getIndex(), each.getValue()});
  }
  return caf::none;
}

}  // namespace

decision_ledger::decision_ledger(std::size_t decisions_max, std::uint64_t window_ms,
                                 std::uint32_t features)
    : decisions_max_{std::max<std::size_t>(decisions_max, 1)},
      window_ms_{window_ms},
      features_{features} {}

kept_decision& decision_ledger::add(kept_decision decision) {
  auto id = decision.made.id;
  while (decisions_.size() >= decisions_max_) drop_oldest();
  order_.push_back(id);
  changed_.insert(id);
  return decisions_.insert_or_assign(id, std::move(decision)).first->second;
}

void decision_ledger::drop_oldest() {
  // What was learned from one of them and is not saved yet must stay marked: it waits its turn.
  for (auto left = order_.size(); left > 1; --left) {
    auto oldest = decisions_.find(order_.front());
    if (oldest == decisions_.end() || oldest->second.rewards.empty() ||
        changed_.count(oldest->first) == 0)
      break;
    order_.push_back(order_.front());
    order_.pop_front();
  }
  auto found = decisions_.find(order_.front());
  if (found != decisions_.end()) {
    if (found->second.quality < 0) ++missing_;
    changed_.erase(found->first);
    decisions_.erase(found);
  }
  order_.pop_front();
}

const kept_decision* decision_ledger::find(std::uint64_t id) const {
  auto found = decisions_.find(id);
  return found == decisions_.end() ? nullptr : &found->second;
}

caf::error decision_ledger::restore(schema::DecisionRecord::Reader record) {
  if (decisions_.count(record.getId()) != 0) return caf::none;
  kept_decision out;
  out.made.id = record.getId();
  out.made.at_ms = record.getAtMs();
  out.made.purpose = record.getPurpose();
  out.made.cost_price = record.getCostPrice();
  out.made.latency_price = record.getLatencyPrice();
  auto wrong = [&out](const std::string& what) {
    return make_error(errc::corrupted, "decision " + std::to_string(out.made.id) + ": " + what);
  };
  for (unsigned i = 0; i < record.getArms().size(); ++i) {
    auto arm = record.getArms()[i];
    if (arm.getFilter().size() != 0) {
      if (i < record.getChosen()) return wrong("arms out of order");
      out.removed.push_back(
          {name_in(arm.getModel()), name_in(arm.getTier()), name_in(arm.getFilter())});
      continue;
    }
    arm_score score{.quality = arm.getQuality(),
                    .deviation = arm.getDeviation(),
                    .exploration = arm.getExploration(),
                    .cost = arm.getCost(),
                    .score = arm.getScore(),
                    .propensity = arm.getPropensity()};
    for (auto number : {score.quality, score.deviation, score.exploration, score.cost, score.score})
      if (!std::isfinite(number)) return wrong("a score is no number");
    if (!(score.propensity >= 0 && score.propensity <= 1))
      return wrong("a propensity is no probability");
    out.made.arms.push_back({.arm = unknown_arm, .score = score});
    kept_arm kept{name_in(arm.getModel()), name_in(arm.getTier()), name_in(arm.getWeightVersion()),
                  arm.getCostNanousd(), arm.getLatencyUs()};
    auto shadow = record.getShadow();
    if (out.arms.size() < shadow.size())
      kept.candidate_propensity = shadow[static_cast<unsigned>(out.arms.size())];
    out.arms.push_back(std::move(kept));
  }
  out.made.chosen = record.getChosen();
  if (out.made.chosen >= out.arms.size()) return wrong("the chosen arm is not there");
  if (record.getFeatures().getVersion() == features_)
    if (auto err = read_features(record.getFeatures(), out.made.features))
      return wrong(message_of(err));
  out.kind = name_in(record.getKind());
  out.tenant = view(record.getTenant());
  out.policy = name_in(record.getPolicy());
  out.engine = name_in(record.getEngine());
  out.trial = name_in(record.getTrial());
  out.journal = record.getJob().getJournal();
  out.job = record.getJob().getNumber();
  out.tries = record.getTries();
  for (auto reward : record.getRewards())
    out.rewards.push_back({reward.getSource(), reward.getQuality(), reward.getAtMs()});
  out.quality = record.getQuality();
  if (!(out.quality >= -1 && out.quality <= 1)) return wrong("its quality is none");
  out.cost_nanousd = record.getCostNanousd();
  out.latency_us = record.getLatencyUs();
  auto id = out.made.id;
  while (decisions_.size() >= decisions_max_) drop_oldest();
  order_.push_front(id);
  decisions_.emplace(id, std::move(out));
  return caf::none;
}

decision_ledger::verdict decision_ledger::on_reward(schema::Reward::Reader reward,
                                                    std::uint64_t now_ms, bool believed) {
  auto quality = reward.getQuality();
  auto source = reward.getSource();
  // A NaN is in no range.
  if (!(quality >= 0 && quality <= 1) || rank(source) == 0) {
    ++refused_;
    return {meaning::refused};
  }
  auto found = decisions_.find(reward.getDecision());
  if (found == decisions_.end()) {
    ++unknown_;
    return {meaning::unknown_decision};
  }
  auto& of = found->second;
  if (view(reward.getTenant()) != of.tenant) {
    ++refused_;
    return {meaning::refused, &of};
  }
  if (now_ms > of.made.at_ms && now_ms - of.made.at_ms > window_ms_) {
    ++late_;
    return {meaning::late, &of};
  }
  int best = 0;
  for (auto& each : of.rewards) {
    if (each.source == source) {
      // A user may have mistyped, or thought again; nobody else changes a verdict.
      if (source == schema::RewardSource::USER && each.quality != quality) {
        auto before = std::exchange(each.quality, quality);
        of.quality = quality;
        changed_.insert(found->first);
        ++corrected_;
        return {meaning::corrected, &of, before};
      }
      ++again_;
      return {meaning::again, &of};
    }
    best = std::max(best, rank(each.source));
  }
  of.rewards.push_back({source, quality, now_ms});
  changed_.insert(found->first);
  auto before = of.quality;
  if (!believed || rank(source) < best) return {meaning::noted, &of, before};
  of.quality = quality;
  if (before < 0) {
    ++learned_;
    return {meaning::learned, &of};
  }
  ++corrected_;
  return {meaning::corrected, &of, before};
}

void decision_ledger::on_outcome(schema::Reward::Reader reward) {
  auto found = decisions_.find(reward.getDecision());
  if (found == decisions_.end()) return;
  found->second.cost_nanousd = reward.getCostNanousd();
  found->second.latency_us = reward.getLatencyUs();
  changed_.insert(found->first);
}

std::vector<tmsg::decrec> decision_ledger::take_changed(std::size_t max) {
  std::vector<std::uint64_t> ids;
  std::vector<std::uint64_t> rewarded;
  for (auto id : changed_) (decisions_.at(id).rewards.empty() ? ids : rewarded).push_back(id);
  changed_.clear();
  if (ids.size() > max) {
    // Ids of one process rise with time.
    std::nth_element(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(max), ids.end(),
                     std::greater<>{});
    ids.resize(max);
  }
  ids.insert(ids.end(), rewarded.begin(), rewarded.end());
  std::sort(ids.begin(), ids.end());
  std::vector<tmsg::decrec> records;
  records.reserve(ids.size());
  for (auto id : ids) records.push_back(record_of(decisions_.at(id)));
  return records;
}

tmsg::decrec decision_ledger::record_of(const kept_decision& of) const {
  message_builder<schema::DecisionRecord> out;
  out->setId(of.made.id);
  out->setAtMs(of.made.at_ms);
  out->setPurpose(of.made.purpose);
  out->setKind(text(of.kind));
  out->setTenant(text(of.tenant));
  out->setPolicy(text(of.policy));
  auto arms = out->initArms(static_cast<unsigned>(of.arms.size() + of.removed.size()));
  for (unsigned i = 0; i < of.arms.size(); ++i)
    write_arm(arms[i], of.arms[i], of.made.arms[i].score);
  for (unsigned i = 0; i < of.removed.size(); ++i) {
    auto arm = arms[static_cast<unsigned>(of.arms.size()) + i];
    arm.setModel(text(of.removed[i].model));
    arm.setTier(text(of.removed[i].tier));
    arm.setFilter(text(of.removed[i].why));
  }
  out->setChosen(of.made.chosen);
  out->setEngine(text(of.engine));
  write_features(out->initFeatures(), of.made.features, features_);
  out->setCostPrice(of.made.cost_price);
  out->setLatencyPrice(of.made.latency_price);
  auto rewards = out->initRewards(static_cast<unsigned>(of.rewards.size()));
  for (unsigned i = 0; i < rewards.size(); ++i) {
    rewards[i].setSource(of.rewards[i].source);
    rewards[i].setQuality(of.rewards[i].quality);
    rewards[i].setAtMs(of.rewards[i].at_ms);
  }
  out->setQuality(of.quality);
  out->setCostNanousd(of.cost_nanousd);
  out->setLatencyUs(of.latency_us);
  out->setTries(of.tries);
  out->initJob().setJournal(of.journal);
  out->getJob().setNumber(of.job);
  out->setTrial(text(of.trial));
  if (!of.trial.empty()) {
    auto shadow = out->initShadow(static_cast<unsigned>(of.arms.size()));
    for (unsigned i = 0; i < shadow.size(); ++i) shadow.set(i, of.arms[i].candidate_propensity);
  }
  return out.finish();
}

void decision_ledger::write(schema::RewardCounts::Builder out) const {
  out.setLearned(learned_);
  out.setCorrected(corrected_);
  out.setAgain(again_);
  out.setUnknown(unknown_);
  out.setLate(late_);
  out.setRefused(refused_);
  out.setMissing(missing_);
}

}  // namespace tandem
