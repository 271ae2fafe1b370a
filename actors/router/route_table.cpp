#include "actors/router/route_table.hpp"

#include <algorithm>
#include <cmath>

#include "actors/budget.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// US dollars per million tokens → 1e-9 dollars per token.
std::int64_t nanousd_per_token(double usd_per_million) {
  return std::llround(usd_per_million * 1000);
}

/// The usual estimate for English; a byte-level tokenizer may need four times as many, which the
/// engine then says.
std::uint64_t tokens_in(std::uint64_t bytes) {
  return (bytes + 3) / 4;
}

template <class List>
bool names(List list, std::string_view name) {
  for (auto element : list)
    if (view(element) == name) return true;
  return false;
}

}  // namespace

route_table::route_table(const router_config& config, const std::vector<model_config>& models,
                         std::unique_ptr<routing_policy> policy, std::uint64_t first_decision)
    : config_{config},
      policy_{std::move(policy)},
      first_decision_{first_decision},
      next_decision_{first_decision} {
  for (const auto& m : models)
    models_.push_back({m, nanousd_per_token(m.input_price), nanousd_per_token(m.output_price), {}});
  for (const auto& m : models_) {
    auto cheaper = large_ == nullptr || m.output_price_nanousd < large_->output_price_nanousd;
    if (m.config.tier == config_.large_tier && cheaper) large_ = &m;
  }
}

void route_table::update(const tmsg::engstat& status, place where) {
  auto reader = status.read();
  for (auto& m : models_) {
    if (m.config.name != view(reader->getModel())) continue;
    auto name = view(reader->getName());
    auto found = std::find_if(m.engines.begin(), m.engines.end(),
                              [&](const engine& e) { return e.name == name; });
    if (found == m.engines.end()) {
      m.engines.push_back({.name = std::string{name}});
      found = std::prev(m.engines.end());
    }
    found->weight_version = view(reader->getWeightVersion());
    found->healthy = reader->getHealth() == schema::Health::HEALTHY;
    found->remote = where == place::remote;
    found->concurrency = std::max(reader->getConcurrency(), 1u);
    found->context_tokens = reader->getContextTokens();
  }
}

void route_table::remove(std::string_view name) {
  for (auto& m : models_) {
    for (const auto& e : m.engines)
      if (e.name == name) in_flight_ -= e.in_flight;
    std::erase_if(m.engines, [&](const engine& e) { return e.name == name; });
  }
}

route_table::load route_table::load_of(std::string_view name) const {
  for (const auto& m : models_)
    for (const auto& e : m.engines)
      if (e.name == name) return {e.in_flight, e.concurrency};
  return {};
}

bool route_table::is_better(const engine& a, const engine& b) {
  auto room_a = a.in_flight < a.concurrency;
  auto room_b = b.in_flight < b.concurrency;
  if (room_a != room_b) return room_a;
  if (room_a && a.remote != b.remote) return b.remote;
  auto load = [](const engine& x) { return static_cast<double>(x.in_flight) / x.concurrency; };
  return load(a) < load(b);
}

route_table::engine* route_table::pick_engine(model& of, schema::RouteQuery::Reader query,
                                              std::string& why_not, bool& later) {
  auto tier = view(query.getTier());
  if (!tier.empty() && tier != of.config.tier) {
    why_not = "not of tier '" + std::string{tier} + "'";
    return nullptr;
  }
  std::string_view pinned;
  for (auto pin : query.getPinnedVersions())
    if (view(pin.getModel()) == of.config.name) pinned = view(pin.getWeightVersion());
  engine* best = nullptr;
  bool best_excluded = true;
  why_not = "no engine";
  auto could = of.engines.empty();
  for (auto& e : of.engines) {
    if (!pinned.empty() && e.weight_version != pinned) {
      why_not = "the job is pinned to weights '" + std::string{pinned} + "'";
      continue;
    }
    if (e.context_tokens != 0 && tokens_in(query.getPromptBytes()) > e.context_tokens) {
      why_not = "the prompt is longer than its context";
      continue;
    }
    if (!e.healthy || names(query.getAvoidedEngines(), e.name)) {
      could = true;
      continue;
    }
    // Engines that failed this step already are taken only when nothing else is left.
    auto excluded = names(query.getExcludedEngines(), e.name);
    if (best == nullptr || (best_excluded && !excluded) ||
        (best_excluded == excluded && is_better(e, *best))) {
      best = &e;
      best_excluded = excluded;
    }
  }
  if (best == nullptr && could) {
    later = true;
    if (!of.engines.empty()) why_not = "no healthy engine that is not busy";
  }
  return best;
}

