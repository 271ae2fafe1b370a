#include "actors/engine/engine.hpp"

#include <caf/send.hpp>

#include "actors/engine/make_backend.hpp"
#include "actors/engine/prompt_profile.hpp"
#include "actors/engine/usage_cost.hpp"
#include "actors/job/job_records.hpp"
#include "actors/status.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

std::uint64_t us_between(engine_state::clock::time_point from, engine_state::clock::time_point to) {
  return to <= from ? 0
                    : static_cast<std::uint64_t>(
                          std::chrono::duration_cast<std::chrono::microseconds>(to - from).count());
}

}  // namespace

engine_state::~engine_state() {
  auto err = make_error(errc::engine_failed, "engine '" + config.name + "' has stopped");
  while (auto next = waiting.pop()) next->promise.deliver(err);
  for (auto& [id, call] : running) call.promise.deliver(err);
}

tmsg::attres engine_state::reply(const call& done, const generation& result) const {
  auto attempt = done.attempt.read();
  auto decision = done.decision.read();
  message_builder<schema::AttemptResult> out;
  out->setFence(attempt->getFence());
  if (result.code != errc::unknown) write_error(out->initError(), result.code, result.error);
  if (!result.text.empty()) out->setText(text(result.text));
  out->setFinish(result.finish);
  write_usage(out->initUsage(), result, *decision);
  out->setEngine(config.name);
  out->setModel(model.name);
  out->setTier(model.tier);
  auto now = server->status();
  out->setWeightVersion(result.weight_version.empty() ? now.weight_version : result.weight_version);
  out->setDecision(decision->getId());
  auto end = clock::now();
  auto started = done.started == clock::time_point{} ? end : done.started;
  out->setQueueUs(us_between(done.arrived, started));
  auto first = done.first_token == clock::time_point{} ? end : done.first_token;
  out->setFirstTokenUs(us_between(done.arrived, first));
  out->setTotalUs(us_between(done.arrived, end));
  out->setSimulated(now.simulated);
  return out.finish();
}

void engine_state::begin(pointer self, call next) {
  auto id = next_id++;
  auto reader = next.attempt.read();
  auto request = apply_profile(model, *reader);
  request.id = id;
  next.started = clock::now();
  next.stream = reader->getStream();
  ids.emplace(fence_key{reader->getFence()}, id);
  running.emplace(id, std::move(next));
  handle(self, id, server->start(std::move(request)));
}

void engine_state::begin_waiting(pointer self) {
  while (running.size() < config.concurrency) {
    auto next = waiting.pop();
    if (!next) return;
    begin(self, std::move(*next));
  }
}

void engine_state::handle(pointer self, std::uint64_t id, progress outcome) {
  if (auto* result = std::get_if<generation>(&outcome)) {
    finish(id, std::move(*result));
  } else if (auto* pause = std::get_if<std::chrono::microseconds>(&outcome)) {
    self->delayed_send(self, *pause, wake_atom_v, id);
  }
}

void engine_state::finish(std::uint64_t id, generation result) {
  auto found = running.find(id);
  if (found == running.end()) return;
  auto done = std::move(found->second);
  running.erase(found);
  ids.erase(fence_key{done.attempt.read()->getFence()});
  ++requests;
  prompt_tokens += result.prompt_tokens;
  cached_prompt_tokens += result.cached_prompt_tokens;
  completion_tokens += result.completion_tokens;
  if (result.code != errc::unknown && result.code != errc::cancelled) {
    ++failures;
    last_error = result.error;
  }
  done.promise.deliver(reply(done, result));
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
    handle(self, id, server->cancel(id));
  }
}

