#include "actors/engine/engine.hpp"

#include <caf/send.hpp>

#include "actors/budget.hpp"
#include "actors/clock.hpp"
#include "actors/engine/make_backend.hpp"
#include "actors/engine/prompt_profile.hpp"
#include "actors/engine/usage_cost.hpp"
#include "actors/job/job_records.hpp"
#include "actors/status.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::size_t error_bytes_max = 1024;
/// A year: longer timeouts are none.
constexpr std::uint64_t timeout_ms_max = 365ull * 86'400'000;

std::uint64_t us_between(engine_state::clock::time_point from, engine_state::clock::time_point to) {
  return to <= from ? 0
                    : static_cast<std::uint64_t>(
                          std::chrono::duration_cast<std::chrono::microseconds>(to - from).count());
}

/// Where the client named no bound: half of the context, if that is less, or what a long prompt
/// leaves of it. Servers refuse a prompt and a bound that together do not fit.
std::uint32_t open_end(std::uint32_t tokens, std::uint32_t context_tokens, std::uint64_t bytes) {
  if (context_tokens == 0) return tokens;
  // More tokens than most texts have, so that the rest is there.
  auto prompt = static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes / 3, context_tokens));
  auto rest = std::max(context_tokens - prompt, context_tokens / 16);
  return std::min(tokens, std::max(std::min(rest, context_tokens / 2), 1u));
}

}  // namespace

engine_state::~engine_state() {
  auto err = make_error(errc::engine_failed, "engine '" + config.name + "' has stopped");
  while (auto next = waiting.pop()) next->promise.deliver(err);
  for (auto& [id, call] : running) call.promise.deliver(err);
  for (auto& [id, promise] : probes) promise.deliver(err);
  for (auto& drain : drains) drain.deliver(err);
  for (auto& [ticket, promise] : orders) promise.deliver(err);
  answer_warmed();
}

tmsg::attres engine_state::reply(const call& done, const generation& result) const {
  const auto& attempt = done.attempt.read();
  const auto& decision = done.decision.read();
  // A server that claims more than the call can have used does not spend more than was reserved.
  generation used;
  used.prompt_tokens = std::min(result.prompt_tokens, done.prompt_tokens_max);
  used.cached_prompt_tokens = std::min(result.cached_prompt_tokens, used.prompt_tokens);
  used.completion_tokens = std::min(result.completion_tokens, done.completion_tokens_max);
  message_builder<schema::AttemptResult> out;
  out->setFence(attempt->getFence());
  if (result.code != errc::unknown) write_error(out->initError(), result.code, result.error);
  // Beside a body too: checks and judges read the text.
  if (!result.text.empty()) out->setText(text(result.text));
  if (!result.body.empty())
    out->setBody({reinterpret_cast<const kj::byte*>(result.body.data()), result.body.size()});
  out->setFinish(result.finish);
  write_usage(out->initUsage(), used, *decision);
  out->setRetryAfterMs(static_cast<std::uint64_t>(result.retry_after.count()));
  // Another node knows it by a longer name.
  if (decision->getEngine().size() != 0)
    out->setEngine(decision->getEngine());
  else
    out->setEngine(config.name);
  out->setModel(model.name);
  out->setTier(model.tier);
  auto now = server->status();
  // What was paused while the weights changed was made by both; no cache may take it for either.
  auto version = result.weight_version.empty() ? now.weight_version : result.weight_version;
  if (result.weight_version.empty() && !done.version.empty() && done.version != version)
    version = server->abilities().swaps_in_place ? done.version : done.version + "+" + version;
  out->setWeightVersion(version);
  if (decision->getKept()) out->setDecision(decision->getId());
  auto end = steady_now();
  auto started = done.started == clock::time_point{} ? end : done.started;
  out->setQueueUs(us_between(done.arrived, started));
  auto first = done.first_token == clock::time_point{} ? end : done.first_token;
  out->setFirstTokenUs(us_between(done.arrived, first));
  out->setTotalUs(us_between(done.arrived, end));
  out->setSimulated(now.simulated);
  if (traces && done.trace.sampled) record_trace(done, out->asReader());
  return out.finish();
}

