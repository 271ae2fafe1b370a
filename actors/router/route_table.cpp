#include "actors/router/route_table.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

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

/// The texts and tags of an attempt, as features look at them.
class call_texts {
 public:
  explicit call_texts(schema::Attempt::Reader attempt) : attempt_{attempt} {
    for (auto message : attempt.getMessages()) texts_.push_back(view(message.getContent()));
    for (auto tag : attempt.getTags()) tags_.push_back(view(tag));
  }

  /// Valid as long as this and the attempt.
  [[nodiscard]] decision_facts facts(schema::Purpose purpose,
                                     std::span<const float> embedding) const {
    return {.purpose = purpose,
            .kind = view(attempt_.getKind()),
            .tenant = view(attempt_.getTenant()),
            .texts = texts_,
            .tags = tags_,
            .max_tokens = attempt_.getMaxTokens(),
            .position = attempt_.getFence().getStep(),
            .fan_in = attempt_.getFanIn(),
            .tries = attempt_.getTries(),
            .embedding = embedding};
  }

 private:
  schema::Attempt::Reader attempt_;
  std::vector<std::string_view> texts_;
  std::vector<std::string_view> tags_;
};

caf::error weights_changed(const std::string& model, schema::RouteQuery::Reader query) {
  std::string version;
  for (auto pin : query.getPinnedVersions())
    if (view(pin.getModel()) == model) version = view(pin.getWeightVersion());
  return make_error(errc::weights_changed,
                    "no engine serves " + model + " at weights '" + version +
                        "' any more, which the job began with; submit it with --weights mix to "
                        "let it go on, or again");
}

/// A judge's call is not judged itself.
bool is_rewarded(schema::Attempt::Reader attempt) {
  return attempt.getPurpose() != schema::Purpose::VERIFY &&
         (attempt.getRewarded() || attempt.getCheck().getKind().size() != 0);
}

/// The lower, the sooner an engine is taken.
unsigned rank_of(bool has_failed, bool is_full) {
  return (has_failed ? 2u : 0u) + (is_full ? 1u : 0u);
}

}  // namespace

route_table::route_table(const router_config& config, const std::vector<model_config>& models,
                         std::unique_ptr<model_chooser> chooser, const engine_picker::seeds& seeds)
    : config_{config}, chooser_{std::move(chooser)}, picker_{config.engines, seeds} {
  for (const auto& m : models)
    models_.push_back({m, nanousd_per_token(m.input_price), nanousd_per_token(m.output_price), {}});
  large_ = cheapest_of(config_.large_tier);
}

const route_table::model* route_table::cheapest_of(std::string_view tier) const {
  const model* found = nullptr;
  for (const auto& m : models_) {
    auto cheaper = found == nullptr || m.output_price_nanousd < found->output_price_nanousd;
    if (m.config.tier == tier && !m.config.embeds && cheaper) found = &m;
  }
  return found;
}

void route_table::update(const tmsg::engstat& status, place where) {
  auto reader = status.read();
  for (auto& m : models_) {
    if (m.config.name != view(reader->getModel())) continue;
    auto name = view(reader->getName());
    auto found = std::find_if(m.engines.begin(), m.engines.end(),
                              [&](const engine& e) { return e.name == name; });
    if (found == m.engines.end()) {
      m.engines.push_back({.slot = picker_.add(), .name = std::string{name}});
      found = std::prev(m.engines.end());
      note_place({static_cast<std::size_t>(&m - models_.data()), m.engines.size() - 1});
    } else if (found->slot && (found->weight_version != view(reader->getWeightVersion()) ||
                               found->process != reader->getProcessId())) {
      picker_.restart(*found->slot);
    }
    found->process = reader->getProcessId();
    found->weight_version = view(reader->getWeightVersion());
    found->profile = reader->getProfile();
    found->held = reader->getHealth() == schema::Health::UPDATING && reader->getHeld();
    found->healthy = reader->getHealth() == schema::Health::HEALTHY || found->held;
    found->remote = where == place::remote;
    found->passes_on = reader->getPassesOn();
    // What it can do at once now, where that was measured.
    auto places = reader->getLimit() == 0 ? reader->getConcurrency() : reader->getLimit();
    found->concurrency = std::max(places, 1u);
    found->context_tokens = reader->getContextTokens();
    if (found->slot) picker_.set(*found->slot, found->concurrency, found->remote);
  }
}

