#include "actors/executor_pool/executor_pool.hpp"

#include <algorithm>
#include <random>

#include "actors/cache_shard/cache_entry.hpp"
#include "actors/clock.hpp"
#include "actors/engine/admission/attempt_tokens.hpp"
#include "actors/job/job_records.hpp"
#include "actors/metrics/node_metrics.hpp"
#include "actors/status.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::chrono::milliseconds timeout_default{std::chrono::minutes{10}};
/// How long engines have to say what a stopped call has cost.
constexpr std::chrono::milliseconds stop_grace{1000};

/// A year: longer ones, from another node, would overflow the clock.
constexpr std::uint64_t timeout_ms_max = 365ull * 86'400'000;

std::chrono::milliseconds timeout_of(schema::Attempt::Reader attempt) {
  return attempt.getTimeoutMs() == 0
             ? timeout_default
             : std::chrono::milliseconds{std::min(attempt.getTimeoutMs(), timeout_ms_max)};
}

}  // namespace

tmsg::attres failed_attempt(schema::Fence::Reader fence, errc code, std::string_view message) {
  message_builder<schema::AttemptResult> result;
  result->setFence(fence);
  result->setFinish(schema::Finish::ERROR);
  write_error(result->initError(), code, message);
  return result.finish();
}

executor_pool_state::~executor_pool_state() {
  auto err = make_error(errc::unavailable, "the executor pool has stopped");
  for (auto& [fence, work] : attempts)
    if (!work.orphan) work.promise.deliver(err);
}

void executor_pool_state::take(pointer self, const tmsg::attempt& attempt, const chunk_sink& sink,
                               caf::typed_response_promise<tmsg::attres> promise) {
  const kept_message<schema::Attempt> kept{attempt};
  const auto& reader = kept.read();
  fence_key fence{reader->getFence()};
  auto room = in_flight < config.in_flight_max;
  auto placed = attempts.count(fence) == 0 ? line::outcome::waits : line::outcome::twice;
  if (!room && placed == line::outcome::waits)
    placed = waiting.push({.priority = reader->getPriority(),
                           .tenant = view(reader->getTenant()),
                           .fence = fence,
                           .tokens = estimated_tokens(*reader)},
                          fence_key{fence});
  if (placed != line::outcome::waits) {
    promise.deliver(failed_attempt(reader->getFence(), errc::overloaded,
                                   placed == line::outcome::tenant_full
                                       ? "the tenant has all its places in the executor's queue "
                                         "(three quarters of executor.queue_max)"
                                       : "the executor's queue is full (executor.queue_max)"));
    return;
  }
  // Most have the same time, so that the last to come is the last to be over.
  auto deadline = timers.emplace_hint(timers.end(), self->clock().now() + timeout_of(*reader),
                                      timer{.fence = fence, .kind = timer_kind::deadline});
  auto& of = attempts.try_emplace(fence).first->second;
  of.attempt = kept;
  if (services.trace && reader->getTrace().getSampled()) begin_trace(of);
  of.call = of.attempt;
  of.sink = sink;
  of.promise = std::move(promise);
  enter_pins(of);
  of.deadline = deadline;
  set_timer(self);
  if (room) begin(self, fence);
}

void executor_pool_state::begin(pointer self, const fence_key& fence) {
  ++in_flight;
  hedging.on_attempt();
  auto& of = attempts.at(fence);
  const auto& reader = of.attempt.read();
  if (reader->getPurpose() == schema::Purpose::WAY) return choose_way(self, fence);
  if (reader->getPurpose() != schema::Purpose::VERIFY) return route(self, fence, false);
  // The last message is what is to be verified; no engine writes anything.
  message_builder<schema::AttemptResult> given;
  given->setFence(reader->getFence());
  given->setFinish(schema::Finish::STOP);
  if (auto messages = reader->getMessages(); messages.size() != 0)
    given->setText(messages[messages.size() - 1].getContent());
  given->setDecision(reader->getJudged());
  of.answer = given.finish();
  verify(self, fence);
}

