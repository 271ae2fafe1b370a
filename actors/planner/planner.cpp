#include "actors/planner/planner.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>
#include <caf/send.hpp>

#include "actors/clock.hpp"
#include "actors/job/job_view.hpp"
#include "actors/status.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

template <class Reply>
auto deliver_error(caf::typed_response_promise<Reply> promise) {
  return [promise](const caf::error& err) mutable { promise.deliver(err); };
}

/// Hands a request on to the archive and its answer back.
template <class Reply, class Atom, class Message>
caf::typed_response_promise<Reply> ask_archive(planner_state::pointer self, Atom verb,
                                               const Message& request) {
  auto promise = self->make_response_promise<Reply>();
  self->request(self->state.peers.archive, caf::infinite, verb, request)
      .then([promise](const Reply& reply) mutable { promise.deliver(reply); },
            deliver_error(promise));
  return promise;
}

/// Hands a request on to a job's actor and its answer back. `gone` is called instead when the actor
/// came to its end with the request still in its mailbox.
template <class Atom, class Message, class Reply, class Gone>
void ask_job(planner_state::pointer self, const job_actor& actor, Atom verb, const Message& request,
             caf::typed_response_promise<Reply> promise, Gone gone) {
  self->request(actor, caf::infinite, verb, request)
      .then([promise](const Reply& reply) mutable { promise.deliver(reply); },
            [promise, gone](const caf::error& err) mutable {
              if (err == caf::sec::request_receiver_down)
                gone();
              else
                promise.deliver(err);
            });
}

/// To the job's actor, or, when it has just ended, to the archive, which knows the end.
void ask_events(planner_state::pointer self, const job_actor& actor, const tmsg::follow& request,
                caf::typed_response_promise<tmsg::events> promise) {
  ask_job(self, actor, follow_atom_v, request, promise, [self, request, promise] {
    self->request(self->state.peers.archive, caf::infinite, follow_atom_v, request)
        .then([promise](const tmsg::events& reply) mutable { promise.deliver(reply); },
              deliver_error(promise));
  });
}

/// Nothing newer yet: whoever follows asks again.
tmsg::events no_events(const tmsg::follow& request) {
  message_builder<schema::JobEvents> out;
  out->setLast(request.read()->getAfter());
  return out.finish();
}

/// The one that holds: a retry brings a new one. 0: none.
std::uint64_t deadline_in(const std::vector<job_record>& records) {
  std::uint64_t at_ms = 0;
  for (const auto& record : records) {
    auto reader = record.read();
    if (reader->isSubmitted()) at_ms = reader->getSubmitted().getDeadlineAtMs();
    if (reader->isStateChanged() && reader->getStateChanged().getDeadlineAtMs() != 0)
      at_ms = reader->getStateChanged().getDeadlineAtMs();
  }
  return at_ms;
}

}  // namespace

planner_state::~planner_state() {
  for (auto& [number, job] : jobs)
    if (job.actor) caf::anon_send_exit(job.actor, caf::exit_reason::user_shutdown);
}

planner_state::open_job* planner_state::find_open(schema::JobId::Reader job) {
  if (journal_id{job.getJournal()} != journal) return nullptr;
  auto found = jobs.find(job.getNumber());
  return found == jobs.end() ? nullptr : &found->second;
}

void planner_state::admit(pointer self, std::uint64_t number, open_job job, job_record submitted) {
  auto priority = job.priority;
  add_deadline(self, number, job.deadline_at_ms);
  jobs.emplace(number, std::move(job));
  if (running < settings.limits.running_max && queue.empty()) {
    spawn_job(self, number, {std::move(submitted)});
  } else {
    queue.emplace(std::pair{-priority, number}, number);
  }
}

void planner_state::load(pointer self, std::uint64_t number) {
  jobs.at(number).starting = true;
  ++running;
  self->request(peers.archive, caf::infinite, load_atom_v, number)
      .then(
          [self, number](const job_history& history) {
            auto& state = self->state;
            --state.running;
            if (history.records.empty()) return state.forget(number);
            auto& job = state.jobs.at(number);
            job.starting = false;
            job.loads_failed = 0;
            if (job.deadline_at_ms == 0) {
              job.deadline_at_ms = deadline_in(history.records);
              state.add_deadline(self, number, job.deadline_at_ms);
            }
            state.spawn_job(self, number, history.records);
          },
          [self, number](const caf::error& err) {
            --self->state.running;
            self->state.on_unreadable(self, number, err);
          });
}

