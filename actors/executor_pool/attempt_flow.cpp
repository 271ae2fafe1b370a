// The way of one attempt: route -> engine; elsewhere when an engine is busy or down; twice at once
// when it is slow.

#include <algorithm>

#include "actors/clock.hpp"
#include "actors/engine/client_body.hpp"
#include "actors/executor_pool/executor_pool.hpp"
#include "actors/job/job_records.hpp"
#include "actors/metrics/node_metrics.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

std::uint32_t prompt_bytes(schema::Attempt::Reader attempt) {
  std::size_t bytes = attempt.getPlanError().size() + attempt.getFinished().size();
  for (auto message : attempt.getMessages()) bytes += message.getContent().size();
  bytes = std::max<std::size_t>(bytes, attempt.getClient().getBody().size());
  return static_cast<std::uint32_t>(std::min<std::size_t>(bytes, UINT32_MAX));
}

/// A router that keeps deciding against its query.
constexpr std::uint32_t misrouted_max = 16;

/// Only a server can do it: a request as it is, or a client's own schema, which models within the
/// node do not keep to.
bool needs_server(schema::Attempt::Reader attempt) {
  if (!attempt.hasClient()) return false;
  return attempt.getClient().getBody().size() != 0 || attempt.getResponseSchema().size() != 0;
}

void write_query(schema::RouteQuery::Builder query, schema::Attempt::Reader attempt,
                 std::string_view tier, const std::vector<std::string>& avoided) {
  query.setPurpose(attempt.getPurpose());
  query.setKind(attempt.getKind());
  query.setTenant(attempt.getTenant());
  query.setTier(text(tier));
  query.setPromptBytes(prompt_bytes(attempt));
  query.setMaxTokens(attempt.getMaxTokens());
  query.setSession(attempt.getSession());
  query.setModel(attempt.getModel());
  query.setPassedOn(needs_server(attempt));
  if (attempt.getExcludedEngines().size() != 0)
    query.setExcludedEngines(attempt.getExcludedEngines());
  if (attempt.getExcludedModels().size() != 0) query.setExcludedModels(attempt.getExcludedModels());
  if (attempt.hasAllowance()) query.setAllowance(attempt.getAllowance());
  if (!avoided.empty()) {
    auto list = query.initAvoidedEngines(static_cast<unsigned>(avoided.size()));
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, avoided[i]);
  }
}

executor_pool_state::flight flight_to(const fence_key& fence, const tmsg::decisn& decision,
                                      const engine_actor& engine,
                                      executor_pool_state::clock::time_point now) {
  return {.fence = fence,
          .tenant = {},
          .decision = decision,
          .engine = engine,
          .started = now,
          .reserved = {},
          .prompt_bytes = 0,
          .warmed = {}};
}

/// Of a decision by which no engine was asked.
tmsg::attres no_result() {
  return message_builder<schema::AttemptResult>{}.finish();
}

bool is_refusal(schema::Errc code) {
  return code == schema::Errc::OVERLOADED || code == schema::Errc::UNAVAILABLE;
}

budget spent_of(schema::Usage::Reader usage) {
  return {usage.getPromptTokens() + usage.getCompletionTokens(), usage.getCostNanousd()};
}

}  // namespace

void executor_pool_state::route(pointer self, const fence_key& fence, bool second) {
  auto& of = attempts.at(fence);
  ++of.routing;
  const auto& call = of.call.read();
  // A copy is of the same tier: never of one that costs many times as much.
  std::string tier{second ? view(flights.at(of.call_ids[0]).decision.read()->getTier())
                          : view(call->getTier())};
  // Nothing of it is under way: what it has held may be gone when it is routed anew.
  if (of.calls == 0) release_pins(of, of.at, false);
  message_builder<schema::RouteQuery> builder;
  write_query(*builder, *call, tier, of.avoided);
  write_pins(*builder, of);
  auto query = builder.finish();
  // No timers on requests within the node: see `job`. The one timer here counts every attempt's own
  // time.
  self->request(router, caf::infinite, route_atom_v, query, of.call.get())
      .then(
          [self, fence, query, second](const tmsg::decisn& decision, const engine_actor& engine) {
            self->state.to_engine(self, fence, query, decision, engine, second);
          },
          [self, fence](const caf::error& err) { self->state.no_route(self, fence, err); });
}