void engine_state::refuse(call& next, const engine_gate::verdict& why) {
  next.promise.deliver(reply(next, {.code = why.code,
                                    .error = why.why,
                                    .finish = schema::Finish::ERROR,
                                    .retry_after = why.retry_after}));
}

void engine_state::begin(pointer self, call next) {
  const auto& reader = next.attempt.read();
  const auto& decision = next.decision.read();
  auto request = apply_profile(model, *reader);
  std::uint64_t bytes = request.response_schema.size();
  for (const auto& message : request.messages) bytes += message.content.size();
  bytes = std::max<std::uint64_t>(bytes, request.client_body.size());
  auto server_now = server->status();
  if (request.open_ended)
    request.max_tokens = open_end(request.max_tokens, server_now.context_tokens, bytes);
  next.prompt_tokens_max = prompt_tokens_bound(bytes, request.messages.size());
  // What was reserved is never exceeded: this is the last place that can refuse.
  next.completion_tokens_max = std::uint64_t{request.max_tokens} * request.completions;
  auto bound = call_bound(next.prompt_tokens_max, next.completion_tokens_max,
                          decision->getInputPriceNanousd(), decision->getOutputPriceNanousd());
  if (auto allowed = read_budget(reader->getAllowance()); !fits(bound, allowed)) {
    gate.on_result(errc::cancelled, {}, {}, time->now(), next.trial);
    return refuse(next, {errc::budget_exceeded,
                         "the call may take " + std::to_string(bound.tokens) + " tokens and $" +
                             std::to_string(static_cast<double>(bound.cost_nanousd) * 1e-9) +
                             ", which is more than is left of the budget; submit again with more"});
  }
  auto id = next_id++;
  request.id = id;
  request.trace = next.trace;
  if (reader->getPurpose() == schema::Purpose::WARM) warm_id = id;
  next.started = steady_now();
  next.sent = time->now();
  next.stream = request.stream = reader->getStream() && next.sink;
  next.is_passed_on = !request.client_body.empty();
  next.version = std::move(server_now.weight_version);
  ids.emplace(fence_key{reader->getFence()}, id);
  running.emplace(id, std::move(next));
  handle(self, id, server->start(std::move(request)));
}

void engine_state::publish(pointer self, bool always) {
  auto now = time->now();
  // With the same health it is news all the same: the pool has to know.
  auto was_warming = gate.is_warming();
  begin_warming(self);
  always = always || was_warming != gate.is_warming();
  if (auto next = gate.next_change(now); next && *next != gate_timer) {
    gate_timer = *next;
    self->delayed_send(self, *next - now, expire_atom_v);
  }
  auto moved = limit_moved();
  if (!gate.note(now, unix_ms()) && !moved && !always) return;
  if (moved) limit_told = places();
  self->send(router, engine_atom_v, status(), caf::actor_cast<engine_actor>(self));
  refuse_waiting(self);
}

void engine_state::refuse_waiting(pointer self) {
  auto now = time->now();
  if (gate.look(now).code == errc::unknown) return;
  stop_warm(self);
  std::vector<call> kept;
  while (auto next = waiting.pop()) {
    auto verdict = gate.look(now, holds_version(*next));
    if (verdict.code == errc::unknown)
      kept.push_back(std::move(*next));
    else
      refuse(*next, verdict);
  }
  for (auto& each : kept) line_up(self, std::move(each));
}

void engine_state::drain(pointer self, bool draining) {
  gate.drain(draining);
  if (!draining)
    for (auto& drain : std::exchange(drains, {}))
      drain.deliver(make_error(errc::conflict, "engine '" + config.name + "' takes work again"));
  publish(self);
  tell_at_rest();
}

void engine_state::tell_at_rest() {
  if (!running.empty() || waiting.size() != 0) return;
  for (auto& drain : std::exchange(drains, {})) drain.deliver(caf::ok_atom_v);
}

void engine_state::read_backend(pointer self) {
  auto now = server->status();
  gate.on_health(now.health, now.reason);
  auto is_new = std::exchange(version_seen, now.weight_version) != now.weight_version;
  publish(self, is_new);
  look_at_weights(self);
}

void engine_state::handle(pointer self, std::uint64_t id, progress outcome) {
  if (auto* result = std::get_if<generation>(&outcome)) {
    finish(self, id, *result);
  } else if (auto* pause = std::get_if<std::chrono::microseconds>(&outcome)) {
    self->delayed_send(self, *pause, wake_atom_v, id);
  }
}