void planner_state::spawn_job(pointer self, std::uint64_t number, std::vector<job_record> records) {
  auto& job = jobs.at(number);
  job_start start{.id = {journal, number},
                  .settings = settings,
                  .records = std::move(records),
                  .awaits_command = !job.commands.empty() || !job.feedbacks.empty()};
  job_peers to{
      .journal = peers.journal, .pool = peers.pool, .owner = caf::actor_cast<job_owner>(self)};
  job.actor = self->spawn<caf::monitored>(job_behavior, std::move(start), std::move(to));
  job.paused = false;
  ++running;
  forward_waiting(self, job);
}

void planner_state::forward_waiting(pointer self, open_job& job) {
  for (auto& [command, promise] : std::exchange(job.commands, {}))
    forward_command(self, job, command, promise);
  for (auto& [feedback, promise] : std::exchange(job.feedbacks, {}))
    forward_feedback(self, job, feedback, promise);
  for (auto& [follow, promise] : std::exchange(job.follows, {}))
    ask_events(self, job.actor, follow, promise);
}

void planner_state::forward_command(pointer self, open_job& job, const tmsg::jobcmd& command,
                                    promise<tmsg::jobsum> promise) {
  auto number = command.read()->getJob().getNumber();
  self->request(job.actor, caf::infinite, command_atom_v, command)
      .then(
          [self, promise](const tmsg::jobsum& summary) mutable {
            auto reader = summary.read();
            // A job that is retried has a new deadline.
            if (reader->getEndedAtMs() == 0)
              self->state.add_deadline(self, reader->getJob().getNumber(),
                                       reader->getDeadlineAtMs());
            promise.deliver(summary);
          },
          [self, number, command, promise](const caf::error& err) mutable {
            // It came to its end with the command still in its mailbox: a new actor says what that
            // means.
            if (err == caf::sec::request_receiver_down)
              self->state.to_job(self, number, command, promise);
            else
              promise.deliver(err);
          });
}

void planner_state::forward_feedback(pointer self, open_job& job, const tmsg::feedbk& feedback,
                                     promise<tmsg::jobsum> promise) {
  auto number = feedback.read()->getJob().getNumber();
  ask_job(self, job.actor, feedback_atom_v, feedback, promise, [self, number, feedback, promise] {
    self->state.to_job(self, number, feedback, promise);
  });
}

void planner_state::to_job(pointer self, std::uint64_t number, const tmsg::jobcmd& command,
                           promise<tmsg::jobsum> promise) {
  auto& job = wake(self, number);
  if (job.actor)
    forward_command(self, job, command, promise);
  else
    job.commands.emplace_back(command, promise);
}

void planner_state::to_job(pointer self, std::uint64_t number, const tmsg::feedbk& feedback,
                           promise<tmsg::jobsum> promise) {
  auto& job = wake(self, number);
  if (job.actor)
    forward_feedback(self, job, feedback, promise);
  else
    job.feedbacks.emplace_back(feedback, promise);
}

caf::error planner_state::check_number(schema::JobId::Reader job) const {
  job_id id{journal_id{job.getJournal()}, job.getNumber()};
  if (id.journal == journal && id.number != 0 && id.number < next_number) return caf::none;
  return make_error(errc::not_found, "no job " + to_string(id) +
                                         " in this journal; 'tandem jobs' lists those it has");
}

void planner_state::forget(std::uint64_t number) {
  auto found = jobs.find(number);
  auto err =
      make_error(errc::not_found, "job " + to_string(job_id{journal, number}) + " was purged");
  for (auto& [command, promise] : found->second.commands) promise.deliver(err);
  for (auto& [feedback, promise] : found->second.feedbacks) promise.deliver(err);
  jobs.erase(found);
  check_drained();
}

void planner_state::spawn_waiting(pointer self) {
  while (running < settings.limits.running_max && !queue.empty()) {
    auto number = queue.begin()->second;
    queue.erase(queue.begin());
    if (auto found = jobs.find(number);
        found != jobs.end() && !found->second.actor && !found->second.starting)
      load(self, number);
  }
  check_drained();
}

planner_state::open_job& planner_state::wake(pointer self, std::uint64_t number) {
  auto& job = jobs[number];
  if (job.actor || job.starting) return job;
  queue.erase(std::pair{-job.priority, number});
  load(self, number);
  return job;
}

void planner_state::on_ended(pointer self, std::uint64_t number, const tmsg::jobsum& summary) {
  auto found = jobs.find(number);
  if (found == jobs.end()) return;
  auto& job = found->second;
  --running;
  job.actor = nullptr;
  pins.forget(number);
  if (summary.read()->getState() == schema::JobState::PAUSED) {
    job.paused = true;
    // What came in while it was coming to rest.
    if (!job.commands.empty() || !job.feedbacks.empty()) wake(self, number);
  } else {
    for (auto& wait : job.waits) wait.deliver(summary);
    auto late = std::move(job);
    jobs.erase(found);
    if (!late.commands.empty() || !late.feedbacks.empty()) {
      auto& again = jobs[number];
      again.commands = std::move(late.commands);
      again.feedbacks = std::move(late.feedbacks);
      wake(self, number);
    }
  }
  spawn_waiting(self);
}

