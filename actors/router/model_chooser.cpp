#include "actors/router/model_chooser.hpp"

#include <algorithm>
#include <cmath>

#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::uint64_t arms_known_max = 4096;
constexpr std::size_t versions_known_max = 16;

std::uint32_t features_of(const router_config& config) {
  return config.embeddings ? feature_version_with(config.embedding_model) : feature_version;
}

learner_config learner_of(const router_config& config) {
  return {.dense = config.features,
          .sparse = config.sparse,
          .features = features_of(config),
          .half_life_rewards = config.half_life_rewards,
          .half_life_ms = static_cast<std::uint64_t>(config.half_life.count()),
          .new_weights_keep = config.new_weights_keep};
}

/// What costs are measured by where the large tier has no price: the dearest there is.
double reference(double large, std::span<const candidate> candidates, double candidate::*member) {
  if (large > 0) return large;
  double most = 0;
  for (const auto& each : candidates)
    if (each.why_not.empty()) most = std::max(most, each.*member);
  return most;
}

double over(double value, double by) {
  return by > 0 ? value / by : 0;
}

}  // namespace

caf::expected<std::unique_ptr<model_chooser>> model_chooser::make(const router_config& config,
                                                                  std::uint64_t origin,
                                                                  std::uint64_t first_decision) {
  auto trial = route_trial::make(config);
  if (!trial) return std::move(trial.error());
  return std::unique_ptr<model_chooser>{
      new model_chooser{config, std::move(*trial), origin, first_decision}};
}

model_chooser::model_chooser(const router_config& config, std::unique_ptr<route_trial> trial,
                             std::uint64_t origin, std::uint64_t first_decision)
    : config_{config},
      trial_{std::move(trial)},
      extractor_{
          {.dense = config.features, .sparse = config.sparse, .embeddings = config.embeddings}},
      learner_{learner_of(config), origin},
      ledger_{config.decisions_max, static_cast<std::uint64_t>(config.reward_window.count()),
              features_of(config)},
      budgets_{config.targets},
      first_decision_{first_decision},
      next_decision_{first_decision},
      random_{first_decision ^ origin} {}

double model_chooser::next_uniform() {
  // SplitMix64 (Steele, Lea and Flood 2014).
  random_ += 0x9E3779B97F4A7C15;
  auto z = random_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}

model_chooser::known_arm& model_chooser::arm_of(schema::Purpose purpose, std::string_view model,
                                                std::string_view weight_version,
                                                std::uint64_t now_ms) {
  arm_key key{purpose, std::string{model}};
  auto found = arms_.find(key);
  if (found == arms_.end()) {
    if (arms_.size() >= arms_known_max) arms_.erase(arms_.begin());
    found =
        arms_
            .emplace(std::move(key), known_arm{learner_.arm(purpose, model, weight_version, now_ms),
                                               std::string{weight_version}})
            .first;
  } else if (auto& known = found->second; known.weight_version != weight_version) {
    auto& older = known.older;
    if (std::find(older.begin(), older.end(), weight_version) != older.end()) return known;
    known.id = learner_.arm(purpose, model, weight_version, now_ms);
    older.push_back(std::exchange(known.weight_version, std::string{weight_version}));
    if (older.size() > versions_known_max) older.erase(older.begin());
  }
  return found->second;
}

bool model_chooser::learns() const {
  const auto* tried = trial_->candidate();
  return trial_->policy().learns() || (tried != nullptr && tried->learns());
}