void engine_state::finish(pointer self, std::uint64_t id, const generation& result) {
  if (id == trial && id != 0) {
    trial = 0;
    change_weights(self, weights.on_generation(trial_number, result, weight_facts(), time->now()));
    return;
  }
  auto found = running.find(id);
  if (found == running.end()) return;
  auto done = std::move(found->second);
  running.erase(found);
  ids.erase(fence_key{done.attempt.read()->getFence()});
  if (id == warm_id) {
    // No work: nothing is counted, measured or learned from it.
    warm_id = 0;
    done.promise.deliver(reply(done, result));
    tell_at_rest();
    return look_at_weights(self);
  }
  ++requests;
  prompt_tokens += result.prompt_tokens;
  cached_prompt_tokens += result.cached_prompt_tokens;
  completion_tokens += result.completion_tokens;
  if (result.code != errc::unknown && result.code != errc::cancelled) {
    ++failures;
    last_error = result.error;
  }
  if (done.first_token == clock::time_point{}) done.first_token = result.first_text;
  busy += std::chrono::duration_cast<std::chrono::microseconds>(time->now() - done.sent);
  if (!done.cut_off) measure(done, result);
  gate.on_result(result.code, result.error, result.retry_after, time->now(), done.trial);
  // The breaker counts it, the job does not: another engine takes it, or it waits.
  if (result.is_unreached) {
    auto refused = result;
    refused.code = errc::unavailable;
    done.promise.deliver(reply(done, refused));
  } else if (done.cut_off) {
    done.promise.deliver(reply(done, as_cut_off(done, result, config.name)));
  } else {
    done.promise.deliver(reply(done, result));
  }
  publish(self);
  tell_at_rest();
  look_at_weights(self);
}

void engine_state::cancel(pointer self, const fence_key& fence) {
  if (auto waited = waiting.take(fence)) {
    waited->promise.deliver(reply(*waited, {.code = errc::cancelled,
                                            .error = "cancelled before it began",
                                            .finish = schema::Finish::CANCELLED}));
    return;
  }
  if (auto found = ids.find(fence); found != ids.end()) {
    auto id = found->second;
    running.at(id).cancelled = true;
    handle(self, id, server->cancel(id));
  }
}

tmsg::engstat engine_state::status() const {
  message_builder<schema::EngineStatus> out;
  auto now = time->now();
  auto server_now = server->status();
  out->setName(config.name);
  out->setKind(config.kind);
  out->setModel(model.name);
  out->setTier(model.tier);
  out->setWeightVersion(server_now.weight_version);
  out->setProfile(profile_number(model));
  out->setEmbeds(model.embeds);
  out->setPassesOn(config.kind == "http" || config.kind == "managed");
  out->setHealth(gate.health(now));
  if (!last_error.empty()) out->setLastError(valid_utf8(cut(last_error, error_bytes_max)));
  out->setInFlight(static_cast<std::uint32_t>(running.size()));
  out->setConcurrency(config.concurrency);
  if (config.is_adaptive() && limit.is_measured()) out->setLimit(places());
  out->setQueued(static_cast<std::uint32_t>(waiting.size()));
  out->setContextTokens(server_now.context_tokens);
  out->setRequests(requests);
  out->setFailures(failures);
  out->setPromptTokens(prompt_tokens);
  out->setCachedPromptTokens(cached_prompt_tokens);
  out->setCompletionTokens(completion_tokens);
  out->setSimulated(server_now.simulated);
  out->setHeld(gate.is_held());
  out->setWarming(gate.is_warming() && gate.health(now) == schema::Health::STARTING);
  if (auto fixed = server->abilities().fixed; !fixed.empty())
    out->setWeightsFixed(valid_utf8(fixed));
  out->setBusyUs(static_cast<std::uint64_t>(std::max<std::int64_t>(busy.count(), 0)));
  write_server(*out, server_now);
  write_gate(*out, now);
  return out.finish();
}