tmsg::engstat engine_state::status() const {
  message_builder<schema::EngineStatus> out;
  auto now = server->status();
  out->setName(config.name);
  out->setKind(config.kind);
  out->setModel(model.name);
  out->setTier(model.tier);
  out->setWeightVersion(now.weight_version);
  out->setHealth(schema::Health::HEALTHY);
  if (!last_error.empty()) out->setLastError(valid_utf8(last_error));
  out->setInFlight(static_cast<std::uint32_t>(running.size()));
  out->setConcurrency(config.concurrency);
  out->setQueued(static_cast<std::uint32_t>(waiting.size()));
  out->setContextTokens(now.context_tokens);
  out->setRequests(requests);
  out->setFailures(failures);
  out->setPromptTokens(prompt_tokens);
  out->setCachedPromptTokens(cached_prompt_tokens);
  out->setCompletionTokens(completion_tokens);
  out->setSimulated(now.simulated);
  return out.finish();
}

engine_inside::behavior_type engine_behavior(engine_state::pointer self, engine_config config,
                                             model_config model, router_actor router,
                                             const backend_services& services) {
  auto& state = self->state;
  state.config = std::move(config);
  state.model = std::move(model);
  state.router = std::move(router);
  state.waiting = waiting_line<engine_state::call>{state.config.queue_max};
  // Weak: the backend belongs to this actor and must not keep it alive.
  auto me = caf::actor_cast<caf::actor_addr>(self);
  auto post = [me](auto... parts) {
    if (auto target = caf::actor_cast<engine_inside>(me))
      caf::anon_send(target, std::move(parts)...);
  };
  auto server = make_backend(
      state.config, services,
      {.on_text = [post](std::uint64_t id,
                         std::string text) { post(chunk_atom_v, id, std::move(text)); },
       .on_done = [post](std::uint64_t id,
                         generation result) { post(done_atom_v, id, std::move(result)); }});
  if (!server) {
    self->quit(server.error());
    return engine_inside::behavior_type::make_empty_behavior();
  }
  state.server = std::move(*server);
  self->send(state.router, engine_atom_v, state.status(), caf::actor_cast<engine_actor>(self));
  return {[self](attempt_atom, const tmsg::attempt& attempt, const tmsg::decisn& decision,
                 const chunk_sink& sink) {
            auto& state = self->state;
            auto promise = self->make_response_promise<tmsg::attres>();
            engine_state::call next{.attempt = attempt,
                                    .decision = decision,
                                    .sink = sink,
                                    .promise = promise,
                                    .arrived = engine_state::clock::now()};
            if (state.running.size() < state.config.concurrency) {
              state.begin(self, std::move(next));
              return promise;
            }
            auto reader = attempt.read();
            if (!state.waiting.push(reader->getPriority(), fence_key{reader->getFence()}, next))
              promise.deliver(state.reply(next, {.code = errc::overloaded,
                                                 .error = "engine '" + state.config.name +
                                                          "': its queue is full (queue_max)",
                                                 .finish = schema::Finish::ERROR}));
            return promise;
          },
          [self](cancel_atom, const tmsg::cancel& request) {
            self->state.cancel(self, fence_key{request.read()->getFence()});
            self->state.begin_waiting(self);
          },
          [self](engine_atom) { return self->state.status(); },
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
            if (state.running.count(id) == 0) return;
            state.handle(self, id, state.server->resume(id));
            state.begin_waiting(self);
          },
          [self](chunk_atom, std::uint64_t id, const std::string& text) {
            auto found = self->state.running.find(id);
            if (found == self->state.running.end()) return;
            auto& call = found->second;
            if (call.first_token == engine_state::clock::time_point{})
              call.first_token = engine_state::clock::now();
            if (!call.stream || !call.sink) return;
            message_builder<schema::TextChunk> chunk;
            chunk->setFence(call.attempt.read()->getFence());
            chunk->setNumber(call.chunks++);
            chunk->setText({reinterpret_cast<const kj::byte*>(text.data()), text.size()});
            self->send(call.sink, chunk_atom_v, chunk.finish());
          },
          [self](done_atom, std::uint64_t id, const generation& result) {
            self->state.finish(id, result);
            self->state.begin_waiting(self);
          },
          [self](wire_atom, const router_actor& router) {
            auto& state = self->state;
            state.router = router;
            self->send(router, engine_atom_v, state.status(), caf::actor_cast<engine_actor>(self));
          }};
}

}  // namespace tandem
