// What the caches have to do with an attempt: asked once its model is known, before its engine;
// told of what was computed once that is verified.

#include <algorithm>
#include <utility>

#include <caf/send.hpp>

#include "actors/cache_shard/cache_entry.hpp"
#include "actors/cache_shard/plan_compare.hpp"
#include "actors/clock.hpp"
#include "actors/executor_pool/cache_scope.hpp"
#include "actors/executor_pool/executor_pool.hpp"
#include "actors/job/job_records.hpp"
#include "actors/metrics/node_metrics.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// A shard that says nothing for as long is done without. Longer than a burst keeps a pool busy:
/// its answer waits in the same mailbox. A node that is lost is known from the mesh before.
constexpr std::chrono::milliseconds shard_patience{5000};
/// A cancelled call asks whether others wait for it; then it is cancelled.
constexpr std::chrono::milliseconds leave_patience{250};
/// Behind everything that somebody waits for.
constexpr std::int8_t refresh_priority = -100;

}  // namespace

executor_pool_state::cached_call& executor_pool_state::cached_of(work& of) {
  return of.cached[of.at == stage::judging ? 1 : 0];
}

bool executor_pool_state::look_up(pointer self, work& of, const fence_key& fence,
                                  const tmsg::decisn& decision, const engine_actor& engine) {
  auto& cached = cached_of(of);
  auto made = decision.read();
  if (cached.at != cached_call::place::none || !answers.keeps(view(made->getTier()))) return false;
  const auto& call = of.call.read();
  cached.at = cached_call::place::over;
  if (auto why = why_not_cached(*call, answers.config().sampled); !why.empty()) {
    cached.reason = why;
    return false;
  }
  if (view(call->getCheck().getKind()) == "judge" && config.verification.judge_share < 1) {
    cached.reason = "only some of its answers are verified (verification.judge_share)";
    return false;
  }
  // Without them, an answer could outlive the weights and the templates that made it.
  if (made->getWeightVersion().size() == 0 || made->getProfile() == 0) {
    cached.reason = "the engine does not say which weights or templates it has";
    return false;
  }
  ++answers.served(view(made->getTier()), view(call->getTenant()), view(made->getModel())).asked;
  cached.key = key_of(*call, *made);
  cached.decision = decision;
  cached.engine = engine;
  // A call that has failed already is not answered by what was kept of it.
  auto anew = call->getCache() == schema::CacheUse::REFRESH || call->getTries() != 0;
  message_builder<schema::CacheQuery> query;
  write_scope(query->initScope(), *call, *made);
  if (!anew) {
    auto entry = answers.find(cached.key.key, query->asReader().getScope(), unix_ms());
    if (!entry.empty()) {
      serve(self, of, fence, *entry.read(), 1);
      return true;
    }
  }
  const auto* shard =
      cached.key.place != 0 ? answers.owner(cached.key.place) : answers.owner(cached.key.key);
  if (shard == nullptr) {
    cached.reason = "no node keeps entries now";
    // What this pool computes it keeps itself.
    cached.at = cached_call::place::alone;
    return false;
  }
  cached.id = next_lookup++;
  cached.shard = shard->incarnation;
  cached.owner = shard->handle;
  cached.node = shard->node;
  cached.at = cached_call::place::asking;
  lookups.emplace(cached.id, lookup{fence, of.at});
  query->setId(cached.id);
  query->setAsker(services.incarnation);
  query->setKey(as_data(cached.key.key));
  query->setVariant(cached.key.variant);
  query->setRefresh(anew);
  query->setWaitMs(call->getTimeoutMs());
  // Not after a failed plan, nor where steps of this one are done.
  if (auto goal = goal_of(*call);
      !goal.empty() && call->getPlanError().size() == 0 && call->getFinished().size() == 0) {
    auto plan = query->initPlan();
    plan.setText(text(goal));
    plan.setPlace(cached.key.place);
  }
  auto patience = shard_patience;
  if (query->hasPlan() && services.embeddings) {
    patience += services.embeddings->config().timeout;
    cached.query = query.finish();
    auto me = executor_pool_inside{self};
    services.embeddings->embed(goal_of(*call), [me, id = cached.id](caf::expected<embedding> got) {
      caf::anon_send(me, embed_atom_v, id, got ? std::move(*got) : embedding{});
    });
  } else {
    self->send(cached.owner, cache_atom_v, query.finish());
  }
  cached.timer = timers.emplace(self->clock().now() + patience,
                                timer{.fence = fence, .kind = timer_kind::lookup});
  cached.timer_set = true;
  set_timer(self);
  return true;
}