bool route_table::affordable(const model& of, schema::RouteQuery::Reader query) {
  auto prompt = prompt_tokens_bound(query.getPromptBytes(), 1);
  return fits(
      call_bound(prompt, query.getMaxTokens(), of.input_price_nanousd, of.output_price_nanousd),
      read_budget(query.getAllowance()));
}

caf::expected<route_table::routed> route_table::route(schema::RouteQuery::Reader query) {
  struct option {
    model* of;
    engine* on;
  };
  std::vector<arm> arms;
  std::vector<option> options;
  std::string why_not;
  std::string reasons;
  bool later = false;
  bool too_dear = false;
  // Models that failed this step already are taken only when nothing else is left.
  for (auto excluded : {false, true}) {
    for (auto& m : models_) {
      if (names(query.getExcludedModels(), m.config.name) != excluded) continue;
      bool busy = false;
      auto* on = pick_engine(m, query, why_not, busy);
      if ((on != nullptr || busy) && !affordable(m, query)) {
        too_dear = true;
        busy = false;
        on = nullptr;
        why_not = "it may cost more than is left of the budget: submit again with more";
      }
      later = later || busy;
      if (on == nullptr) {
        reasons += (reasons.empty() ? "" : "; ") + m.config.name + ": " + why_not;
        continue;
      }
      auto cost =
          static_cast<std::int64_t>(tokens_in(query.getPromptBytes())) * m.input_price_nanousd +
          static_cast<std::int64_t>(query.getMaxTokens()) * m.output_price_nanousd;
      arms.push_back({m.config.name, m.config.tier, cost});
      options.push_back({&m, on});
    }
    if (!arms.empty()) break;
  }
  if (arms.empty())
    return make_error(later      ? errc::unavailable
                      : too_dear ? errc::budget_exceeded
                                 : errc::invalid_argument,
                      "no engine can take this call (" + reasons + ")" +
                          (too_dear && !later ? "; submit again with a larger budget" : ""));
  route_context context{.purpose = query.getPurpose(),
                        .kind = view(query.getKind()),
                        .tenant = view(query.getTenant()),
                        .prompt_bytes = query.getPromptBytes(),
                        .max_tokens = query.getMaxTokens()};
  auto chosen = policy_->choose(context, arms);
  auto& [of, on] = options[chosen.arm];
  ++on->in_flight;
  ++in_flight_;
  message_builder<schema::Decision> decision;
  decision->setId(next_decision_++);
  write(*decision, *of, *on, chosen.propensity);
  auto candidates = decision->initCandidates(static_cast<unsigned>(arms.size()));
  for (unsigned i = 0; i < candidates.size(); ++i) {
    candidates[i].setModel(text(arms[i].model));
    candidates[i].setTier(text(arms[i].tier));
    candidates[i].setExpectedCostNanousd(arms[i].cost_nanousd);
  }
  return routed{decision.finish(), on->name};
}

void route_table::write(schema::Decision::Builder out, const model& of, const engine& on,
                        double propensity) const {
  out.setModel(of.config.name);
  out.setTier(of.config.tier);
  out.setEngine(on.name);
  out.setPolicy(std::string{policy_->name()});
  out.setPropensity(propensity);
  out.setInputPriceNanousd(of.input_price_nanousd);
  out.setOutputPriceNanousd(of.output_price_nanousd);
  const auto& large = large_ == nullptr ? of : *large_;
  out.setLargeInputPriceNanousd(large.input_price_nanousd);
  out.setLargeOutputPriceNanousd(large.output_price_nanousd);
}

void route_table::settle(schema::Reward::Reader reward) {
  if (reward.getSource() == schema::RewardSource::OUTCOME) {
    for (auto& m : models_) {
      for (auto& e : m.engines) {
        if (e.name != view(reward.getEngine()) || e.in_flight == 0) continue;
        --e.in_flight;
        --in_flight_;
      }
    }
  }
  policy_->learn(reward.getDecision(),
                 {.quality = reward.getQuality(),
                  .cost_nanousd = reward.getCostNanousd(),
                  .latency_us = static_cast<std::int64_t>(reward.getLatencyUs())});
}

}  // namespace tandem