void executor_pool_state::choose_way(pointer self, const fence_key& fence) {
  const auto& of = attempts.at(fence);
  self->request(router, caf::infinite, way_atom_v, of.attempt.get())
      .then(
          [self, fence](const tmsg::decisn& decision) {
            auto found = self->state.attempts.find(fence);
            if (found == self->state.attempts.end()) return;
            auto reader = decision.read();
            message_builder<schema::AttemptResult> chosen;
            chosen->setFence(found->second.attempt.read()->getFence());
            chosen->setFinish(schema::Finish::STOP);
            chosen->setText(reader->getModel());
            chosen->setModel(reader->getPolicy());
            if (reader->getKept()) chosen->setDecision(reader->getId());
            self->state.reply(self, fence, chosen.finish());
          },
          [self, fence](const caf::error& err) {
            self->state.fail(self, fence, code_of(err), message_of(err));
          });
}

caf::expected<kept_message<schema::Attempt>> executor_pool_state::reserve(
    const work& of, schema::Decision::Reader decision, budget& reserved) const {
  const auto& call = of.call.read();
  if (!services.tenants || call->getTenant().size() == 0) return of.call;
  std::uint64_t bytes =
      call->getPlanError().size() + call->getFinished().size() + call->getResponseSchema().size();
  for (auto message : call->getMessages()) bytes += message.getContent().size();
  if (auto model = services.growth.find(view(decision.getModel())); model != services.growth.end())
    bytes = bytes * model->second.times + model->second.bytes;
  // As the engine counts it, which refuses what is more than its reservation.
  bytes = std::max<std::uint64_t>(bytes, call->getClient().getBody().size());
  auto most = call_bound(prompt_tokens_bound(bytes, call->getMessages().size() + 1),
                         std::uint64_t{call->getMaxTokens()} * completions_of(*call),
                         decision.getInputPriceNanousd(), decision.getOutputPriceNanousd());
  auto grant = services.tenants->reserve(view(call->getTenant()), most, unix_ms());
  if (grant.code != errc::unknown) return make_error(grant.code, grant.why);
  reserved = grant.reserved;
  if (!reserved.limited()) return of.call;
  // The engine holds the call to what is reserved for it.
  auto allowed = read_budget(call->getAllowance());
  message_builder<schema::Attempt> limited;
  limited.copy(*call);
  auto out = limited->initAllowance();
  out.setTokens(allowed.tokens == 0 ? reserved.tokens : std::min(allowed.tokens, reserved.tokens));
  out.setCostNanousd(allowed.cost_nanousd == 0
                         ? reserved.cost_nanousd
                         : std::min(allowed.cost_nanousd, reserved.cost_nanousd));
  return kept_message<schema::Attempt>{limited.finish()};
}

void executor_pool_state::to_engine(pointer self, const fence_key& fence, const tmsg::rtqry& query,
                                    const tmsg::decisn& decision, const engine_actor& engine,
                                    bool second) {
  // The engine's share of the load.
  auto return_load = [&] {
    settle(self, flight_to(fence, decision, engine, self->clock().now()), *no_result().read());
  };
  auto found = attempts.find(fence);
  if (found == attempts.end()) return return_load();  // over already
  auto& of = found->second;
  --of.routing;
  auto first_over = second && of.calls == 0;
  if (of.stopped != errc::unknown || (first_over && !of.result.empty())) {
    return_load();
    return calls_over(self, fence);
  }
  // Refused meanwhile: this one takes its place.
  if (first_over) second = false;
  if (!take_pin(of, *query.read(), *decision.read())) {
    // Routed at once with others of its job, before any had a version.
    return_load();
    if (second) return;
    if (++of.misrouted <= misrouted_max) return route(self, fence, false);
    ++of.routing;
    return no_route(self, fence,
                    make_error(errc::unavailable, "weight versions change while it is routed"));
  }
  if (!second && look_up(self, of, fence, decision, engine)) return;
  send_to(self, fence, decision, engine, second);
}