void route_table::remove(std::string_view name) {
  for (auto& m : models_) {
    for (const auto& e : m.engines) {
      if (e.name != name) continue;
      in_flight_ -= e.in_flight;
      if (e.slot) picker_.remove(*e.slot);
    }
    std::erase_if(m.engines, [&](const engine& e) { return e.name == name; });
  }
  places_.clear();
  for (std::size_t m = 0; m < models_.size(); ++m)
    for (std::size_t e = 0; e < models_[m].engines.size(); ++e) note_place({m, e});
}

void route_table::note_place(const place_of_engine& at) {
  const auto& engine = models_[at.model].engines[at.engine];
  places_.insert_or_assign(engine.name, at);
  if (!engine.slot) return;
  std::size_t slot = *engine.slot;
  if (slot >= slot_places_.size()) slot_places_.resize(slot + 1);
  slot_places_[slot] = at.engine;
}

route_table::engine* route_table::find_engine(std::string_view name) {
  auto found = places_.find(name);
  if (found == places_.end()) return nullptr;
  return &models_[found->second.model].engines[found->second.engine];
}

void route_table::learn_prefix(schema::Decision::Reader decision, schema::Attempt::Reader read) {
  const auto* e = find_engine(view(decision.getEngine()));
  if (e != nullptr && e->slot && e->weight_version == view(decision.getWeightVersion()))
    picker_.learn(*e->slot, read);
}

bool route_table::weighs(schema::RouteQuery::Reader query) const {
  if (!chooser_->learns()) return false;
  auto tier = view(query.getTier());
  if (query.getModel().size() != 0 || query.getPurpose() == schema::Purpose::EMBED) return false;
  auto may = [&](const model& m) {
    return !m.config.embeds && (tier.empty() || m.config.tier == tier);
  };
  return std::count_if(models_.begin(), models_.end(), may) > 1;
}

route_table::load route_table::load_of(std::string_view name) const {
  auto found = places_.find(name);
  if (found == places_.end()) return {};
  const auto& e = models_[found->second.model].engines[found->second.engine];
  return {e.in_flight, e.concurrency};
}

std::optional<std::string_view> route_table::pin_of(const model& of,
                                                    schema::RouteQuery::Reader query) {
  std::string_view pinned;
  for (auto pin : query.getPinnedVersions())
    if (view(pin.getModel()) == of.config.name) pinned = view(pin.getWeightVersion());
  // Ill or busy, it serves it again some time; one that does not say what it serves may.
  auto serves = [&](const engine& e) {
    return e.weight_version == pinned || e.weight_version.empty();
  };
  if (pinned.empty() || of.engines.empty() ||
      std::any_of(of.engines.begin(), of.engines.end(), serves))
    return pinned;
  if (query.getMixWeights()) return std::string_view{};
  return std::nullopt;
}