chosen_candidate model_chooser::choose(const call_to_route& call,
                                       std::span<const candidate> candidates,
                                       std::uint64_t now_ms) {
  const auto& facts = call.facts;
  const auto& policy = trial_->policy();
  const auto* tried = trial_->candidate();
  auto learns = this->learns();
  auto large_cost = reference(call.large_cost_nanousd, candidates, &candidate::cost_nanousd);
  auto large_latency = reference(call.large_latency_us, candidates, &candidate::latency_us);
  auto& arms = weighed_;
  arms.clear();
  for (const auto& each : candidates) {
    if (!each.why_not.empty()) continue;
    arms.push_back({.model = each.model,
                    .tier = each.tier,
                    .cost = over(each.cost_nanousd, large_cost),
                    .latency = over(each.latency_us, large_latency),
                    .cost_nanousd = std::llround(each.cost_nanousd)});
  }
  auto place_of = [candidates](std::size_t arm) {
    std::size_t place = 0;
    for (;; ++place)
      if (candidates[place].why_not.empty() && arm-- == 0) return place;
  };
  auto id = next_decision_++;
  // Where there is no choice there is nothing to learn a choice from.
  if (arms.size() == 1 && facts.purpose != schema::Purpose::WAY)
    return {id, place_of(0), 1, policy.name()};

  kept_decision kept;
  kept.made.id = id;
  kept.made.at_ms = now_ms;
  kept.made.purpose = facts.purpose;
  kept.made.cost_price = config_.cost_weight + budgets_.price(facts.tenant, now_ms);
  kept.made.latency_price = config_.latency_weight;
  route_context context{.purpose = facts.purpose,
                        .kind = facts.kind,
                        .tenant = facts.tenant,
                        .tries = facts.tries,
                        .cost_price = kept.made.cost_price,
                        .latency_price = kept.made.latency_price,
                        .rewarded = call.rewarded};
  if (learns) {
    extractor_.extract(facts, kept.made.features);
    for (std::size_t i = 0; i < arms.size(); ++i) {
      auto& known =
          arm_of(facts.purpose, arms[i].model, candidates[place_of(i)].weight_version, now_ms);
      arms[i].id = known.id;
      arms[i].expected = learner_.predict(known.id, kept.made.features, now_ms);
    }
    context.learned =
        learner_.standing_of(facts.purpose, context.cost_price, context.latency_price, now_ms);
  }
  scores_.assign(arms.size(), {});
  policy.weigh(context, arms, scores_);
  if (tried != nullptr) {
    candidate_scores_.assign(arms.size(), {});
    tried->weigh(context, arms, candidate_scores_);
    kept.trial = tried->name();
    if (auto share = trial_->share(); share > 0)
      for (std::size_t i = 0; i < arms.size(); ++i)
        scores_[i].propensity =
            (1 - share) * scores_[i].propensity + share * candidate_scores_[i].propensity;
  }
  auto draw = next_uniform();
  std::size_t chosen = 0;
  // Rounding may leave a little beyond the last: the likeliest takes it.
  for (std::size_t i = 1; i < arms.size(); ++i)
    if (scores_[i].propensity > scores_[chosen].propensity) chosen = i;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    draw -= scores_[i].propensity;
    if (draw < 0) {
      chosen = i;
      break;
    }
  }
  kept.made.chosen = static_cast<std::uint32_t>(chosen);
  chosen_candidate out{id, place_of(chosen), scores_[chosen].propensity, policy.name()};
  if (learns)
    ++arm_of(facts.purpose, arms[chosen].model, candidates[out.place].weight_version, now_ms)
          .decisions;
  out.kept = learns || tried != nullptr || facts.purpose == schema::Purpose::WAY;
  if (out.kept) keep(call, candidates, std::move(kept));
  return out;
}

void model_chooser::keep(const call_to_route& call, std::span<const candidate> candidates,
                         kept_decision decision) {
  const auto& facts = call.facts;
  decision.kind = facts.kind;
  decision.tenant = facts.tenant;
  decision.policy = trial_->policy().name();
  decision.journal = call.journal;
  decision.job = call.job;
  decision.tries = facts.tries;
  decision.arms.reserve(scores_.size());
  decision.made.arms.reserve(scores_.size());
  for (const auto& each : candidates) {
    if (!each.why_not.empty()) {
      decision.removed.push_back({std::string{each.model}, std::string{each.tier}, each.why_not});
      continue;
    }
    auto place = decision.arms.size();
    if (place == decision.made.chosen) decision.engine = each.engine;
    decision.made.arms.push_back({weighed_[place].id, scores_[place]});
    decision.arms.push_back({.model = std::string{each.model},
                             .tier = std::string{each.tier},
                             .weight_version = std::string{each.weight_version},
                             .cost_nanousd = weighed_[place].cost_nanousd,
                             .latency_us = static_cast<std::uint64_t>(each.latency_us)});
    if (!decision.trial.empty())
      decision.arms.back().candidate_propensity = candidate_scores_[place].propensity;
  }
  ledger_.add(std::move(decision));
}

std::optional<tmsg::rtchg> model_chooser::on_reward(schema::Reward::Reader reward,
                                                    std::uint64_t now_ms) {
  auto source = reward.getSource();
  auto tenant = view(reward.getTenant());
  if (source == schema::RewardSource::OUTCOME) {
    ledger_.on_outcome(reward);
    budgets_.on_cost(tenant, reward.getCostNanousd(), now_ms);
    if (!reward.getFailed())
      for (auto of : reward.getTokens())
        rates_.on_call(
            reward.getPurpose(), view(of.getModel()), reward.getPromptBytes(),
            {static_cast<double>(of.getPrompt()), static_cast<double>(of.getCompletion())},
            reward.getLatencyUs());
    return std::nullopt;
  }
  if (source == schema::RewardSource::JOB && reward.getPurpose() == schema::Purpose::WAY) {
    if (!reward.getFailed()) budgets_.on_job(tenant, now_ms);
    if (const auto* way = ledger_.find(reward.getDecision())) {
      std::map<std::string, call_rates::tokens, std::less<>> used;
      for (auto of : reward.getTokens())
        used[std::string{view(of.getModel())}] = {static_cast<double>(of.getPrompt()),
                                                  static_cast<double>(of.getCompletion())};
      if (!used.empty())
        rates_.on_way(way->arms[way->made.chosen].model, used, reward.getLatencyUs());
      ledger_.on_outcome(reward);
    }
    if (reward.getQuality() < 0 || reward.getDecision() == 0) return std::nullopt;
  }
  auto believed =
      source != schema::RewardSource::JUDGE || judge_.standing() != judge_standing::does_not_tell;
  auto verdict = ledger_.on_reward(reward, now_ms, believed);
  using meaning = decision_ledger::meaning;
  auto heard = verdict.what == meaning::learned || verdict.what == meaning::corrected ||
               verdict.what == meaning::noted;
  if (heard) audit(*verdict.decision, source);
  if (verdict.what != meaning::learned && verdict.what != meaning::corrected) return std::nullopt;
  learn(verdict, now_ms);
  if (verdict.what != meaning::learned) return std::nullopt;
  return trial_->on_reward(*verdict.decision, verdict.decision->quality, now_ms);
}

