#include "actors/executor_pool/executor_pool.hpp"

#include "actors/executor_pool/verifier.hpp"
#include "actors/job/job_records.hpp"
#include "actors/status.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::chrono::milliseconds timeout_default{std::chrono::minutes{10}};

tmsg::rtqry route_query(schema::Attempt::Reader attempt) {
  message_builder<schema::RouteQuery> query;
  query->setPurpose(attempt.getPurpose());
  query->setKind(attempt.getKind());
  query->setTenant(attempt.getTenant());
  query->setTier(attempt.getTier());
  std::size_t bytes = 0;
  for (auto message : attempt.getMessages()) bytes += message.getContent().size();
  query->setPromptBytes(static_cast<std::uint32_t>(bytes));
  query->setMaxTokens(attempt.getMaxTokens());
  if (attempt.getExcludedEngines().size() != 0)
    query->setExcludedEngines(attempt.getExcludedEngines());
  if (attempt.getPinnedVersions().size() != 0)
    query->setPinnedVersions(attempt.getPinnedVersions());
  return query.finish();
}

tmsg::attres failure(schema::Fence::Reader fence, errc code, std::string_view message) {
  message_builder<schema::AttemptResult> result;
  result->setFence(fence);
  result->setFinish(schema::Finish::ERROR);
  write_error(result->initError(), code, message);
  return result.finish();
}

/// The same reply as a failure: what it cost stays known.
tmsg::attres refused(schema::AttemptResult::Reader result, std::string_view why) {
  message_builder<schema::AttemptResult> out;
  out.copy(result);
  write_error(out->initError(), errc::invalid_output, why);
  return out.finish();
}

}  // namespace

executor_pool_state::~executor_pool_state() {
  auto err = make_error(errc::unavailable, "the executor pool has stopped");
  for (auto& [fence, work] : attempts) work.promise.deliver(err);
}

void executor_pool_state::begin(pointer self, const fence_key& fence) {
  ++in_flight;
  // No timers on requests within the node: see `job`. The one timer here counts every attempt's own
  // time.
  self->request(router, caf::infinite, route_atom_v,
                route_query(*attempts.at(fence).attempt.read()))
      .then(
          [self, fence](const tmsg::decisn& decision, const engine_actor& engine) {
            self->state.to_engine(self, fence, decision, engine);
          },
          [self, fence](const caf::error& err) {
            self->state.fail(self, fence, code_of(err), message_of(err));
          });
}

void executor_pool_state::to_engine(pointer self, const fence_key& fence,
                                    const tmsg::decisn& decision, const engine_actor& engine) {
  auto found = attempts.find(fence);
  if (found == attempts.end()) {
    // Cancelled while it was routed: give the engine's share of the load back.
    work gone{.decision = decision};
    message_builder<schema::AttemptResult> nothing;
    settle(self, gone, *nothing.finish().read());
    return;
  }
  auto& work = found->second;
  work.engine = engine;
  work.decision = decision;
  self->request(engine, caf::infinite, attempt_atom_v, work.attempt, decision, work.sink)
      .then([self, fence](const tmsg::attres& result) { self->state.finish(self, fence, result); },
            [self, fence](const caf::error& err) {
              self->state.fail(self, fence, errc::engine_failed, message_of(err));
            });
}

void executor_pool_state::finish(pointer self, const fence_key& fence, tmsg::attres result) {
  auto found = attempts.find(fence);
  if (found == attempts.end()) return;
  auto done = std::move(found->second);
  deadlines.erase(done.deadline);
  attempts.erase(found);
  ++handled;
  {
    auto reader = result.read();
    auto attempt = done.attempt.read();
    if (!done.decision.empty()) settle(self, done, *reader);
    if (reader->getError().getCode() == schema::Errc::UNKNOWN && attempt->hasCheck())
      if (auto why = misfit(attempt->getCheck(), view(reader->getText())); !why.empty())
        result = refused(*reader, why);
  }
  done.promise.deliver(std::move(result));
  --in_flight;
  while (in_flight < config.in_flight_max) {
    auto next = waiting.pop();
    if (!next) return;
    begin(self, *next);
  }
}

