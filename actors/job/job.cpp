#include "actors/job/job.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "actors/clock.hpp"
#include "actors/job/job_view.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::chrono::milliseconds backoff_first{20};
constexpr std::uint32_t backoff_doublings_max = 6;
/// However long an engine asks us to wait: another may be free before.
constexpr std::uint64_t wait_ms_max = 5000;

}  // namespace

job_actor_state::~job_actor_state() {
  auto err = make_error(errc::unavailable, "the job's actor has stopped; ask again");
  for (auto& follow : follows) follow.promise.deliver(err);
  for (auto& command : commands) command.second.deliver(err);
}

void job_actor_state::pump(pointer self) {
  job_outbox out;
  for (auto& attempt : machine->next_attempts(unix_ms(), out)) {
    // Within a node the pool always answers and its death is an error here, so the wait needs no
    // timer of its own: CAF keeps a request's timer, and with it this actor, until it fires,
    // answered or not. The pool counts the attempt's own time, the planner the job's.
    self->request(peers.pool, caf::infinite, attempt_atom_v, attempt,
                  caf::actor_cast<chunk_sink>(self))
        .then(
            [self, attempt, began = begin_trace(attempt)](const tmsg::attres& result) {
              auto& state = self->state;
              if (began != 0) state.record_attempt(attempt, began, result);
              if (result.read()->getError().getCode() == schema::Errc::UNKNOWN)
                state.backoff_exponent = 0;
              state.carry_out(self, state.machine->on_result(result, unix_ms()));
            },
            [self, attempt](const caf::error& err) {
              auto& state = self->state;
              state.carry_out(self,
                              state.machine->on_no_answer(attempt.read()->getFence(), code_of(err),
                                                          message_of(err), unix_ms()));
            });
  }
  if (!out.records.empty() || !out.cancels.empty()) carry_out(self, std::move(out));
}

void job_actor_state::tell_versions(pointer self) {
  const auto& state = machine->state();
  auto say = [&](std::string_view model, std::string_view version) {
    message_builder<schema::WeightPin> pin;
    pin->initJob().setJournal(state.id().journal.value);
    pin->getJob().setNumber(state.id().number);
    pin->setModel(text(model));
    pin->setVersion(text(version));
    self->send(peers.owner, add_atom_v, pin.finish());
  };
  if (state.ended()) {
    // What it told to stop may take a while; it needs nothing of it.
    if (!std::exchange(told_versions, {}).empty()) say({}, {});
    return;
  }
  for (const auto& [model, version] : machine->weight_versions()) {
    auto& told = told_versions[model];
    if (told == version) continue;
    told = version;
    say(model, version);
  }
}

void job_actor_state::carry_out(pointer self, job_outbox out) {
  // At once: whoever changes weights must not believe that nobody needs the old ones.
  if (!out.records.empty()) tell_versions(self);
  for (const auto& cancel : out.cancels) self->send(peers.pool, cancel_atom_v, cancel);
  for (const auto& reward : out.rewards) self->send(peers.pool, reward_atom_v, reward);
  if (out.wait && !wake_pending) {
    wake_pending = true;
    auto asked = std::chrono::milliseconds{std::min(out.wait_ms_min, wait_ms_max)};
    auto pause = std::max(backoff_first * (1 << backoff_exponent), asked);
    backoff_exponent = std::min(backoff_exponent + 1, backoff_doublings_max);
    self->delayed_send(self, pause, wake_atom_v);
  }
  if (!out.records.empty()) {
    auto last = machine->next_number() - 1;
    write(self, std::move(out.records), last);
  } else {
    // A failed attempt may have made room, or the last one of a paused job has come back.
    stop_when_over(self);
    if (!told_owner && !wake_pending) pump(self);
  }
}

void job_actor_state::write(pointer self, std::vector<job_record> records, std::uint32_t last) {
  journal_write write;
  auto count = records.size();
  write.job = machine->state().id().number;
  write.first = last - static_cast<std::uint32_t>(count) + 1;
  write.records = std::move(records);
  // A retried job's state is still the ended one until this write is durable.
  if (reopen) {
    write.mark = journal_write::mark::open;
  } else if (machine->has_ended()) {
    write.summary = make_summary(machine->state());
    write.mark = journal_write::mark::close;
  }
  reopen = false;
  if (keeps_account) add_spending(write);
  self->request(peers.journal, caf::infinite, write_atom_v, std::move(write))
      .then([self, count](caf::ok_atom) { self->state.on_committed(self, count); },
            [self](const caf::error& err) {
              // Nothing can be promised any more; whoever waits gets this reason.
              for (auto& follow : self->state.follows) follow.promise.deliver(err);
              for (auto& command : self->state.commands) command.second.deliver(err);
              self->quit(err);
            });
}

void job_actor_state::add_spending(journal_write& write) const {
  usage_totals sum;
  for (const auto& record : write.records) {
    auto reader = record.read();
    if (auto attempt = attempt_of(*reader)) sum.add(attempt->getUsage());
  }
  if (sum.calls == 0) return;
  write.tenant = machine->state().tenant();
  write.spent_tokens = sum.prompt_tokens + sum.completion_tokens;
  write.spent_nanousd = sum.cost_nanousd;
  write.spent_at_ms = unix_ms();
}

