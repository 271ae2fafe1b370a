#include "actors/router/route_trial.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// A candidate gets at most as much as the incumbent keeps.
constexpr double share_max = 0.5;

std::string in_words(const trial_bounds& bounds, std::uint64_t decisions) {
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(),
                "it differs by %+.4f a decision (%.4f to %.4f) over %llu rewarded decisions",
                bounds.difference, bounds.low, bounds.high,
                static_cast<unsigned long long>(decisions));
  return text.data();
}

}  // namespace

caf::expected<std::unique_ptr<route_trial>> route_trial::make(const router_config& config) {
  std::unique_ptr<route_trial> made{new route_trial{config}};
  if (auto err = made->use(config.policy, {})) return err;
  return made;
}

caf::error route_trial::use(std::string_view policy, std::string_view candidate) {
  auto acts = make_routing_policy(policy, config_);
  if (!acts) return std::move(acts.error());
  std::unique_ptr<routing_policy> tried;
  if (!candidate.empty()) {
    auto made = make_routing_policy(candidate, config_);
    if (!made) return std::move(made.error());
    tried = std::move(*made);
  }
  policy_ = std::move(*acts);
  candidate_ = std::move(tried);
  return caf::none;
}

void route_trial::write(schema::RouteSetting::Builder out) const {
  out.setGeneration(generation_);
  out.setAtMs(at_ms_);
  out.setPolicy(std::string{policy_->name()});
  if (candidate_) out.setCandidate(std::string{candidate_->name()});
  out.setShare(share_);
  out.setBefore(before_);
  out.setConfigured(config_.policy);
}

tmsg::rtset route_trial::setting() const {
  message_builder<schema::RouteSetting> out;
  write(*out);
  return out.finish();
}

tmsg::rtchg route_trial::change(schema::RouteAction action, std::string why, std::string_view by,
                                std::uint64_t now_ms) {
  ++generation_;
  at_ms_ = now_ms;
  message_builder<schema::RouteChange> out;
  out->setAtMs(now_ms);
  out->setAction(action);
  out->setWhy(why);
  out->setBy(std::string{by});
  write(out->initSetting());
  return out.finish();
}

void route_trial::promote() {
  before_ = policy_->name();
  policy_ = std::move(candidate_);
  share_ = 0;
}

void route_trial::roll_back() {
  candidate_.reset();
  share_ = 0;
}

caf::expected<tmsg::rtchg> route_trial::command(schema::RouteCommand::Reader command,
                                                std::uint64_t now_ms) {
  std::string why{cut(view(command.getReason()), 400)};
  auto action = command.getAction();
  switch (action) {
    case schema::RouteAction::TRY: {
      auto name = view(command.getPolicy());
      auto share = command.getShare();
      if (!(share >= 0 && share <= share_max))
        return make_error(errc::invalid_argument,
                          "a candidate makes a share of 0 (in shadow) to 0.5 of the decisions");
      if (name == "fixed" && (config_.plan_model.empty() || config_.step_model.empty()))
        return make_error(errc::invalid_argument,
                          "policy 'fixed' needs routing.plan_model and routing.step_model in the "
                          "config of every node");
      auto tried = make_routing_policy(name, config_);
      if (!tried) return std::move(tried.error());
      // However its settings are written.
      if ((*tried)->name() == policy_->name())
        return make_error(errc::conflict, "policy '" + std::string{policy_->name()} +
                                              "' is the one that acts already");
      if (auto err = use(std::string{policy_->name()}, name)) return err;
      share_ = share;
      evidence_ = trial_evidence{trial_config{.share = share}};
      break;
    }
    case schema::RouteAction::PROMOTE:
      if (!candidate_)
        return make_error(errc::conflict, "nothing is tried; `tandem route try POLICY` begins");
      promote();
      break;
    case schema::RouteAction::ROLLBACK:
      if (candidate_) {
        roll_back();
      } else if (!before_.empty()) {
        if (auto err = use(before_, {})) return err;
        before_.clear();
      } else {
        return make_error(errc::conflict,
                          "nothing is tried, and no policy was promoted that could be taken back");
      }
      break;
    default:
      return make_error(errc::invalid_argument, "no such action on a routing policy");
  }
  return change(action, std::move(why), "client", now_ms);
}