void executor_pool_state::fail(pointer self, const fence_key& fence, errc code,
                               std::string_view message) {
  auto found = attempts.find(fence);
  if (found == attempts.end()) return;
  finish(self, fence, failure(found->second.attempt.read()->getFence(), code, message));
}

void executor_pool_state::settle(pointer self, const work& done,
                                 schema::AttemptResult::Reader result) {
  auto decision = done.decision.read();
  message_builder<schema::Reward> reward;
  reward->setDecision(decision->getId());
  reward->setEngine(decision->getEngine());
  reward->setSource(schema::RewardSource::OUTCOME);
  reward->setQuality(-1);
  reward->setCostNanousd(result.getUsage().getCostNanousd());
  reward->setLatencyUs(result.getTotalUs());
  self->send(router, reward_atom_v, reward.finish());
}

void executor_pool_state::set_timer(pointer self) {
  if (deadlines.empty() || deadlines.begin()->first >= timer) return;
  timer = deadlines.begin()->first;
  auto pause = std::max(clock::duration::zero(), timer - self->clock().now());
  // Rounded up, so that many deadlines share one message.
  self->delayed_send(
      self, std::chrono::ceil<std::chrono::milliseconds>(pause) + std::chrono::milliseconds{10},
      expire_atom_v);
}

void executor_pool_state::expire(pointer self) {
  timer = clock::time_point::max();
  auto now = self->clock().now();
  while (!deadlines.empty() && deadlines.begin()->first <= now) {
    auto fence = deadlines.begin()->second;
    auto& late = attempts.at(fence);
    auto reader = late.attempt.read();
    if (waiting.take(fence)) ++in_flight;  // finish() counts it down again
    if (late.engine) {
      message_builder<schema::Cancel> cancel;
      cancel->setFence(reader->getFence());
      cancel->setReason("the attempt's time is up");
      self->send(late.engine, cancel_atom_v, cancel.finish());
    }
    fail(self, fence, errc::deadline_exceeded,
         "no reply within " + std::to_string(reader->getTimeoutMs()) + " ms");
  }
  set_timer(self);
}

executor_pool_inside::behavior_type executor_pool_behavior(executor_pool_state::pointer self,
                                                           const executor_pool_config& config,
                                                           router_actor router) {
  self->state.config = config;
  self->state.router = std::move(router);
  self->state.waiting = waiting_line<fence_key>{config.queue_max};
  return {[self](attempt_atom, const tmsg::attempt& attempt, const chunk_sink& sink) {
            auto& state = self->state;
            auto promise = self->make_response_promise<tmsg::attres>();
            auto reader = attempt.read();
            fence_key fence{reader->getFence()};
            auto room = state.in_flight < state.config.in_flight_max;
            if (state.attempts.count(fence) != 0 ||
                (!room && !state.waiting.push(reader->getPriority(), fence, fence))) {
              promise.deliver(failure(reader->getFence(), errc::overloaded,
                                      "the executor's queue is full (executor.queue_max)"));
              return promise;
            }
            auto timeout = reader->getTimeoutMs() == 0
                               ? timeout_default
                               : std::chrono::milliseconds{reader->getTimeoutMs()};
            auto deadline = state.deadlines.emplace(self->clock().now() + timeout, fence);
            state.attempts.emplace(
                fence,
                executor_pool_state::work{
                    .attempt = attempt, .sink = sink, .promise = promise, .deadline = deadline});
            state.set_timer(self);
            if (room) state.begin(self, fence);
            return promise;
          },
          [self](cancel_atom, const tmsg::cancel& cancel) {
            auto& state = self->state;
            auto reader = cancel.read();
            fence_key fence{reader->getFence()};
            auto found = state.attempts.find(fence);
            if (found == state.attempts.end()) return;
            if (found->second.engine) {
              // Its reply says what it has cost by then.
              self->send(found->second.engine, cancel_atom_v, cancel);
              return;
            }
            if (state.waiting.take(fence)) ++state.in_flight;
            state.fail(self, fence, errc::cancelled, view(reader->getReason()));
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
          [self](wire_atom, const router_actor& router) { self->state.router = router; }};
}

}  // namespace tandem