void executor_pool_state::reply(pointer self, const fence_key& fence, tmsg::attres result) {
  auto found = attempts.find(fence);
  if (found == attempts.end()) return;
  abandon(self, found->second);
  leave_pins(found->second, *result.read());
  auto done = std::move(found->second);
  timers.erase(done.deadline);
  if (done.hedge_set) timers.erase(done.hedge);
  attempts.erase(found);
  ++handled;
  const auto& unserved = done.cached[0];
  // A job's record says why nothing was cached. Nobody would read it of a client's call, most of
  // which are sampled, and it costs a copy of the answer.
  auto is_noted = !unserved.reason.empty() && !done.attempt.read()->hasClient();
  if (done.others.calls != 0 || done.others.cache_hits != 0 || done.hedged ||
      !done.refusals.empty() || is_noted) {
    message_builder<schema::AttemptResult> whole;
    whole.copy(*result.read());
    auto usage = done.others;
    usage.add(result.read()->getUsage());
    usage.write(whole->initUsage());
    whole->setHedged(done.hedged);
    auto refusals = whole->initRefusals(static_cast<unsigned>(done.refusals.size()));
    for (unsigned i = 0; i < refusals.size(); ++i) refusals.set(i, text(done.refusals[i]));
    if (!unserved.served && !unserved.reason.empty()) {
      auto note = whole->initCache();
      note.setReason(unserved.reason);
      note.setNode(unserved.node);
      if (unserved.id != 0) note.setKey(as_data(unserved.key.key));
    }
    result = whole.finish();
  }
  if (services.metrics)
    services.metrics->on_attempt(done.attempt.read()->getPurpose(), *result.read());
  if (done.arrived_ns != 0) record_trace(done, *result.read());
  if (!done.orphan) done.promise.deliver(std::move(result));
  --in_flight;
  // What is over as soon as it begins comes back here: the loop that began it goes on.
  if (std::exchange(admitting, true)) return;
  while (in_flight < config.in_flight_max) {
    auto next = waiting.pop();
    if (!next) break;
    begin(self, *next);
  }
  admitting = false;
}

void executor_pool_state::fail(pointer self, const fence_key& fence, errc code,
                               std::string_view message) {
  auto found = attempts.find(fence);
  if (found == attempts.end()) return;
  auto& of = found->second;
  // What was done for it has its price all the same.
  for (const auto* part : {&of.result, &of.answer})
    if (!part->empty()) of.others.add(part->read()->getUsage());
  reply(self, fence, failed_attempt(of.attempt.read()->getFence(), code, message));
}

void executor_pool_state::stop(pointer self, const fence_key& fence, errc code,
                               std::string reason) {
  auto& of = attempts.at(fence);
  if (waiting.take(fence)) ++in_flight;  // reply() counts it down again
  of.stopped = code;
  of.stop_reason = std::move(reason);
  // Nothing to wait for, or waited long enough.
  if (of.calls == 0) return fail(self, fence, code, std::string{of.stop_reason});
  timers.erase(of.deadline);
  of.deadline = timers.emplace(self->clock().now() + stop_grace,
                               timer{.fence = fence, .kind = timer_kind::deadline});
  set_timer(self);
  cancel_calls(self, fence, of.stop_reason);
}

void executor_pool_state::cancel(pointer self, const fence_key& fence, std::string_view reason) {
  auto found = attempts.find(fence);
  if (found == attempts.end() || found->second.stopped != errc::unknown) return;
  if (leave_softly(self, fence, reason)) return;
  stop(self, fence, errc::cancelled, std::string{reason});
}

void executor_pool_state::set_timer(pointer self) {
  if (timers.empty() || timers.begin()->first >= timer_at) return;
  timer_at = timers.begin()->first;
  auto pause = std::max(clock::duration::zero(), timer_at - self->clock().now());
  // Rounded up, so that many of them share one message.
  self->delayed_send(
      self, std::chrono::ceil<std::chrono::milliseconds>(pause) + std::chrono::milliseconds{10},
      expire_atom_v);
}

void executor_pool_state::expire(pointer self) {
  timer_at = clock::time_point::max();
  auto now = self->clock().now();
  while (!timers.empty() && timers.begin()->first <= now) {
    auto [fence, kind] = timers.begin()->second;
    if (kind == timer_kind::hedge) {
      hedge(self, fence);
      continue;
    }
    auto& late = attempts.at(fence);
    if (kind == timer_kind::lookup) {
      auto& cached = cached_of(late);
      send_leave(self, cached, true);
      go_on_alone(self, fence,
                  "node '" + cached.node + "', which may have it, did not answer in time");
      continue;
    }
    if (late.leaving) {
      late.leaving = false;
      stop(self, fence, errc::cancelled, std::move(late.stop_reason));
      continue;
    }
    if (late.stopped != errc::unknown) {
      fail(self, fence, late.stopped, std::string{late.stop_reason});
      continue;
    }
    stop(self, fence, errc::deadline_exceeded,
         "no reply within " + std::to_string(timeout_of(*late.attempt.read()).count()) + " ms");
  }
  set_timer(self);
}

