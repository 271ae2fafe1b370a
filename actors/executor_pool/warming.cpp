// What calls begin with is remembered, and replayed on engines of this node that have begun to
// serve with a cold prefix cache. The engine itself refuses it while it has work, and stops it for
// work.

#include <algorithm>
#include <climits>

#include "actors/engine/engine.hpp"
#include "actors/executor_pool/executor_pool.hpp"
#include "actors/router/engines/prompt_blocks.hpp"
#include "actors/warm_up/warm_words.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// Before an engine that had work is asked again.
constexpr std::chrono::milliseconds busy_pause{500};
constexpr double look_pause_s = 10;
constexpr std::size_t guests_warmed_max = 4'096;

/// One byte tells them apart.
std::string_view role_letter(schema::Role role) {
  static constexpr std::string_view letters = "0123456789";
  return letters.substr(static_cast<std::size_t>(role) % letters.size(), 1);
}

/// Whether it can be said again from its messages alone.
bool is_repeatable(schema::Attempt::Reader call) {
  if (call.getCache() == schema::CacheUse::OFF || call.getPurpose() == schema::Purpose::WARM ||
      call.hasClient())
    return false;
  // A plan's template stands around its last message, and around what has failed.
  return call.getPurpose() != schema::Purpose::PLAN ||
         (call.getMessages().size() == 1 && call.getPlanError().size() == 0 &&
          call.getFinished().size() == 0);
}

std::string life_of(schema::EngineStatus::Reader status, const engine_actor& engine) {
  return std::string{view(status.getWeightVersion())} + '/' +
         std::to_string(status.getProcessId()) + '/' + std::to_string(engine.id());
}

tmsg::attempt warm_attempt(const prefix_memory::prefix& prefix, std::uint64_t incarnation,
                           std::uint32_t number) {
  message_builder<schema::Attempt> out;
  auto fence = out->initFence();
  fence.initJob().setJournal(incarnation);
  fence.setEpoch(UINT32_MAX);
  fence.setStep(number);
  out->setPurpose(schema::Purpose::WARM);
  out->setKind(warm_kind(static_cast<schema::Purpose>(prefix.purpose)));
  out->setStepsMax(prefix.steps_max);
  auto messages = out->initMessages(static_cast<unsigned>(prefix.turns.size()));
  for (unsigned i = 0; i < messages.size(); ++i) {
    messages[i].setRole(static_cast<schema::Role>(prefix.turns[i].role - '0'));
    messages[i].setContent(prefix.turns[i].text);
  }
  out->setMaxTokens(1);
  out->setPriority(INT8_MIN);
  out->setCache(schema::CacheUse::OFF);
  return out.finish();
}

tmsg::decisn warm_decision(schema::EngineStatus::Reader engine) {
  message_builder<schema::Decision> out;
  out->setModel(engine.getModel());
  out->setTier(engine.getTier());
  out->setEngine(engine.getName());
  out->setWeightVersion(engine.getWeightVersion());
  out->setProfile(engine.getProfile());
  out->setPropensity(1);
  return out.finish();
}

}  // namespace

double executor_pool_state::warm_now(pointer self) {
  return std::chrono::duration<double>(self->clock().now().time_since_epoch()).count();
}

void executor_pool_state::start_warming(std::uint64_t seed) {
  warmer = std::make_unique<engine_warmer>(
      engine_warmer::settings{.budget_tokens = config.cache.warm_up_tokens}, seed);
}

std::vector<engine_warmer::awaited> executor_pool_state::note_call(
    pointer self, schema::Attempt::Reader call, schema::Decision::Reader decision,
    std::string_view engine) {
  if (warmer->is_off() || !is_repeatable(call)) return {};
  auto now = warm_now(self);
  if (now >= warm_look_s) {
    warm_look_s = now + look_pause_s;
    warmer->expire(now);
  }
  warm_parts.clear();
  for (auto message : call.getMessages())
    warm_parts.push_back({role_letter(message.getRole()), view(message.getContent())});
  prefix_memory::call seen{.model = view(decision.getModel()),
                           .purpose = static_cast<std::uint16_t>(call.getPurpose()),
                           .messages = warm_parts};
  if (call.getPurpose() == schema::Purpose::PLAN) seen.steps_max = call.getStepsMax();
  auto known = services.growth.find(seen.model);
  if (known != services.growth.end() && seen.purpose < known->second.heads.size())
    seen.head_tokens = known->second.heads[seen.purpose] / 4;
  warmer->memory().note(seen, now, chain);
  auto expected = warmer->expected(engine, chain);
  auto job = call.getFence().getJob();
  for (const auto& name : warmer->on_call({.job = spread_bits(job.getJournal()) ^ job.getNumber(),
                          .model = seen.model,
                          .purpose = seen.purpose,
                          .kind = view(call.getKind()),
                          .chain = chain,
                          .engine = engine},
                                          now))
    warm_next(self, name);
  return expected;
}