std::optional<tmsg::rtchg> route_trial::on_reward(const kept_decision& of, double quality,
                                                  std::uint64_t now_ms) {
  // Decisions of an earlier trial, or of none, say nothing about this one.
  if (!candidate_ || of.trial != candidate_->name()) return std::nullopt;
  std::vector<trial_arm> arms;
  arms.reserve(of.arms.size());
  for (std::size_t i = 0; i < of.arms.size(); ++i) {
    const auto& score = of.made.arms[i].score;
    auto candidate = of.arms[i].candidate_propensity;
    auto incumbent =
        share_ > 0 ? (score.propensity - share_ * candidate) / (1 - share_) : score.propensity;
    arms.push_back({.quality = score.quality,
                    .cost = score.cost,
                    .incumbent = std::max(incumbent, 0.0),
                    .candidate = candidate});
  }
  if (evidence_.add(arms, of.made.chosen, quality, of.made.cost_price)) return std::nullopt;
  auto verdict = evidence_.verdict();
  if (verdict == trial_verdict::wait) return std::nullopt;
  auto why = in_words(evidence_.bounds(), evidence_.sums().decisions);
  auto promoted = verdict == trial_verdict::promote;
  promoted ? promote() : roll_back();
  return change(promoted ? schema::RouteAction::PROMOTE : schema::RouteAction::ROLLBACK,
                std::move(why), "router", now_ms);
}

caf::expected<bool> route_trial::adopt(schema::RouteSetting::Reader from) {
  std::pair theirs{from.getGeneration(), from.getAtMs()};
  if (theirs <= std::pair{generation_, at_ms_}) return false;
  auto share = from.getShare();
  if (!(share >= 0 && share <= share_max))
    return make_error(errc::corrupted, "a share of a trial that cannot be");
  if (auto err = use(view(from.getPolicy()), view(from.getCandidate()))) return err;
  share_ = share;
  before_ = view(from.getBefore());
  generation_ = theirs.first;
  at_ms_ = theirs.second;
  evidence_ = trial_evidence{trial_config{.share = share}};
  return true;
}

caf::expected<std::optional<tmsg::rtchg>> route_trial::restore(schema::RouteSetting::Reader from,
                                                               std::uint64_t now_ms) {
  if (view(from.getConfigured()) == config_.policy) {
    auto adopted = adopt(from);
    if (!adopted) return std::move(adopted.error());
    return std::optional<tmsg::rtchg>{};
  }
  // Newer than what the other nodes know, and than what it replaces.
  generation_ = std::max(generation_, from.getGeneration());
  return std::optional{change(schema::RouteAction::UNKNOWN,
                              "routing.policy is another one in the config than before", "config",
                              now_ms)};
}

void route_trial::write(schema::TrialSums::Builder out) const {
  const auto& sums = evidence_.sums();
  out.setGeneration(generation_);
  out.setDecisions(sums.decisions);
  out.setClipped(sums.clipped);
  out.setMean(sums.mean);
  out.setSquares(sums.squares);
  out.setFactors(sums.factors);
  out.setSurprises(sums.surprises);
}

caf::error route_trial::restore(schema::TrialSums::Reader from) {
  if (!candidate_ || from.getGeneration() != generation_) return caf::none;
  auto restored = trial_evidence::restore({.share = share_}, {.decisions = from.getDecisions(),
                                                              .clipped = from.getClipped(),
                                                              .mean = from.getMean(),
                                                              .squares = from.getSquares(),
                                                              .factors = from.getFactors(),
                                                              .surprises = from.getSurprises()});
  if (!restored) return std::move(restored.error());
  evidence_ = std::move(*restored);
  return caf::none;
}

void route_trial::report(schema::RouteReport::Builder out) const {
  write(out.initSetting());
  if (!candidate_) return;
  auto trial = out.initTrial();
  auto bounds = evidence_.bounds();
  trial.setCandidate(std::string{candidate_->name()});
  trial.setShare(share_);
  trial.setDecisions(evidence_.sums().decisions);
  // Not known yet: the widest that can be.
  auto bounded = [](double value) {
    return std::isfinite(value) ? value : std::copysign(2, value);
  };
  trial.setDifference(bounds.difference);
  trial.setLow(bounded(bounds.low));
  trial.setHigh(bounded(bounds.high));
}

}  // namespace tandem