void executor_pool_state::on_embedding(pointer self, std::uint64_t id, const embedding& vector) {
  auto asked = lookups.find(id);
  auto found = asked == lookups.end() ? attempts.end() : attempts.find(asked->second.fence);
  if (found == attempts.end() || cached_of(found->second).id != id) return;
  auto& cached = cached_of(found->second);
  auto query = std::exchange(cached.query, {});
  if (query.empty() || cached.at != cached_call::place::asking) return;
  if (vector) {
    cached.vector = vector;
    message_builder<schema::CacheQuery> with;
    with.copy(*query.read());
    auto list = with->getPlan().initEmbedding(static_cast<unsigned>(vector->size()));
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, (*vector)[i]);
    query = with.finish();
  }
  self->send(cached.owner, cache_atom_v, query);
}

void executor_pool_state::end_lookup(cached_call& cached) {
  if (cached.timer_set) timers.erase(cached.timer);
  cached.timer_set = false;
  lookups.erase(cached.id);
}

void executor_pool_state::go_on_alone(pointer self, const fence_key& fence, std::string reason) {
  auto& of = attempts.at(fence);
  auto& cached = cached_of(of);
  end_lookup(cached);
  auto had_load = cached.at == cached_call::place::asking;
  cached.at = cached_call::place::alone;
  cached.reason = std::move(reason);
  if (had_load) return send_to(self, fence, cached.decision, cached.engine, false);
  route(self, fence, false);
}

void executor_pool_state::on_cache_reply(pointer self, const tmsg::cachrep& reply) {
  auto reader = reply.read();
  auto id = reader->getId();
  auto asked = lookups.find(id);
  auto found = asked == lookups.end() ? attempts.end() : attempts.find(asked->second.fence);
  // Given up, which the shard has been told behind the question.
  if (found == attempts.end() || cached_of(found->second).id != id) return;
  auto fence = asked->second.fence;
  auto& of = found->second;
  auto& cached = cached_of(of);
  if (reader->getReason().size() != 0) cached.reason = view(reader->getReason());
  switch (reader->getOutcome()) {
    case schema::CacheOutcome::HIT: {
      auto entry = reader->getEntry();
      message_builder<schema::CacheScope> scope;
      write_scope(*scope, *of.call.read(), *cached.decision.read());
      // It has come from another process, perhaps of another mind.
      if (auto problem = problem_of(entry, cached.key.key, scope->asReader()); !problem.empty())
        return go_on_alone(self, fence,
                           "what node '" + cached.node + "' has is damaged: " + problem);
      end_lookup(cached);
      message_builder<schema::CacheEntry> own;
      own.copy(entry);
      answers.put(own.finish(), unix_ms());
      if (reader->getRefresh()) compute_anew(self, of);
      return serve(self, of, fence, entry, reader->getWaited() ? 2 : reader->getLevel());
    }
    case schema::CacheOutcome::NEAR:
      return serve_near(self, of, fence, reply);
    case schema::CacheOutcome::WAIT:
      if (cached.at != cached_call::place::asking) return;
      timers.erase(cached.timer);
      cached.timer_set = false;
      cached.at = cached_call::place::waiting;
      // Its engine is not kept waiting with it.
      return give_back(self, cached.decision);
    case schema::CacheOutcome::LEAD: {
      auto had_load = cached.at == cached_call::place::asking;
      if (cached.timer_set) timers.erase(cached.timer);
      cached.timer_set = false;
      cached.at = cached_call::place::leading;
      if (reader->getLabel() != 0 && reader->hasEntry()) {
        cached.near_text = view(reader->getEntry().getResult().getText());
        cached.near_label = reader->getLabel();
      }
      if (had_load) return send_to(self, fence, cached.decision, cached.engine, false);
      return route(self, fence, false);
    }
    case schema::CacheOutcome::GO_ON:
      return leave_to_others(self, fence);
    case schema::CacheOutcome::STOP:
      if (!of.leaving && !of.orphan) return;
      of.leaving = false;
      return stop(self, fence, errc::cancelled, std::move(of.stop_reason));
    default:
      return go_on_alone(self, fence, cached.reason);
  }
}