void model_chooser::learn(const decision_ledger::verdict& verdict, std::uint64_t now_ms) {
  auto& of = *verdict.decision;
  // Without features (another version's, or a policy that does not learn) it tells nothing.
  if (of.made.features.dense_size != config_.features) return;
  const auto& chosen = of.arms[of.made.chosen];
  auto known = arms_.find(arm_key{of.made.purpose, chosen.model});
  // What other weights did says little about the ones of now.
  if (known != arms_.end() && known->second.weight_version != chosen.weight_version) return;
  for (std::size_t i = 0; i < of.arms.size(); ++i)
    if (of.made.arms[i].arm == unknown_arm)
      of.made.arms[i].arm =
          arm_of(of.made.purpose, of.arms[i].model, of.arms[i].weight_version, now_ms).id;
  if (verdict.what == decision_ledger::meaning::learned)
    learner_.learn(of.made, of.quality, now_ms);
  else
    learner_.correct(of.made, verdict.before, of.quality, now_ms);
}

void model_chooser::audit(const kept_decision& of, schema::RewardSource source) {
  const kept_reward* judged = nullptr;
  const kept_reward* verified = nullptr;
  for (const auto& each : of.rewards) {
    if (each.source == schema::RewardSource::JUDGE) judged = &each;
    if (each.source == schema::RewardSource::VERIFICATION) verified = &each;
  }
  if (judged == nullptr || verified == nullptr) return;
  // Once a pair, when its second half comes.
  if (source == judged->source || source == verified->source)
    judge_.add(judged->quality >= 0.5, verified->quality >= 0.5);
}

message<schema::RouterMemory> model_chooser::memory() const {
  message_builder<schema::RouterMemory> out;
  budgets_.write(*out);
  trial_->write(out->initTrial());
  auto judge = out->initJudge();
  const auto& counts = judge_.counts();
  judge.setRightAsRight(counts.right_as_right);
  judge.setRightAsWrong(counts.right_as_wrong);
  judge.setWrongAsRight(counts.wrong_as_right);
  judge.setWrongAsWrong(counts.wrong_as_wrong);
  return out.finish();
}

caf::error model_chooser::restore(schema::RouterMemory::Reader from) {
  auto first = budgets_.restore(from);
  if (auto err = trial_->restore(from.getTrial()); err && !first) first = std::move(err);
  auto counts = from.getJudge();
  auto judge = judge_audit::restore({.right_as_right = counts.getRightAsRight(),
                                     .right_as_wrong = counts.getRightAsWrong(),
                                     .wrong_as_right = counts.getWrongAsRight(),
                                     .wrong_as_wrong = counts.getWrongAsWrong()});
  if (judge)
    judge_ = std::move(*judge);
  else if (!first)
    first = std::move(judge.error());
  return first;
}

std::vector<std::string> model_chooser::notes(std::uint64_t now_ms) const {
  std::vector<std::string> out;
  if (judge_.standing() == judge_standing::does_not_tell) out.push_back(judge_.sentence("judge"));
  if (!trial_->policy().learns()) return out;
  auto last = schema::Purpose::UNKNOWN;
  for (const auto& [key, known] : arms_) {
    if (std::exchange(last, key.first) == key.first) continue;
    auto of = learner_.standing_of(key.first, config_.cost_weight, config_.latency_weight, now_ms);
    if (!of.demoted) continue;
    std::string best = "the best model";
    for (const auto& [other, arm] : arms_)
      if (arm.id == of.best_fixed && other.first == key.first) best = other.second;
    out.push_back("the learned choice for purpose " +
                  std::to_string(static_cast<unsigned>(key.first)) + " does worse than " + best +
                  " alone; that one is taken until it does better");
  }
  return out;
}

void model_chooser::report(schema::RouteReport::Builder out, std::uint64_t now_ms) const {
  trial_->report(out);
  budgets_.report(out, now_ms);
  ledger_.write(out.initRewards());
  // Those of other nodes and of earlier lives too.
  auto arms = out.initArms(static_cast<unsigned>(learner_.arms()));
  for (unsigned id = 0; id < arms.size(); ++id) learner_.report(id, arms[id], now_ms);
  for (const auto& [key, known] : arms_)
    if (known.id < arms.size()) arms[known.id].setDecisions(known.decisions);
}

}  // namespace tandem