void engine_state::write_server(schema::EngineStatus::Builder out, const backend_status& now) {
  out.setUrl(now.url);
  out.setServer(valid_utf8(cut(now.server, error_bytes_max)));
  out.setServerRunning(now.server_running);
  out.setServerWaiting(now.server_waiting);
  out.setCacheUsageShare(now.cache_usage);
  out.setLoadAtMs(now.load_at_ms);
  out.setProcessId(now.process_id);
  out.setProcessRestarts(now.process_restarts);
}

void engine_state::write_gate(schema::EngineStatus::Builder out, clock::time_point now) const {
  out.setBreaker(gate.breaker().state(now));
  out.setOpensInARow(gate.breaker().failures_in_a_row());
  if (auto next = gate.next_change(now))
    out.setBusyUntilMs(unix_ms() + us_between(now, *next) / 1000);
  out.setRefusals(gate.refusals());
  auto changes = out.initChanges(static_cast<unsigned>(gate.changes().size()));
  for (unsigned i = 0; i < changes.size(); ++i) {
    const auto& from = gate.changes()[i];
    changes[i].setAtMs(from.at_ms);
    changes[i].setHealth(from.health);
    if (!from.reason.empty()) changes[i].setReason(valid_utf8(cut(from.reason, error_bytes_max)));
  }
}