void executor_pool_state::send_leave(pointer self, const cached_call& cached, bool failed) {
  message_builder<schema::CacheLeave> leave;
  leave->setId(cached.id);
  leave->setAsker(services.incarnation);
  leave->setKey(as_data(cached.key.key));
  leave->setFailed(failed);
  self->send(cached.owner, leave_atom_v, leave.finish());
}

void executor_pool_state::give_back(pointer self, const tmsg::decisn& decision) {
  auto made = decision.read();
  message_builder<schema::Reward> none;
  none->setDecision(made->getId());
  none->setEngine(made->getEngine());
  none->setSource(schema::RewardSource::OUTCOME);
  none->setQuality(-1);
  none->setFromCache(true);
  self->send(router, reward_atom_v, none.finish());
}

void executor_pool_state::serve(pointer self, work& of, const fence_key& fence,
                                schema::CacheEntry::Reader entry, std::uint8_t level) {
  auto& cached = cached_of(of);
  // While it waited or was adapted, its engine's load was given back already.
  if (cached.at != cached_call::place::waiting && cached.at != cached_call::place::adapting)
    give_back(self, cached.decision);
  cached.at = cached_call::place::over;
  cached.served = true;
  auto kept = entry.getResult();
  auto made = cached.decision.read();
  message_builder<schema::AttemptResult> out;
  out.copy(kept);
  out->setFence(of.attempt.read()->getFence());
  if (made->getKept()) out->setDecision(made->getId());
  auto usage = out->initUsage();
  usage.setCacheHits(1);
  usage.setSavedNanousd(kept.getUsage().getCostNanousd());
  usage.setCostAllLargeNanousd(kept.getUsage().getCostAllLargeNanousd());
  auto cost = kept.getUsage().getCostNanousd();
  if (level == 1) answers.saved(view(made->getTier()), cost);
  auto& counts = answers.served(view(made->getTier()), view(of.call.read()->getTenant()),
                                view(made->getModel()));
  counts.saved_nanousd += cost;
  if (level >= 1 && level <= counts.hits.size()) ++counts.hits[level - 1u];
  out->setTotalUs(0);
  auto note = out->initCache();
  note.setLevel(level);
  note.setNode(level == 1 ? services.node : cached.node);
  note.setKey(as_data(cached.key.key));
  if (!cached.reason.empty() && entry.getKey() != as_data(cached.key.key))
    note.setReason(cached.reason);
  if (of.at == stage::answering && of.sink && of.attempt.read()->getStream() &&
      kept.getText().size() != 0) {
    message_builder<schema::TextChunk> chunk;
    chunk->setFence(of.attempt.read()->getFence());
    auto text = kept.getText();
    chunk->setText({reinterpret_cast<const kj::byte*>(text.begin()), text.size()});
    self->send(of.sink, chunk_atom_v, chunk.finish());
  }
  ++cache_hits;
  if (services.metrics)
    services.metrics->on_cache_hit(view(made->getTier()), level, out->asReader().getUsage());
  of.won = true;
  of.result = out.finish();
  if (of.at == stage::judging) return on_verdict(self, fence);
  // It was verified before it was kept.
  reply(self, fence, std::exchange(of.result, {}));
}

void executor_pool_state::send_label(pointer self, const attempt_key& key,
                                     schema::Decision::Reader decision, std::string_view tenant,
                                     std::uint64_t label, bool wrong) {
  const auto* shard = answers.owner(key.place);
  if (shard == nullptr) return;
  message_builder<schema::PlanLabel> out;
  out->setLabel(label);
  out->setWrong(wrong);
  out->setPlace(key.place);
  out->initScope().setTier(decision.getTier());
  out->getScope().setTenant(text(tenant));
  self->send(shard->handle, label_atom_v, out.finish());
}