void route_table::find_able(model& of, schema::RouteQuery::Reader query, std::string& why_not,
                            bool& later) {
  able_.clear();
  auto tier = view(query.getTier());
  if (!tier.empty() && tier != of.config.tier) {
    why_not = "not of tier '" + std::string{tier} + "'";
    return;
  }
  if (query.getModel().size() != 0 && view(query.getModel()) != of.config.name) {
    why_not = "not the model that is asked for";
    return;
  }
  if (of.config.embeds != (query.getPurpose() == schema::Purpose::EMBED)) {
    why_not = of.config.embeds ? "it makes vectors alone" : "it makes no vectors (model.embeds)";
    return;
  }
  auto pin = pin_of(of, query);
  if (!pin) {
    why_not = "no engine serves its pinned weights";
    weights_gone_ = of.config.name;
    return;
  }
  auto pinned = *pin;
  // Engines that failed this step already are taken only when nothing else is left, full ones only
  // when all are.
  auto best = rank_of(true, true);
  why_not = "no engine";
  auto could = of.engines.empty();
  const auto prompt_tokens = tokens_in(query.getPromptBytes());
  const auto avoided = query.getAvoidedEngines();
  const auto excluded = query.getExcludedEngines();
  // Most calls name none, and there may be a thousand engines.
  const auto avoids = avoided.size() != 0;
  const auto excludes = excluded.size() != 0;
  const auto passed_on = query.getPassedOn();
  for (auto& e : of.engines) {
    if (!pinned.empty() && e.weight_version != pinned) {
      why_not = "the job is pinned to weights '" + std::string{pinned} + "'";
      could = could || e.weight_version.empty();
      continue;
    }
    if (e.context_tokens != 0 && prompt_tokens > e.context_tokens) {
      why_not = "the prompt is longer than its context";
      continue;
    }
    // A held one takes only what holds its weights.
    auto kept_away = e.held && (pinned.empty() || e.weight_version != pinned);
    if (!e.healthy || kept_away || (avoids && names(avoided, e.name))) {
      could = true;
      continue;
    }
    if (passed_on && !e.passes_on) {
      why_not =
          "its engines take no tools, pictures, schemas and the like (only http and managed ones "
          "do)";
      continue;
    }
    if (!e.slot) {
      why_not = "there are more engines than the router can choose from";
      continue;
    }
    auto each = rank_of(excludes && names(excluded, e.name), e.in_flight >= e.concurrency);
    if (each > best) continue;
    if (each < best) able_.clear();
    best = each;
    able_.push_back(*e.slot);
  }
  if (able_.empty() && could) {
    later = true;
    if (!of.engines.empty()) why_not = "no healthy engine that is not busy";
  }
}

route_table::option route_table::pick_engine(model& of, schema::RouteQuery::Reader query,
                                             std::uint64_t now_ms, std::string& why_not,
                                             bool& later) {
  find_able(of, query, why_not, later);
  if (able_.empty()) return {.of = &of};
  auto choice = picker_.choose(able_, now_ms);
  auto place = slot_places_[choice.engine];
  return {.of = &of, .on = &of.engines[place], .choice = choice};
}

bool route_table::affordable(const model& of, schema::RouteQuery::Reader query) {
  auto prompt = prompt_tokens_bound(query.getPromptBytes(), 1);
  return fits(
      call_bound(prompt, query.getMaxTokens(), of.input_price_nanousd, of.output_price_nanousd),
      read_budget(query.getAllowance()));
}

double route_table::expected_cost(const model& of, const call_rates::tokens& used) const {
  return used.prompt * static_cast<double>(of.input_price_nanousd) +
         used.completion * static_cast<double>(of.output_price_nanousd);
}

std::pair<double, double> route_table::expect(const model& of, schema::Purpose purpose,
                                              std::uint32_t prompt_bytes,
                                              std::uint32_t max_tokens) const {
  auto call = chooser_->rates().call(purpose, of.config.name, prompt_bytes, max_tokens);
  return {expected_cost(of, call.used), call.latency_us};
}