void executor_pool_state::note_guest(pointer self, const std::string& engine,
                                     schema::Attempt::Reader call,
                                     schema::Decision::Reader decision) {
  auto expected = note_call(self, call, decision, engine);
  if (expected.empty()) return;
  // Those that never ended well; forgetting them costs a count.
  if (guests_warmed.size() >= guests_warmed_max) guests_warmed.clear();
  guests_warmed.insert_or_assign(fence_key{call.getFence()}, std::move(expected));
}

void executor_pool_state::note_guest_use(const std::string& engine,
                                         schema::AttemptResult::Reader result) {
  auto found = guests_warmed.find(fence_key{result.getFence()});
  if (found == guests_warmed.end()) return;
  warmer->on_used(engine, found->second, result.getUsage().getCachedPromptTokens());
  guests_warmed.erase(found);
}

void executor_pool_state::note_use(const flight& done, schema::AttemptResult::Reader result) {
  if (done.warmed.empty()) return;
  warmer->on_used(view(done.decision.read()->getEngine()), done.warmed,
                  result.getUsage().getCachedPromptTokens());
}

void executor_pool_state::on_engine(pointer self, const tmsg::engstat& status,
                                    const engine_actor& engine) {
  auto reader = status.read();
  std::string name{view(reader->getName())};
  auto& place = warm_places[name];
  place = {.handle = engine, .status = status, .life = life_of(*reader, engine)};
  if (warmer->on_engine(
          {.name = name,
           .model = view(reader->getModel()),
           .life = place.life,
           .serves = reader->getHealth() == schema::Health::HEALTHY || reader->getWarming()},
          warm_now(self)))
    return warm_next(self, name);
  tell_warm(self, name);
}

void executor_pool_state::tell_warm(pointer self, const std::string& name) {
  auto found = warm_places.find(name);
  if (found == warm_places.end() || !found->second.status.read()->getWarming()) return;
  if (warmer->is_warming(name)) return;
  self->send(caf::actor_cast<engine_inside>(found->second.handle), warm_atom_v);
}

void executor_pool_state::warm_next(pointer self, const std::string& name) {
  auto found = warm_places.find(name);
  if (found == warm_places.end()) return;
  auto next = warmer->next(name, warm_now(self));
  if (!next) return tell_warm(self, name);
  const auto& place = found->second;
  auto attempt = warm_attempt(*next, services.incarnation, ++warm_calls);
  auto decision = warm_decision(*place.status.read());
  // Answered when the engine has read it, or dies.
  self->request(place.handle, caf::infinite, attempt_atom_v, attempt, decision, chunk_sink{})
      .then(
          [self, name, life = place.life, attempt, decision](const tmsg::attres& result) {
            self->state.on_warmed(self, name, life, attempt, decision, result);
          },
          [self, name, life = place.life](const caf::error&) {
            auto& state = self->state;
            state.warmer->on_reply(name, life, engine_warmer::outcome::failed, 0, warm_now(self));
            state.warm_next(self, name);
          });
}

void executor_pool_state::on_warmed(pointer self, const std::string& name, const std::string& life,
                                    const tmsg::attempt& sent, const tmsg::decisn& decision,
                                    const tmsg::attres& result) {
  using outcome = engine_warmer::outcome;
  auto reader = result.read();
  auto code = reader->getError().getCode();
  auto busy = code == schema::Errc::OVERLOADED || code == schema::Errc::UNAVAILABLE ||
              code == schema::Errc::CANCELLED;
  auto how = code == schema::Errc::UNKNOWN ? outcome::read : busy ? outcome::busy : outcome::failed;
  auto prompt = reader->getUsage().getPromptTokens();
  auto cached = std::min(reader->getUsage().getCachedPromptTokens(), prompt);
  warmer->on_reply(name, life, how, prompt - cached, warm_now(self));
  if (busy) return self->delayed_send(self, busy_pause, warm_atom_v, name);
  if (how == outcome::read)
    self->send(caf::actor_cast<router_inside>(router), warm_atom_v, sent, decision);
  warm_next(self, name);
}

void executor_pool_state::write_warm(pointer self, schema::WarmCounts::Builder out) {
  warmer->expire(warm_now(self));
  const auto& total = warmer->total();
  out.setNode(services.node);
  out.setReplayed(total.replayed);
  out.setUsed(total.used);
  out.setWasted(total.wasted);
  out.setTokens(total.tokens);
  out.setKnown(warmer->memory().size());
}

}  // namespace tandem