void executor_pool_state::send_to(pointer self, const fence_key& fence,
                                  const tmsg::decisn& decision, const engine_actor& engine,
                                  bool second) {
  auto next = flight_to(fence, decision, engine, self->clock().now());
  auto& of = attempts.at(fence);
  const auto& chosen = next.decision.read();
  auto call = reserve(of, *chosen, next.reserved);
  if (!call) {
    settle(self, next, *no_result().read());
    if (second) return;
    return fail(self, fence, code_of(call.error()), message_of(call.error()));
  }
  const auto& asked = call->read();
  next.tenant = view(asked->getTenant());
  next.purpose = asked->getPurpose();
  next.prompt_bytes = prompt_bytes(*asked);
  if (!second) next.warmed = note_call(self, *asked, *chosen, view(chosen->getEngine()));
  auto id = next_flight++;
  of.call_ids[of.calls++] = id;
  if (second) {
    of.hedged = true;
  } else if (of.at == stage::answering && asked->getHedge() && !asked->getStream()) {
    if (auto slow = hedging.delay(view(chosen->getModel()), asked->getPurpose())) {
      if (of.hedge_set) timers.erase(of.hedge);
      of.hedge =
          timers.emplace(next.started + *slow, timer{.fence = fence, .kind = timer_kind::hedge});
      of.hedge_set = true;
      set_timer(self);
    }
  }
  flights.emplace(id, std::move(next));
  engines.send(self, id, engine, call->get(), decision, of.sink);
}

void executor_pool_state::on_no_reply(pointer self, std::uint64_t id, const caf::error& err) {
  auto flight = flights.find(id);
  if (flight == flights.end()) return;
  auto work = attempts.find(flight->second.fence);
  message_builder<schema::AttemptResult> lost;
  if (work != attempts.end()) lost->setFence(work->second.attempt.read()->getFence());
  const auto& decision = flight->second.decision.read();
  lost->setEngine(decision->getEngine());
  lost->setModel(decision->getModel());
  lost->setTier(decision->getTier());
  lost->setWeightVersion(decision->getWeightVersion());
  lost->setFinish(schema::Finish::ERROR);
  write_error(lost->initError(), errc::engine_failed, message_of(err));
  on_reply(self, id, lost.finish());
}

void executor_pool_state::no_route(pointer self, const fence_key& fence, const caf::error& err) {
  auto found = attempts.find(fence);
  if (found == attempts.end()) return;
  auto& of = found->second;
  --of.routing;
  if (of.calls != 0) return;  // a second copy finds no place; the first goes on
  if (of.result.empty()) {
    message_builder<schema::AttemptResult> nowhere;
    nowhere.copy(
        *failed_attempt(of.attempt.read()->getFence(), code_of(err), message_of(err)).read());
    nowhere->setRetryAfterMs(of.retry_after_ms);
    of.result = nowhere.finish();
  }
  calls_over(self, fence);
}

void executor_pool_state::settle(pointer self, const flight& done,
                                 schema::AttemptResult::Reader result) {
  const auto& decision = done.decision.read();
  auto usage = result.getUsage();
  if (done.reserved.limited() || (services.tenants && !done.tenant.empty()))
    services.tenants->settle(done.tenant, done.reserved, spent_of(usage), unix_ms());
  if (services.metrics) services.metrics->on_call(*decision, result);
  message_builder<schema::Reward> reward;
  reward->setDecision(decision->getId());
  reward->setEngine(decision->getEngine());
  reward->setSource(schema::RewardSource::OUTCOME);
  reward->setQuality(-1);
  reward->setTenant(done.tenant);
  reward->setPurpose(done.purpose);
  reward->setPromptBytes(done.prompt_bytes);
  reward->setCostNanousd(usage.getCostNanousd());
  reward->setLatencyUs(result.getTotalUs());
  reward->setFailed(result.getFinish() != schema::Finish::STOP &&
                    result.getFinish() != schema::Finish::LENGTH);
  auto tokens = reward->initTokens(1)[0];
  tokens.setModel(decision->getModel());
  tokens.setPrompt(usage.getPromptTokens());
  tokens.setCompletion(usage.getCompletionTokens());
  reward->setCachedPromptTokens(usage.getCachedPromptTokens());
  reward->setPromptTokens(usage.getPromptTokens());
  reward->setCompletionTokens(usage.getCompletionTokens());
  reward->setFirstTokenUs(result.getFirstTokenUs());
  reward->setQueueUs(result.getQueueUs());
  self->send(router, reward_atom_v, reward.finish());
}

