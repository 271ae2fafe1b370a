#include "actors/router/engine_picker.hpp"

#include <algorithm>
#include <functional>

#include "actors/warm_up/warm_words.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr double us_per_s = 1e6;

double seconds(std::uint64_t now_ms) {
  return static_cast<double>(now_ms) / 1'000;
}

/// One byte tells them apart.
std::string_view letter(std::uint16_t number) {
  static constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz";
  return letters.substr(number % letters.size(), 1);
}

std::unique_ptr<engine_chooser> make_chooser(engine_choice_config config, std::uint64_t seed) {
  if (auto made = engine_chooser::make(config, seed)) return made;
  config.policy = engine_choice_config{}.policy;
  return engine_chooser::make(config, seed);
}

}  // namespace

engine_picker::engine_picker(const engine_choice_config& config, const seeds& from)
    : chooser_{make_chooser(config, from.draws)}, hasher_{from.hashes}, hash_seed_{from.hashes} {}

void engine_picker::set(engine_slot slot, std::uint32_t concurrency, bool remote) {
  auto& engine = chooser_->fleet().at(slot);
  engine.concurrency = std::max(concurrency, 1u);
  engine.bias_s = remote ? remote_hop_s : 0;
}

void engine_picker::cut(schema::Purpose purpose, schema::Attempt::Reader attempt) {
  parts_.clear();
  if (chooser_->policy().needs_cache()) {
    // What a model is told before the first message depends on what the call is for.
    parts_.push_back({letter(static_cast<std::uint16_t>(purpose)), {}});
    for (auto message : attempt.getMessages())
      parts_.push_back(
          {letter(static_cast<std::uint16_t>(message.getRole())), view(message.getContent())});
  }
  hasher_.from_text(parts_, prompt_);
}

void engine_picker::learn(engine_slot slot, schema::Attempt::Reader read) {
  cut(worded_as(read), read);
  chooser_->index().learn(slot, prompt_.hashes);
}

void engine_picker::read(schema::RouteQuery::Reader query, schema::Attempt::Reader attempt) {
  cut(query.getPurpose(), attempt);
  prompt_.tokens = (std::uint64_t{query.getPromptBytes()} + 3) / 4;
  auto session = view(query.getSession());
  session_ =
      session.empty() ? 0 : spread_bits(std::hash<std::string_view>{}(session) ^ hash_seed_) | 1;
}

engine_chooser::choice engine_picker::choose(std::span<const engine_slot> eligible,
                                             std::uint64_t now_ms) {
  return chooser_->choose(prompt_, session_, eligible, seconds(now_ms));
}

void engine_picker::assign(std::uint64_t decision, const engine_chooser::choice& chosen,
                           std::uint64_t now_ms) {
  chooser_->assign(decision, chosen, prompt_, session_, seconds(now_ms));
}

void engine_picker::settle(engine_slot slot, schema::Reward::Reader outcome, std::uint64_t now_ms) {
  auto first = outcome.getFirstTokenUs();
  auto total = outcome.getLatencyUs();
  // Of an answer that came in one piece nothing is known but its end.
  auto streamed = first < total || outcome.getCompletionTokens() <= 1;
  auto queued = std::min(outcome.getQueueUs(), first);
  auto known = chooser_->finish(
      outcome.getDecision(),
      {.prompt_tokens = outcome.getPromptTokens(),
       .cached_tokens = outcome.getCachedPromptTokens(),
       .completion_tokens = outcome.getCompletionTokens(),
       .first_token_s = streamed ? static_cast<double>(first - queued) / us_per_s : 0,
       .total_s = static_cast<double>(total - std::min(queued, total)) / us_per_s,
       // A cache had it: the engine has read nothing.
       .failed = outcome.getFailed() || outcome.getFromCache()},
      seconds(now_ms));
  if (!known) chooser_->finish_unknown(slot, seconds(now_ms));
}

}  // namespace tandem