void executor_pool_state::compute_anew(pointer self, const work& of, std::string compare,
                                       std::uint64_t label) {
  const auto& call = of.call.read();
  message_builder<schema::Attempt> again;
  again.copy(*call);
  again->getFence().setAttempt(call->getFence().getAttempt() | refresh_bit);
  again->setPriority(refresh_priority);
  again->setStream(false);
  again->setCache(schema::CacheUse::REFRESH);
  const auto& cached = of.cached[of.at == stage::judging ? 1 : 0];
  again->setTier(cached.decision.read()->getTier());
  // It is nobody's: no job's budget pays for it.
  again->disownAllowance();
  self->request(caf::actor_cast<executor_pool_actor>(self), caf::infinite, attempt_atom_v,
                again.finish(), chunk_sink{})
      .then(
          [self, key = cached.key, decision = cached.decision, compare, label,
           tenant = std::string{view(call->getTenant())}](const tmsg::attres& result) {
            auto reader = result.read();
            if (label == 0 || reader->getError().getCode() != schema::Errc::UNKNOWN) return;
            self->state.send_label(self, key, *decision.read(), tenant, label,
                                   !is_same_plan(compare, view(reader->getText())));
          },
          [](const caf::error&) {});
}

void executor_pool_state::keep(pointer self, cached_call& cached, schema::Attempt::Reader call,
                               schema::AttemptResult::Reader result) {
  auto leads = cached.at == cached_call::place::leading;
  if (!leads && cached.at != cached_call::place::alone) return;
  auto made = cached.decision.read();
  // Another model, or other weights, than those it was looked up for.
  if (result.getModel() != made->getModel() ||
      result.getWeightVersion() != made->getWeightVersion() ||
      result.getFinish() != schema::Finish::STOP) {
    if (leads) send_leave(self, cached, true);
    return end_cached(cached);
  }
  const auto* tier = answers.config().find_tier(view(made->getTier()));
  if (tier == nullptr) return end_cached(cached);
  auto now = unix_ms();
  entry_facts facts{.key = cached.key.key,
                    .variant = cached.key.variant,
                    .tier = view(made->getTier()),
                    .tenant = view(call.getTenant()),
                    .model = view(made->getModel()),
                    .weight_version = view(made->getWeightVersion()),
                    .purpose = call.getPurpose(),
                    .created_ms = now,
                    .expires_ms = now + static_cast<std::uint64_t>(tier->ttl.count()),
                    .lead = leads ? cached.id : 0,
                    .asker = services.incarnation,
                    .goal = goal_of(call),
                    .place = cached.key.place,
                    .embedding = cached.vector ? std::span<const float>{*cached.vector}
                                               : std::span<const float>{}};
  if (call.getPurpose() == schema::Purpose::PLAN) {
    // Whether it is any good, its job's end will say.
    answers.hold_plan(facts.key, {make_entry(facts, result), 0});
    if (cached.near_label != 0)
      send_label(self, cached.key, *made, view(call.getTenant()), cached.near_label,
                 !is_same_plan(cached.near_text, view(result.getText())));
    facts.expires_ms = now;
  }
  auto entry = make_entry(facts, result);
  if (call.getPurpose() != schema::Purpose::PLAN) answers.put(entry, now);
  if (cached.owner) self->send(cached.owner, fill_atom_v, entry);
  end_cached(cached);
}

void executor_pool_state::end_cached(cached_call& cached) {
  end_lookup(cached);
  cached.at = cached_call::place::over;
}

void executor_pool_state::abandon(pointer self, work& of) {
  for (auto& cached : of.cached) {
    using place = cached_call::place;
    if (cached.at == place::leading || cached.at == place::asking || cached.at == place::waiting)
      send_leave(self, cached, true);
    if (cached.at == place::asking) give_back(self, cached.decision);
    if (cached.at == place::adapting) {
      message_builder<schema::Cancel> stop;
      stop->setFence(of.attempt.read()->getFence());
      stop->getFence().setAttempt(of.attempt.read()->getFence().getAttempt() | adapt_bit);
      stop->setReason("nobody waits for the plan any more");
      self->send(caf::actor_cast<executor_pool_actor>(self), cancel_atom_v, stop.finish());
    }
    if (cached.at != place::none) end_cached(cached);
  }
}