void planner_state::on_pin(pointer self, schema::WeightPin::Reader pin) {
  auto* job = find_open(pin.getJob());
  // Of an actor that is no more: its successor says what holds now.
  if (job == nullptr || !job->actor ||
      self->current_sender() != caf::actor_cast<caf::strong_actor_ptr>(job->actor))
    return;
  if (pin.getModel().size() == 0)
    pins.forget(pin.getJob().getNumber());
  else
    pins.set(pin.getJob().getNumber(), view(pin.getModel()), view(pin.getVersion()));
}

caf::result<tmsg::wtoutcm> planner_state::count_pins(schema::WeightPin::Reader question) const {
  if (question.getModel().size() == 0 || question.getVersion().size() != 0 ||
      question.getJob().getNumber() != 0)
    return make_error(errc::invalid_argument, "a question for weight versions names a model alone");
  auto found = pins.count(view(question.getModel()));
  message_builder<schema::WeightOutcome> out;
  auto list = out->initPins(static_cast<unsigned>(found.size()));
  unsigned place = 0;
  for (const auto& [version, jobs] : found) {
    list[place].setVersion(version);
    list[place++].setJobs(jobs);
  }
  return out.finish();
}

void planner_state::check_drained() {
  if (drains.empty() || accepting != 0) return;
  for (const auto& [number, job] : jobs)
    if (!job.paused) return;
  for (auto& drain : std::exchange(drains, {})) drain.deliver(caf::ok_atom_v);
}

void planner_state::add_deadline(pointer self, std::uint64_t number, std::uint64_t at_ms) {
  if (at_ms == 0) return;
  deadlines.emplace(at_ms, number);
  if (timer_at_ms != 0 && timer_at_ms <= at_ms) return;
  timer_at_ms = at_ms;
  auto now = unix_ms();
  // A little late, so that many deadlines share one message.
  self->delayed_send(self, std::chrono::milliseconds{(at_ms > now ? at_ms - now : 0) + 10},
                     expire_atom_v);
}

void planner_state::expire(pointer self) {
  timer_at_ms = 0;
  auto now = unix_ms();
  while (!deadlines.empty() && deadlines.begin()->first <= now) {
    auto number = deadlines.begin()->second;
    deadlines.erase(deadlines.begin());
    auto found = jobs.find(number);
    if (found == jobs.end()) continue;
    // One that has no actor looks at its deadline as soon as it has one.
    auto& job = wake(self, number);
    if (job.actor) self->send(job.actor, expire_atom_v);
  }
  if (deadlines.empty()) return;
  auto next = *deadlines.begin();
  deadlines.erase(deadlines.begin());
  add_deadline(self, next.second, next.first);
}