void job_actor_state::on_committed(pointer self, std::size_t count) {
  if (auto err = machine->committed(count)) {
    self->quit(err);
    return;
  }
  tell_versions(self);
  answer_waiting();
  if (summary_due) {
    summary_due = false;
    journal_write line{.job = machine->state().id().number,
                       .summary = make_summary(machine->state())};
    self->request(peers.journal, caf::infinite, write_atom_v, std::move(line))
        .then([](caf::ok_atom) {}, [self](const caf::error& err) { self->quit(err); });
  }
  stop_when_over(self);
  if (!told_owner) pump(self);
}

void job_actor_state::answer_waiting() {
  auto durable = machine->committed_number();
  std::erase_if(follows, [&](waiting_follow& follow) {
    if (follow.after >= durable) return false;
    follow.promise.deliver(make_events(machine->state(), follow.after, durable));
    return true;
  });
  while (!commands.empty() && commands.front().first <= durable) {
    commands.front().second.deliver(make_summary(machine->state()));
    commands.pop_front();
  }
}

void job_actor_state::stop_when_over(pointer self) {
  const auto& state = machine->state();
  auto over =
      state.ended() && machine->committed_number() == state.last_number() && machine->at_rest();
  auto resting = state.state() == schema::JobState::PAUSED && machine->at_rest();
  if (told_owner || !(over || resting)) return;
  told_owner = true;
  for (auto& follow : follows)
    follow.promise.deliver(make_events(state, follow.after, machine->committed_number()));
  follows.clear();
  if (over) record_job();
  self->send(peers.owner, ended_atom_v, state.id().number, make_summary(state));
  self->quit();
}

job_actor::behavior_type job_behavior(job_actor_state::pointer self, job_start start,
                                      job_peers peers) {
  auto& state = self->state;
  state.peers = std::move(peers);
  state.traces = start.settings.trace;
  state.machine = std::make_unique<job_machine>(start.id, start.settings);
  for (auto& record : start.records) {
    if (auto err = state.machine->replay(std::move(record))) {
      self->quit(err);
      return job_actor::behavior_type::make_empty_behavior();
    }
  }
  state.tell_versions(self);
  const auto& accounts = start.settings.budget_tenants;
  state.keeps_account = std::find(accounts.begin(), accounts.end(),
                                  state.machine->state().tenant()) != accounts.end();
  if (!start.awaits_command) self->send(self, wake_atom_v);
  return {[self](chunk_atom, const tmsg::chunk& chunk) {
            auto out = self->state.machine->on_chunk(chunk, unix_ms());
            if (!out.records.empty() || !out.cancels.empty())
              self->state.carry_out(self, std::move(out));
          },
          [self](follow_atom, const tmsg::follow& request) {
            auto& state = self->state;
            auto reader = request.read();
            auto after =
                static_cast<std::uint32_t>(std::min<std::uint64_t>(reader->getAfter(), UINT32_MAX));
            auto promise = self->make_response_promise<tmsg::events>();
            auto durable = state.machine->committed_number();
            if (after < durable || reader->getAtOnce()) {
              promise.deliver(make_events(state.machine->state(), after, durable));
              return promise;
            }
            if (state.follows.size() >= follows_max) {
              auto& oldest = state.follows.front();
              oldest.promise.deliver(make_events(state.machine->state(), oldest.after, durable));
              state.follows.erase(state.follows.begin());
            }
            state.follows.push_back({after, promise});
            return promise;
          },
          [self](view_atom, const tmsg::jobref& request) {
            return make_view(self->state.machine->state(), request.read()->getTextBytesMax());
          },
          [self](command_atom, const tmsg::jobcmd& command) -> caf::result<tmsg::jobsum> {
            auto& state = self->state;
            auto reader = command.read();
            auto out = state.machine->on_command(reader->getAction(), view(reader->getReason()),
                                                 unix_ms());
            if (!out) {
              // It may have been woken for this alone.
              state.stop_when_over(self);
              if (!state.told_owner) state.pump(self);
              return std::move(out.error());
            }
            state.reopen = reader->getAction() == schema::JobAction::RETRY;
            state.summary_due = !state.machine->state().ended() || state.reopen;
            auto promise = self->make_response_promise<tmsg::jobsum>();
            state.commands.emplace_back(state.machine->next_number() - 1, promise);
            state.carry_out(self, std::move(*out));
            state.answer_waiting();
            return promise;
          },
          [self](feedback_atom, const tmsg::feedbk& feedback) -> caf::result<tmsg::jobsum> {
            auto& state = self->state;
            auto reader = feedback.read();
            auto out = state.machine->on_feedback(reader->getScore(), view(reader->getComment()),
                                                  unix_ms());
            auto promise = self->make_response_promise<tmsg::jobsum>();
            state.commands.emplace_back(state.machine->next_number() - 1, promise);
            state.carry_out(self, std::move(out));
            return promise;
          },
          [self](expire_atom) {
            auto& state = self->state;
            auto now = unix_ms();
            // Whoever keeps the time may still know the deadline from before a retry.
            auto deadline = state.machine->state().deadline_at_ms();
            if (deadline != 0 && deadline <= now)
              state.carry_out(self, state.machine->on_deadline(now));
          },
          [self](wake_atom) {
            auto& state = self->state;
            state.wake_pending = false;
            state.machine->wake();
            auto now = unix_ms();
            auto deadline = state.machine->state().deadline_at_ms();
            if (deadline != 0 && deadline <= now && !state.machine->state().ended())
              return state.carry_out(self, state.machine->on_deadline(now));
            state.stop_when_over(self);
            if (!state.told_owner) state.pump(self);
          },
          [self](wire_atom, const executor_pool_actor& pool) { self->state.peers.pool = pool; }};
}

}  // namespace tandem