caf::expected<route_table::routed> route_table::route(schema::RouteQuery::Reader query,
                                                      schema::Attempt::Reader attempt,
                                                      std::uint64_t now_ms,
                                                      std::span<const float> embedding) {
  picker_.read(query, attempt);
  weights_gone_.clear();
  if (first_route_ms_ == 0) first_route_ms_ = now_ms;
  std::vector<candidate> candidates;
  std::vector<option> options;
  bool any = false;
  bool later = false;
  bool too_dear = false;
  // Models that failed this step already are taken only when nothing else is left.
  for (auto excluded : {false, true}) {
    for (auto& m : models_) {
      if (names(query.getExcludedModels(), m.config.name) != excluded) continue;
      candidate each{.model = m.config.name, .tier = m.config.tier};
      bool busy = false;
      auto picked = pick_engine(m, query, now_ms, each.why_not, busy);
      auto*& on = picked.on;
      if ((on != nullptr || busy) && !affordable(m, query)) {
        too_dear = true;
        busy = false;
        on = nullptr;
        each.why_not = "it may cost more than is left of the budget: submit again with more";
      }
      later = later || busy;
      if (on != nullptr) {
        any = true;
        each.why_not.clear();
        each.weight_version = on->weight_version;
        each.engine = on->name;
        std::tie(each.cost_nanousd, each.latency_us) =
            expect(m, query.getPurpose(), query.getPromptBytes(), query.getMaxTokens());
      }
      candidates.push_back(std::move(each));
      options.push_back(picked);
    }
    if (any) break;
  }
  if (!any) {
    std::string reasons;
    for (const auto& each : candidates)
      reasons += (reasons.empty() ? "" : "; ") + std::string{each.model} + ": " + each.why_not;
    auto gone = !later && !too_dear && !weights_gone_.empty();
    // Nodes that serve it may not have said so yet.
    later = later || (gone && now_ms < first_route_ms_ + static_cast<std::uint64_t>(
                                                             config_.weights_patience.count()));
    if (gone && !later) return weights_changed(weights_gone_, query);
    return make_error(later      ? errc::unavailable
                      : too_dear ? errc::budget_exceeded
                                 : errc::invalid_argument,
                      "no engine can take this call (" + reasons + ")" +
                          (too_dear && !later ? "; submit again with a larger budget" : ""));
  }
  call_texts texts{attempt};
  call_to_route call{.facts = texts.facts(query.getPurpose(), embedding),
                     .rewarded = is_rewarded(attempt),
                     .journal = attempt.getFence().getJob().getJournal(),
                     .job = attempt.getFence().getJob().getNumber()};
  if (large_ != nullptr)
    std::tie(call.large_cost_nanousd, call.large_latency_us) =
        expect(*large_, query.getPurpose(), query.getPromptBytes(), query.getMaxTokens());
  auto chosen = chooser_->choose(call, candidates, now_ms);
  auto& [of, on, choice] = options[chosen.place];
  picker_.assign(chosen.decision, choice, now_ms);
  ++on->in_flight;
  ++in_flight_;
  message_builder<schema::Decision> decision;
  write(*decision, *of, *on, chosen);
  auto list = decision->initCandidates(static_cast<unsigned>(candidates.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setModel(text(candidates[i].model));
    list[i].setTier(text(candidates[i].tier));
    list[i].setExpectedCostNanousd(std::llround(candidates[i].cost_nanousd));
    list[i].setFilter(text(candidates[i].why_not));
  }
  return routed{decision.finish(), on->name};
}

std::string route_table::weights_of(std::string_view way) const {
  auto version = [this](const std::string& tier) {
    const auto* of = cheapest_of(tier);
    return of == nullptr || of->engines.empty() ? std::string{} : of->engines[0].weight_version;
  };
  if (way == "small") return version(config_.small_tier);
  if (way == "large") return version(config_.large_tier);
  return version(config_.large_tier) + '+' + version(config_.small_tier);
}

candidate route_table::way_candidate(std::string_view way, std::uint32_t prompt_bytes,
                                     std::uint32_t max_tokens) const {
  candidate out{.model = way, .tier = way};
  const auto* tier = cheapest_of(way == "small" ? config_.small_tier : config_.large_tier);
  if (tier == nullptr || tier->engines.empty()) {
    out.why_not =
        "no engine of tier '" + (way == "small" ? config_.small_tier : config_.large_tier) + "'";
    return out;
  }
  if (const auto* measured = chooser_->rates().way(way)) {
    for (const auto& m : models_)
      if (auto used = measured->used.find(m.config.name); used != measured->used.end())
        out.cost_nanousd += expected_cost(m, used->second);
    out.latency_us = measured->latency_us;
    return out;
  }
  std::tie(out.cost_nanousd, out.latency_us) =
      expect(*tier, schema::Purpose::ANSWER, prompt_bytes, max_tokens);
  // Until one was measured: a plan is longer than an answer.
  if (way == "plan_act") out.cost_nanousd *= 2;
  return out;
}

caf::expected<tmsg::decisn> route_table::choose_way(schema::Attempt::Reader attempt,
                                                    std::uint64_t now_ms,
                                                    std::span<const float> embedding) {
  std::vector<candidate> candidates;
  std::size_t bytes = 0;
  for (auto message : attempt.getMessages()) bytes += message.getContent().size();
  auto prompt = static_cast<std::uint32_t>(std::min<std::size_t>(bytes, UINT32_MAX));
  bool any = false;
  std::string reasons;
  call_texts texts{attempt};
  call_to_route call{.facts = texts.facts(schema::Purpose::WAY, embedding),
                     .rewarded = is_rewarded(attempt),
                     .journal = attempt.getFence().getJob().getJournal(),
                     .job = attempt.getFence().getJob().getNumber()};
  std::map<std::string_view, std::string> weights;
  for (std::string_view way : {"plan_act", "large", "small"}) {
    candidates.push_back(way_candidate(way, prompt, attempt.getMaxTokens()));
    auto& each = candidates.back();
    each.weight_version = weights[way] = weights_of(way);
    if (way == "large" && each.why_not.empty()) {
      call.large_cost_nanousd = each.cost_nanousd;
      call.large_latency_us = each.latency_us;
    }
    if (names(attempt.getWays(), way)) each.why_not = "it has failed for this job";
    any = any || each.why_not.empty();
    if (!each.why_not.empty())
      reasons += (reasons.empty() ? "" : "; ") + std::string{way} + ": " + each.why_not;
  }
  if (!any)
    return make_error(errc::invalid_argument, "no way is left for this job (" + reasons + ")");
  auto chosen = chooser_->choose(call, candidates, now_ms);
  message_builder<schema::Decision> decision;
  decision->setId(chosen.decision);
  decision->setModel(text(candidates[chosen.place].model));
  decision->setPolicy(std::string{chosen.policy});
  decision->setPropensity(chosen.propensity);
  decision->setKept(chosen.kept);
  return decision.finish();
}

void route_table::write(schema::Decision::Builder out, const model& of, const engine& on,
                        const chosen_candidate& chosen) const {
  out.setId(chosen.decision);
  out.setModel(of.config.name);
  out.setTier(of.config.tier);
  out.setEngine(on.name);
  out.setWeightVersion(on.weight_version);
  out.setProfile(on.profile);
  out.setPolicy(std::string{chosen.policy});
  out.setPropensity(chosen.propensity);
  out.setKept(chosen.kept);
  out.setInputPriceNanousd(of.input_price_nanousd);
  out.setOutputPriceNanousd(of.output_price_nanousd);
  const auto& large = large_ == nullptr ? of : *large_;
  out.setLargeInputPriceNanousd(large.input_price_nanousd);
  out.setLargeOutputPriceNanousd(large.output_price_nanousd);
}

std::optional<tmsg::rtchg> route_table::settle(schema::Reward::Reader reward,
                                               std::uint64_t now_ms) {
  if (reward.getSource() == schema::RewardSource::OUTCOME) {
    if (auto* e = find_engine(view(reward.getEngine())); e != nullptr && e->in_flight != 0) {
      if (e->slot) picker_.settle(*e->slot, reward, now_ms);
      --e->in_flight;
      --in_flight_;
    }
  }
  if (reward.getFromCache()) return std::nullopt;
  return chooser_->on_reward(reward, now_ms);
}

std::vector<std::string> route_table::models_without_price() const {
  std::vector<std::string> found;
  for (const auto& m : models_)
    if (m.input_price_nanousd == 0 && m.output_price_nanousd == 0) found.push_back(m.config.name);
  return found;
}

}  // namespace tandem