executor_pool_inside::behavior_type executor_pool_behavior(executor_pool_state::pointer self,
                                                           const executor_pool_config& config,
                                                           router_actor router,
                                                           executor_pool_services services) {
  auto& state = self->state;
  state.config = config;
  state.services = std::move(services);
  state.router = std::move(router);
  state.waiting = executor_pool_state::line{config.queue_max};
  state.hedging = hedge_policy{config.hedging};
  state.answers = answer_cache{config.cache};
  state.engines = attempt_port{self};
  auto seed = state.services.seed;
  if (seed == 0) seed = std::uint64_t{std::random_device{}()} << 32 | std::random_device{}();
  state.start_warming(seed);
  // What an earlier pool had reserved died with it.
  if (state.services.tenants) state.services.tenants->forget_reservations();
  return {
      [self](attempt_atom, const tmsg::attempt& attempt, const chunk_sink& sink) {
        auto promise = self->make_response_promise<tmsg::attres>();
        self->state.take(self, attempt, sink, promise);
        return promise;
      },
      [self](cancel_atom, const tmsg::cancel& cancel) {
        auto reader = cancel.read();
        self->state.cancel(self, fence_key{reader->getFence()}, view(reader->getReason()));
      },
      [self](reward_atom, const tmsg::reward& reward) {
        auto reader = reward.read();
        auto of_plan = reader->getCacheKey().size() != 0;
        if (of_plan) self->state.on_plan_reward(self, *reader);
        if (!of_plan || reader->getDecision() != 0)
          self->send(self->state.router, reward_atom_v, reward);
      },
      [self](expire_atom) { self->state.expire(self); },
      [self](status_atom) {
        auto& state = self->state;
        return actor_status({.name = "executor_pool",
                             .kind = "executor_pool",
                             .parent = "supervisor",
                             .mailbox_depth = self->mailbox().size(),
                             .in_flight = state.in_flight,
                             .queued = state.waiting.size(),
                             .handled = state.handled,
                             .noun = "attempts"});
      },
      [self](cache_atom, const tmsg::cachcmd& command) {
        auto promise = self->make_response_promise<tmsg::cachrpt>();
        self->state.command(self, command, promise);
        return promise;
      },
      [self](embed_atom, std::uint64_t id, const embedding& vector) {
        self->state.on_embedding(self, id, vector);
      },
      [self](cache_atom, const tmsg::cachrep& reply) { self->state.on_cache_reply(self, reply); },
      [self](purge_atom, const tmsg::cachprg& purge) {
        self->state.answers.purge(*purge.read(), unix_ms());
      },
      [self](member_atom, const tmsg::member& member, const peer_handles& handles) {
        auto reader = member.read();
        auto& state = self->state;
        state.on_shards(self, reader->getIncarnation(), view(reader->getName()),
                        handles.cache_shards);
        auto was_there = state.peers.erase(reader->getIncarnation()) != 0;
        std::string who{view(reader->getName())};
        if (handles.supervisor || reader->getState() == schema::MemberState::LEFT)
          state.lost.erase(who);
        else if (was_there && state.lost.size() < executor_pool_state::lost_max)
          state.lost.insert_or_assign(who, self->clock().now());
        if (handles.supervisor)
          state.peers.emplace(
              reader->getIncarnation(),
              executor_pool_state::peer{std::move(who),
                                        caf::actor_cast<cache_reporter>(handles.supervisor)});
      },
      [self](wire_atom, std::uint32_t number, const cache_shard_actor& shard) {
        auto& state = self->state;
        if (state.own_shards.size() <= number) state.own_shards.resize(number + 1);
        state.own_shards[number] = caf::actor_cast<caf::actor>(shard);
        state.on_shards(self, state.services.incarnation, state.services.node, state.own_shards);
      },
      [self](pin_atom, const tmsg::wtpin& question) {
        return self->state.count_pins(*question.read());
      },
      [self](engine_atom, const tmsg::engstat& status, const engine_actor& engine) {
        self->state.on_engine(self, status, engine);
      },
      [self](gone_atom, const std::string& name) {
        self->state.warmer->on_gone(name);
        self->state.warm_places.erase(name);
      },
      [self](warm_atom, const std::string& name) { self->state.warm_next(self, name); },
      [self](warm_atom, const std::string& engine, const tmsg::attempt& call,
             const tmsg::decisn& decision) {
        self->state.note_guest(self, engine, *call.read(), *decision.read());
      },
      [self](warm_atom, const std::string& engine, const tmsg::attres& result) {
        self->state.note_guest_use(engine, *result.read());
      },
      [self](wire_atom, const router_actor& router) { self->state.router = router; },
      [self](done_atom, std::uint64_t id, const command_verdict& result) {
        auto& state = self->state;
        auto found = state.checks.find(id);
        if (found == state.checks.end()) return;
        auto fence = found->second;
        state.checks.erase(found);
        if (!result.broken.empty())
          state.on_checked(self, fence, result.broken, errc::engine_failed);
        else
          state.on_checked(self, fence, result.misfit);
      },
      [self](done_atom, std::uint64_t id, const tmsg::attres& result) {
        if (self->state.engines.is_from_it(self->current_sender()))
          self->state.on_reply(self, id, result);
      },
      [self](done_atom, std::uint64_t id, const caf::error& err) {
        if (self->state.engines.is_from_it(self->current_sender()))
          self->state.on_no_reply(self, id, err);
      }};
}

}  // namespace tandem