void executor_pool_state::on_reply(pointer self, std::uint64_t id, const tmsg::attres& result) {
  auto arrived = flights.find(id);
  if (arrived == flights.end()) return;
  auto done = std::move(arrived->second);
  flights.erase(arrived);
  auto reader = result.read();
  settle(self, done, *reader);
  note_use(done, *reader);
  auto found = attempts.find(done.fence);
  if (found == attempts.end()) return;
  auto& of = found->second;
  if (of.call_ids[0] == id) of.call_ids[0] = of.call_ids[1];
  --of.calls;
  if (of.calls == 0 && of.hedge_set) {
    timers.erase(of.hedge);
    of.hedge_set = false;
  }
  auto code = reader->getError().getCode();
  auto good = code == schema::Errc::UNKNOWN;
  if (good)
    hedging.on_done(
        view(done.decision.read()->getModel()), of.call.read()->getPurpose(),
        std::chrono::duration_cast<hedge_policy::duration>(self->clock().now() - done.started));
  if (good && !of.won) {
    if (!of.result.empty()) of.others.add(of.result.read()->getUsage());
    of.won = true;
    of.result = result;
    if (of.calls != 0) cancel_calls(self, done.fence, "another engine was faster");
  } else if (of.won) {
    of.others.add(reader->getUsage());
  } else if (is_refusal(code) && !reader->getBegun() && of.stopped == errc::unknown) {
    return on_refusal(self, of, done.fence, *reader);
  } else {
    if (!of.result.empty()) of.others.add(of.result.read()->getUsage());
    of.result = result;
  }
  calls_over(self, done.fence);
}

void executor_pool_state::on_refusal(pointer self, work& of, const fence_key& fence,
                                     schema::AttemptResult::Reader result) {
  of.avoided.emplace_back(view(result.getEngine()));
  of.refusals.push_back(of.avoided.back() + ": " +
                        std::string{cut(view(result.getError().getMessage()), 200)});
  if (auto after = result.getRetryAfterMs(); after != 0)
    of.retry_after_ms = of.retry_after_ms == 0 ? after : std::min(of.retry_after_ms, after);
  of.others.add(result.getUsage());
  if (of.calls != 0 || of.routing != 0) return;
  if (of.avoided.size() < config.engines_tried_max) return route(self, fence, false);
  message_builder<schema::AttemptResult> busy;
  busy.copy(result);
  busy->setRetryAfterMs(of.retry_after_ms);
  busy->initUsage();
  of.result = busy.finish();
  calls_over(self, fence);
}

void executor_pool_state::calls_over(pointer self, const fence_key& fence) {
  auto& of = attempts.at(fence);
  if (of.calls != 0 || of.routing != 0) return;
  if (of.result.empty() && of.stopped == errc::unknown)
    return fail(self, fence, errc::internal, "an attempt ended without a result");
  if (of.stopped != errc::unknown && !of.won) {
    if (!of.answer.empty()) of.others.add(of.answer.read()->getUsage());
    message_builder<schema::AttemptResult> stopped;
    if (!of.result.empty()) stopped.copy(*of.result.read());
    stopped->setFence(of.attempt.read()->getFence());
    stopped->setFinish(schema::Finish::CANCELLED);
    write_error(stopped->initError(), of.stopped, of.stop_reason);
    return reply(self, fence, stopped.finish());
  }
  if (of.at == stage::judging) return on_verdict(self, fence);
  if (!of.won) return reply(self, fence, of.result);
  of.answer = std::exchange(of.result, {});
  verify(self, fence);
}

void executor_pool_state::cancel_calls(pointer self, const fence_key& fence,
                                       std::string_view reason) {
  const auto& of = attempts.at(fence);
  message_builder<schema::Cancel> cancel;
  cancel->setFence(of.attempt.read()->getFence());
  cancel->setReason(text(reason));
  auto message = cancel.finish();
  // Their replies say what they have cost by then.
  for (std::uint32_t i = 0; i < of.calls; ++i)
    self->send(flights.at(of.call_ids[i]).engine, cancel_atom_v, message);
}

void executor_pool_state::hedge(pointer self, const fence_key& fence) {
  auto& of = attempts.at(fence);
  timers.erase(of.hedge);
  of.hedge_set = false;
  if (of.calls == 0 || of.won || of.stopped != errc::unknown || !hedging.take()) return;
  of.avoided.emplace_back(view(flights.at(of.call_ids[0]).decision.read()->getEngine()));
  if (services.metrics) services.metrics->on_hedge();
  route(self, fence, true);
}

}  // namespace tandem
