#include "actors/router/engines/engine_chooser.hpp"

#include <algorithm>

namespace tandem {
namespace {

/// Below it a difference is no reason to leave a session's engine.
constexpr double session_slack_s = 0.01;

}  // namespace

std::unique_ptr<engine_chooser> engine_chooser::make(const engine_choice_config& config,
                                                     std::uint64_t seed) {
  auto policy = make_engine_policy(config);
  if (!policy) return nullptr;
  return std::unique_ptr<engine_chooser>{new engine_chooser{config, std::move(policy), seed}};
}

engine_chooser::engine_chooser(const engine_choice_config& config,
                               std::unique_ptr<engine_policy> policy, std::uint64_t seed)
    : session_factor_{config.session_factor},
      policy_{std::move(policy)},
      index_{{.bytes_max = config.prefix_index_bytes_max, .engines_max = config.engines_max}},
      fleet_{config.engines_max},
      random_{seed},
      sessions_(sessions_max),
      cached_(config.engines_max) {
  for (auto i = config.engines_max; i-- > 0;) free_.push_back(static_cast<engine_slot>(i));
}

std::optional<engine_slot> engine_chooser::add() {
  if (free_.empty()) return std::nullopt;
  auto slot = free_.back();
  free_.pop_back();
  fleet_.reset(slot);
  return slot;
}

void engine_chooser::remove(engine_slot slot) {
  index_.forget(slot);
  fleet_.reset(slot);
  std::erase_if(calls_, [slot](const auto& entry) { return entry.second.engine == slot; });
  free_.push_back(slot);
}

void engine_chooser::restart(engine_slot slot) {
  index_.forget(slot);
  fleet_.restart(slot);
}

void engine_chooser::fill_in(const prompt_blocks& prompt, std::span<const engine_slot> eligible,
                             double now_s) {
  auto found =
      policy_->needs_cache() ? index_.find(prompt.hashes) : std::span<const prefix_index::match>{};
  for (const auto& match : found) cached_[match.engine] = match.blocks;
  options_.resize(eligible.size());
  auto tokens = static_cast<double>(prompt.tokens);
  auto* option = options_.data();
  for (auto slot : eligible) {
    const auto& engine = fleet_.at(slot);
    option->engine = slot;
    option->in_flight = engine.in_flight();
    option->concurrency = engine.concurrency;
    option->wait_s = engine.wait_s(now_s);
    option->token_s = engine.token_s;
    option->bias_s = engine.bias_s;
    option->cached_blocks = cached_[slot];
    option->cached_tokens = prompt.tokens_in(cached_[slot]);
    auto left = tokens - engine.trust * static_cast<double>(option->cached_tokens);
    option->prefill_s = left * option->token_s;
    ++option;
  }
  for (const auto& match : found) cached_[match.engine] = 0;
}

const engine_option* engine_chooser::place_of(std::uint64_t session) const {
  const auto& place = sessions_[session % sessions_max];
  if (place.key != session || fleet_.at(place.engine).life != place.life) return nullptr;
  auto is_it = [&](const auto& option) { return option.engine == place.engine; };
  auto found = std::find_if(options_.begin(), options_.end(), is_it);
  return found == options_.end() ? nullptr : &*found;
}

engine_chooser::choice engine_chooser::choose(const prompt_blocks& prompt, std::uint64_t session,
                                              std::span<const engine_slot> eligible, double now_s) {
  fill_in(prompt, eligible, now_s);
  auto place =
      policy_->choose({.prompt = prompt, .session = session, .options = options_}, random_);
  const auto* chosen = &options_[place];
  if (session != 0)
    if (const auto* before = place_of(session);
        before != nullptr &&
        before->ttft_s() <= session_factor_ * chosen->ttft_s() + session_slack_s)
      chosen = before;
  return {.engine = chosen->engine,
          .wait_s = chosen->wait_s,
          .ttft_s = chosen->ttft_s(),
          .cached_tokens = chosen->cached_tokens};
}

void engine_chooser::assign(std::uint64_t id, const choice& chosen, const prompt_blocks& prompt,
                            std::uint64_t session, double now_s) {
  auto& engine = fleet_.at(chosen.engine);
  call sent{.engine = chosen.engine,
            .life = engine.life,
            .found_idle = engine.in_flight() == 0 && engine.free_at_s <= now_s,
            .predicted_cached = chosen.cached_tokens,
            .predicted_tokens = prompt.tokens};
  auto cached = engine.trust * static_cast<double>(chosen.cached_tokens);
  fleet_.assign(chosen.engine, static_cast<double>(prompt.tokens) - cached, now_s);
  sent.deepest = index_.learn(chosen.engine, prompt.hashes);
  policy_->on_assigned(chosen.engine);
  if (session != 0) sessions_[session % sessions_max] = {session, chosen.engine, engine.life};
  if (id != 0 && calls_.size() < calls_max) calls_.insert_or_assign(id, sent);
}

bool engine_chooser::finish(std::uint64_t id, const outcome& end, double now_s) {
  auto found = calls_.find(id);
  if (found == calls_.end()) return false;
  auto sent = found->second;
  calls_.erase(found);
  fleet_.finish(sent.engine, now_s);
  if (end.failed || end.prompt_tokens == 0 || fleet_.at(sent.engine).life != sent.life) return true;
  // In tokens as the router counts them, by bytes: so its estimates are seconds all the same.
  auto tokens = static_cast<double>(sent.predicted_tokens);
  auto cached = tokens * static_cast<double>(std::min(end.cached_tokens, end.prompt_tokens)) /
                static_cast<double>(end.prompt_tokens);
  auto predicted = static_cast<double>(sent.predicted_cached);
  fleet_.learn(sent.engine, {.computed_tokens = tokens - cached,
                             .first_token_s = end.first_token_s,
                             .completion_tokens = static_cast<double>(end.completion_tokens),
                             .writing_s = end.total_s - end.first_token_s,
                             .total_s = end.total_s,
                             .found_idle = sent.found_idle,
                             .predicted_cached = predicted,
                             .cached = cached});
  // Engines cut prefixes to blocks of their own.
  if (cached < 0.9 * predicted) index_.forget_until(sent.engine, sent.deepest);
  return true;
}

}  // namespace tandem
