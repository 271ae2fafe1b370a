// How many are at work, who waits, and who is refused.

#include <algorithm>
#include <utility>

#include <caf/send.hpp>

#include "actors/engine/admission/attempt_tokens.hpp"
#include "actors/engine/engine.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// Where nothing was measured yet.
constexpr std::chrono::milliseconds retry_default{1000};

}  // namespace

void engine_state::take(pointer self, call next) {
  if (next.attempt.read()->getPurpose() == schema::Purpose::WARM)
    return take_warm(self, std::move(next));
  auto now = time->now();
  auto full = running.size() >= places();
  auto holds = holds_version(next);
  auto verdict = full ? gate.look(now, holds) : gate.admit(now, holds);
  if (verdict.code != errc::unknown) return refuse(next, verdict);
  stop_warm(self);
  next.trial = verdict.trial;
  if (full) return line_up(self, std::move(next));
  begin(self, std::move(next));
}

void engine_state::take_warm(pointer self, call next) {
  auto now = time->now();
  auto verdict = gate.look_warm(now);
  auto server_now = server->status();
  auto idle = running.empty() && waiting.size() == 0 && trial == 0 &&
              server_now.server_running == 0 && server_now.server_waiting == 0 &&
              gate.breaker().state(now) == schema::Breaker::CLOSED;
  if (verdict.code == errc::unknown && !idle)
    verdict = {errc::overloaded, "engine '" + config.name + "' has other work", retry_default};
  if (verdict.code != errc::unknown) return refuse(next, verdict);
  begin(self, std::move(next));
}

void engine_state::begin_warming(pointer self) {
  if (config.warm_first <= std::chrono::milliseconds::zero()) return;
  auto at = time->now();
  // A breaker that tries again lets only calls through.
  if (gate.look_warm(at).code != errc::unknown ||
      gate.breaker().state(at) != schema::Breaker::CLOSED) {
    gate.warm(false);
    return answer_warmed();
  }
  auto now = server->status();
  auto life = now.weight_version + '/' + std::to_string(now.process_id) + '/' +
              std::to_string(now.process_restarts);
  if (life == warmed_life || (gate.is_warming() && life == warming_life)) return;
  warming_life = std::move(life);
  gate.warm(true);
  self->delayed_send(self, config.warm_first, warm_atom_v, ++warm_round);
}

void engine_state::end_warming(pointer self) {
  if (!gate.is_warming()) return;
  gate.warm(false);
  warmed_life = warming_life;
  publish(self, true);
  answer_warmed();
}

void engine_state::answer_warmed() {
  for (auto& [promise, answer] : std::exchange(warm_answers, {})) promise.deliver(answer);
}

void engine_state::stop_warm(pointer self) {
  auto found = running.find(warm_id);
  if (found == running.end() || found->second.cancelled) return;
  found->second.cancelled = true;
  handle(self, warm_id, server->cancel(warm_id));
}

void engine_state::hand_back(std::size_t count) {
  for (; count > 0; --count) {
    auto next = waiting.pop();
    if (!next) return;
    refuse(*next, {errc::overloaded, "engine '" + config.name + "': another one has room now"});
  }
}

void engine_state::line_up(pointer self, call next) {
  const auto& reader = next.attempt.read();
  auto wait = pace.wait_behind(waiting.size(), places());
  auto refuse_because = [&](const std::string& why) {
    refuse(next, {errc::overloaded, "engine '" + config.name + "': " + why,
                  wait == wait.zero() ? retry_default : wait});
  };
  if (next.deadline != clock::time_point::max() && time->now() + wait > next.deadline)
    return refuse_because("it could not begin before its time is over: about " +
                          std::to_string(wait.count()) + " ms of waiting, " +
                          std::to_string(reader->getTimeoutMs()) + " ms in all (timeout)");
  auto deadline = next.deadline;
  switch (waiting.push({.priority = reader->getPriority(),
                        .tenant = view(reader->getTenant()),
                        .fence = fence_key{reader->getFence()},
                        .tokens = estimated_tokens(*reader),
                        .deadline = deadline},
                       std::move(next))) {
    case line::outcome::waits:
      break;
    case line::outcome::tenant_full:
      return refuse_because(
          "the tenant has all its places in the queue (three quarters of queue_max)");
    case line::outcome::twice:
      return refuse_because("the same attempt waits already");
    default:
      return refuse_because("its queue is full (queue_max)");
  }
  if (deadline >= late_timer) return;
  late_timer = deadline;
  self->delayed_send(self, deadline - time->now(), expire_atom_v);
}

void engine_state::drop_late(pointer self) {
  auto now = time->now();
  while (auto late = waiting.take_late(now))
    refuse(*late,
           {errc::deadline_exceeded, "engine '" + config.name + "': its time (" +
                                         std::to_string(late->attempt.read()->getTimeoutMs()) +
                                         " ms) was over before it began"});
  if (late_timer > now) return;
  late_timer = clock::time_point::max();
  auto next = waiting.next_deadline();
  if (!next) return;
  late_timer = *next;
  self->delayed_send(self, *next - now, expire_atom_v);
}

std::uint32_t engine_state::places() const {
  return config.is_adaptive() ? std::min(config.concurrency, limit.limit()) : config.concurrency;
}

void engine_state::measure(const call& done, const generation& result) {
  auto now = time->now();
  auto in_flight = static_cast<std::uint32_t>(running.size() + 1);
  gradient_limit::call call{.started = done.sent, .ended = now, .in_flight = in_flight};
  if (result.code == errc::unknown) {
    pace.on_done(now - done.sent);
    auto cached = std::min(result.cached_prompt_tokens, result.prompt_tokens);
    call.prompt_tokens = result.prompt_tokens - cached;
    call.completion_tokens = result.completion_tokens;
    limit.on_done(call);
  } else if (result.code == errc::cancelled ||
             (result.code == errc::engine_failed && !result.is_unreached)) {
    const auto& attempt = done.attempt.read();
    call.completion_tokens = attempt->getMaxTokens();
    call.prompt_tokens = estimated_tokens(*attempt) - call.completion_tokens;
    limit.on_given_up(call);
  } else if (result.code == errc::overloaded || result.code == errc::deadline_exceeded ||
             (result.code == errc::unavailable && result.retry_after.count() > 0)) {
    limit.on_overload(done.sent, now, in_flight);
  }
}

bool engine_state::limit_moved() const {
  if (!config.is_adaptive() || !limit.is_measured()) return false;
  auto before = limit_told == 0 ? config.concurrency : limit_told;
  auto now = places();
  return now != before &&
         std::uint64_t{10} * (now < before ? before - now : now - before) >= before;
}

void engine_state::begin_waiting(pointer self) {
  drop_late(self);
  while (running.size() < places()) {
    auto next = waiting.pop();
    if (!next) return;
    take(self, std::move(*next));
  }
}

}  // namespace tandem