tmsg::engrep engine_state::report(const std::vector<engine_check>& checks) const {
  message_builder<schema::EngineReport> out;
  out->setStatus(*status().read());
  auto list = out->initChecks(static_cast<unsigned>(checks.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setWhat(valid_utf8(checks[i].what));
    list[i].setOk(checks[i].ok);
    list[i].setDetail(valid_utf8(cut(checks[i].detail, error_bytes_max)));
    list[i].setTookUs(static_cast<std::uint64_t>(checks[i].took.count()));
  }
  return out.finish();
}

engine_inside::behavior_type engine_behavior(engine_state::pointer self, engine_config config,
                                             model_config model, router_actor router,
                                             const backend_services& services) {
  auto& state = self->state;
  state.config = std::move(config);
  state.model = std::move(model);
  state.router = std::move(router);
  state.traces = services.trace;
  state.waiting = engine_state::line{state.config.queue_max};
  state.limit = gradient_limit{state.config.concurrency_min, state.config.concurrency};
  state.time = &self->clock();
  state.gate = engine_gate{state.config.name, state.config.breaker};
  // Weak: the backend belongs to this actor and must not keep it alive.
  auto me = caf::actor_cast<caf::actor_addr>(self);
  auto post = [me](auto... parts) {
    if (auto target = caf::actor_cast<engine_inside>(me))
      caf::anon_send(target, std::move(parts)...);
  };
  auto mine = services;
  if (!mine.now) mine.now = [time = state.time] { return time->now(); };
  auto server = make_backend(
      state.config, mine,
      {.on_text = [post](std::uint64_t id,
                         std::string text) { post(chunk_atom_v, id, std::move(text)); },
       .on_done = [post](std::uint64_t id,
                         generation result) { post(done_atom_v, id, std::move(result)); },
       .on_status = [post] { post(wake_atom_v); }});
  if (!server) {
    self->quit(server.error());
    return engine_inside::behavior_type::make_empty_behavior();
  }
  state.server = std::move(*server);
  auto begun = state.server->status();
  state.gate.on_health(begun.health, begun.reason);
  state.version_seen = begun.weight_version;
  state.gate.drain(state.config.draining);
  if (state.config.awaits_weights && state.server->abilities().fixed.empty()) {
    state.weights.await_order();
    state.gate.on_weights(state.weights.admits(), state.weights.reason());
  }
  state.begin_warming(self);
  state.gate.note(state.time->now(), unix_ms());
  self->send(state.router, engine_atom_v, state.status(), caf::actor_cast<engine_actor>(self));
  return {[self](attempt_atom, const tmsg::attempt& attempt, const tmsg::decisn& decision,
                 const chunk_sink& sink) {
            auto& state = self->state;
            auto promise = self->make_response_promise<tmsg::attres>();
            engine_state::call next{.attempt = attempt,
                                    .decision = decision,
                                    .sink = sink,
                                    .promise = promise,
                                    .arrived = steady_now(),
                                    .deadline = engine_state::clock::time_point::max()};
            state.begin_trace(next);
            auto timeout = std::min(next.attempt.read()->getTimeoutMs(), timeout_ms_max);
            if (timeout != 0)
              next.deadline = state.time->now() + std::chrono::milliseconds{timeout};
            state.take(self, std::move(next));
            return promise;
          },
          [self](cancel_atom, const tmsg::cancel& request) {
            self->state.cancel(self, fence_key{request.read()->getFence()});
            self->state.begin_waiting(self);
          },
          [self](engine_atom) { return self->state.status(); },
          [self, post](engine_atom, const tmsg::engqry&) {
            auto& state = self->state;
            auto promise = self->make_response_promise<tmsg::engrep>();
            auto id = state.next_probe++;
            state.probes.emplace(id, promise);
            state.server->probe([post, id](std::vector<engine_check> checks) {
              post(done_atom_v, id, std::move(checks));
            });
            return promise;
          },
          [self](weight_atom, const tmsg::engupd& order) {
            auto promise = self->make_response_promise<tmsg::engupdd>();
            self->state.take_order(self, order, promise);
            return promise;
          },
          [self](status_atom) {
            auto& state = self->state;
            return actor_status({.name = state.config.name,
                                 .kind = "engine",
                                 .parent = "supervisor",
                                 .mailbox_depth = self->mailbox().size(),
                                 .in_flight = state.running.size(),
                                 .queued = state.waiting.size(),
                                 .handled = state.requests,
                                 .noun = "requests"});
          },
          [self](wake_atom, std::uint64_t id) {
            auto& state = self->state;
            if (state.running.count(id) == 0 && state.trial != id) return;
            state.handle(self, id, state.server->resume(id));
            state.begin_waiting(self);
          },
          [self](chunk_atom, std::uint64_t id, const std::string& text) {
            auto found = self->state.running.find(id);
            if (found == self->state.running.end()) return;
            auto& call = found->second;
            if (call.first_token == engine_state::clock::time_point{})
              call.first_token = steady_now();
            if (!call.stream) return;
            message_builder<schema::TextChunk> chunk;
            chunk->setFence(call.attempt.read()->getFence());
            chunk->setNumber(call.chunks++);
            chunk->setText({reinterpret_cast<const kj::byte*>(text.data()), text.size()});
            chunk->setIsEvent(call.is_passed_on);
            self->send(call.sink, chunk_atom_v, chunk.finish());
          },
          [self](done_atom, std::uint64_t id, const generation& result) {
            self->state.finish(self, id, result);
            self->state.begin_waiting(self);
          },
          [self](done_atom, std::uint64_t id, const std::vector<engine_check>& checks) {
            auto found = self->state.probes.find(id);
            if (found == self->state.probes.end()) return;
            auto promise = std::move(found->second);
            self->state.probes.erase(found);
            promise.deliver(self->state.report(checks));
          },
          [self](wake_atom) { self->state.read_backend(self); },
          [self](weight_atom, std::uint64_t number, weight_outcome outcome) {
            auto& state = self->state;
            if (auto later = std::exchange(outcome.takes, {}); later > later.zero())
              return self->delayed_send(self, later, weight_atom_v, number, std::move(outcome));
            state.change_weights(self, state.weights.on_step(number, outcome, state.weight_facts(),
                                                             state.time->now()));
          },
          [self](weight_atom) {
            self->state.weights_timer = {};
            self->state.look_at_weights(self);
          },
          [self](expire_atom) {
            self->state.gate_timer = {};
            self->state.drop_late(self);
            self->state.publish(self);
            self->state.tell_at_rest();
          },
          [self](offer_atom, std::uint64_t count) { self->state.hand_back(count); },
          [self](warm_atom) { self->state.end_warming(self); },
          [self](warm_atom, std::uint64_t round) {
            if (round == self->state.warm_round) self->state.end_warming(self);
          },
          [self](drain_atom) {
            auto promise = self->make_response_promise<caf::ok_atom>();
            self->state.drains.push_back(promise);
            self->state.drain(self, true);
            return promise;
          },
          [self](drain_atom, bool draining) {
            self->state.drain(self, draining);
            return self->state.status();
          },
          [self](wire_atom, const router_actor& router) {
            auto& state = self->state;
            state.router = router;
            self->send(router, engine_atom_v, state.status(), caf::actor_cast<engine_actor>(self));
          }};
}

}  // namespace tandem