bool executor_pool_state::leave_softly(pointer self, const fence_key& fence,
                                       std::string_view reason) {
  auto& of = attempts.at(fence);
  auto& cached = of.cached[0];
  if (cached.at != cached_call::place::leading || of.at != stage::answering || of.calls == 0 ||
      of.leaving)
    return false;
  of.leaving = true;
  of.stop_reason = reason;
  send_leave(self, cached, false);
  timers.erase(of.deadline);
  of.deadline = timers.emplace(self->clock().now() + leave_patience,
                               timer{.fence = fence, .kind = timer_kind::deadline});
  set_timer(self);
  return true;
}

void executor_pool_state::leave_to_others(pointer self, const fence_key& fence) {
  auto& of = attempts.at(fence);
  if (!of.leaving) return;
  of.leaving = false;
  of.orphan = true;
  // What it will have cost is its tenant's; the job has not waited for it.
  of.promise.deliver(
      failed_attempt(of.attempt.read()->getFence(), errc::cancelled, of.stop_reason));
  of.sink = nullptr;
  timers.erase(of.deadline);
  auto longest = std::chrono::milliseconds{of.attempt.read()->getTimeoutMs()};
  of.deadline = timers.emplace(self->clock().now() + longest,
                               timer{.fence = fence, .kind = timer_kind::deadline});
  set_timer(self);
}

void executor_pool_state::on_shards(pointer self, std::uint64_t incarnation, std::string_view node,
                                    const std::vector<caf::actor>& shards) {
  std::vector<cache_shard_actor> now;
  for (const auto& each : shards)
    if (each) now.push_back(caf::actor_cast<cache_shard_actor>(each));
  answers.set_shards(incarnation, node, now);
  std::vector<fence_key> lost;
  for (auto& [fence, of] : attempts) {
    auto& cached = cached_of(of);
    auto gone = std::find(now.begin(), now.end(), cached.owner) == now.end();
    if (!cached.owner || cached.shard != incarnation || !gone) continue;
    if (cached.at == cached_call::place::asking || cached.at == cached_call::place::waiting)
      lost.push_back(fence);
    else if (cached.at == cached_call::place::leading)
      cached.at = cached_call::place::alone;
    cached.owner = nullptr;
  }
  for (const auto& fence : lost)
    if (attempts.count(fence) != 0)
      go_on_alone(self, fence, "node '" + std::string{node} + "', which keeps it, is gone");
}

void executor_pool_state::forget_answer(pointer self, const cache_key& key) {
  auto entry = answers.take(key);
  if (entry.empty()) return;
  const auto* shard = answers.owner(key);
  if (shard == nullptr) return;
  // One that has expired takes the place of what is there.
  message_builder<schema::CacheEntry> gone;
  gone.copy(*entry.read());
  gone->setExpiresMs(gone->getCreatedMs());
  gone->setLead(0);
  gone->setCrc(checksum(gone->asReader()));
  self->send(shard->handle, fill_atom_v, gone.finish());
}

void executor_pool_state::on_plan_reward(pointer self, schema::Reward::Reader reward) {
  if (reward.getPurpose() != schema::Purpose::PLAN) {
    if (reward.getQuality() == 0) forget_answer(self, read_key(reward.getCacheKey()));
    return;
  }
  auto held = answers.take_plan(read_key(reward.getCacheKey()));
  if (held.entry.empty()) return;
  auto reader = held.entry.read();
  const auto* shard = answers.owner(reader->getGoal().getPlace());
  auto is_verified = reward.getQuality() >= 0;
  // A job whose answer was found wrong may have had a bad plan.
  auto wrong = is_verified && reward.getQuality() < 0.5;
  if (shard != nullptr && is_verified) {
    message_builder<schema::PlanLabel> out;
    out->setEnded(true);
    out->setEntry(held.near_entry);
    out->setWrong(wrong);
    out->setPlace(reader->getGoal().getPlace());
    out->setScope(reader->getScope());
    self->send(shard->handle, label_atom_v, out.finish());
  }
  if (wrong || reward.getFailed()) return;
  auto entry = held.entry;
  if (!is_verified) {
    // Good enough for the same words; near goals get verified plans alone.
    message_builder<schema::CacheEntry> exact;
    exact.copy(*reader);
    exact->getGoal().setText("");
    exact->setCrc(checksum(exact->asReader()));
    entry = exact.finish();
  }
  answers.put(entry, unix_ms());
  if (shard != nullptr) self->send(shard->handle, fill_atom_v, entry);
}

}  // namespace tandem