planner_inside::behavior_type planner_behavior(planner_state::pointer self, planner_start start,
                                               planner_peers peers) {
  auto& state = self->state;
  state.journal = start.journal;
  state.settings = std::move(start.settings);
  state.next_number = start.next_number;
  state.peers = std::move(peers);
  for (auto number : start.open) {
    state.jobs.emplace(number, planner_state::open_job{});
    state.queue.emplace(std::pair{0, number}, number);
  }
  state.spawn_waiting(self);
  self->set_down_handler([self](const caf::down_msg& down) {
    for (auto& [number, job] : self->state.jobs) {
      if (!job.actor || job.actor.address() != down.source) continue;
      --self->state.running;
      return self->state.on_crash(self, number, down.reason);
    }
  });
  if (state.settings.limits.retention.count() > 0) self->send(self, expired_atom_v);
  return {
      [self](submit_atom, const tmsg::submit& request) {
        auto promise = self->make_response_promise<tmsg::submitd>();
        self->state.submit(self, request, promise);
        return promise;
      },
      [self](wait_atom, const tmsg::jobref& request) -> caf::result<tmsg::jobsum> {
        if (auto* job = self->state.find_open(request.read()->getJob())) {
          auto promise = self->make_response_promise<tmsg::jobsum>();
          if (job->waits.size() >= waits_max) {
            // The one that has waited longest hears how far the job is, and asks again.
            auto oldest = std::move(job->waits.front());
            job->waits.erase(job->waits.begin());
            self->request(self->state.peers.archive, caf::infinite, summary_atom_v, request)
                .then([oldest](const tmsg::jobsum& summary) mutable { oldest.deliver(summary); },
                      deliver_error(oldest));
          }
          job->waits.push_back(promise);
          return promise;
        }
        return ask_archive<tmsg::jobsum>(self, summary_atom_v, request);
      },
      [self](summary_atom, const tmsg::jobref& request) {
        return ask_archive<tmsg::jobsum>(self, summary_atom_v, request);
      },
      [self](view_atom, const tmsg::jobref& request) {
        return ask_archive<tmsg::jobview>(self, view_atom_v, request);
      },
      [self](list_atom, const tmsg::jobqry& request) {
        return ask_archive<tmsg::joblist>(self, list_atom_v, request);
      },
      [self](cost_atom, const tmsg::costqry& request) {
        return ask_archive<tmsg::costrep>(self, cost_atom_v, request);
      },
      [self](follow_atom, const tmsg::follow& request) -> caf::result<tmsg::events> {
        auto reader = request.read();
        auto* job = self->state.find_open(reader->getJob());
        if (job == nullptr || reader->getAtOnce())
          return ask_archive<tmsg::events>(self, follow_atom_v, request);
        auto promise = self->make_response_promise<tmsg::events>();
        if (job->actor) {
          ask_events(self, job->actor, request, promise);
        } else if (reader->getAfter() == 0) {
          return ask_archive<tmsg::events>(self, follow_atom_v, request);
        } else {
          if (job->follows.size() >= follows_max) {
            auto& [oldest, its_promise] = job->follows.front();
            its_promise.deliver(no_events(oldest));
            job->follows.erase(job->follows.begin());
          }
          job->follows.emplace_back(request, promise);
        }
        return promise;
      },
      [self](result_atom, const tmsg::resqry& request) {
        return ask_archive<tmsg::reschnk>(self, result_atom_v, request);
      },
      [self](command_atom, const tmsg::jobcmd& command) -> caf::result<tmsg::jobsum> {
        auto& state = self->state;
        auto id = command.read()->getJob();
        if (auto err = state.check_number(id)) return err;
        auto promise = self->make_response_promise<tmsg::jobsum>();
        state.to_job(self, id.getNumber(), command, promise);
        return promise;
      },
      [self](feedback_atom, const tmsg::feedbk& feedback) -> caf::result<tmsg::jobsum> {
        auto& state = self->state;
        auto reader = feedback.read();
        auto id = reader->getJob();
        if (!(reader->getScore() >= 0 && reader->getScore() <= 1))
          return make_error(errc::invalid_argument, "the score is outside 0 to 1");
        if (auto err = state.check_number(id)) return err;
        auto promise = self->make_response_promise<tmsg::jobsum>();
        state.to_job(self, id.getNumber(), feedback, promise);
        return promise;
      },
      [self](purge_atom, const tmsg::purge& request) { return self->state.purge(self, request); },
      [self](find_atom, const tmsg::submit& request) {
        auto promise = self->make_response_promise<tmsg::submitd>();
        self->state.find(self, request, promise);
        return promise;
      },
      [self](status_atom) {
        auto& state = self->state;
        return actor_status({.name = "planner",
                             .kind = "planner",
                             .parent = "supervisor",
                             .mailbox_depth = self->mailbox().size(),
                             .in_flight = state.running,
                             .queued = state.queue.size(),
                             .handled = state.accepted,
                             .noun = "jobs"});
      },
      [self](pin_atom, const tmsg::wtpin& question) {
        return self->state.count_pins(*question.read());
      },
      [self](add_atom, const tmsg::wtpin& pin) { self->state.on_pin(self, *pin.read()); },
      [self](ended_atom, std::uint64_t number, const tmsg::jobsum& summary) {
        self->state.on_ended(self, number, summary);
      },
      [self](drain_atom) {
        auto& state = self->state;
        state.draining = true;
        auto promise = self->make_response_promise<caf::ok_atom>();
        state.drains.push_back(promise);
        state.check_drained();
        return promise;
      },
      [self](load_atom, std::uint64_t number) {
        auto found = self->state.jobs.find(number);
        if (found != self->state.jobs.end() && !found->second.actor && !found->second.starting)
          self->state.wake(self, number);
      },
      [self](expire_atom) { self->state.expire(self); },
      [self](expired_atom) { self->state.purge_expired(self); },
      [self](wire_atom, const executor_pool_actor& pool) {
        self->state.peers.pool = pool;
        for (auto& [number, job] : self->state.jobs)
          if (job.actor) self->send(job.actor, wire_atom_v, pool);
      },
      [self](wire_atom, const archive_actor& archive) { self->state.peers.archive = archive; }};
}

}  // namespace tandem
