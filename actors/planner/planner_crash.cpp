// Jobs whose actor crashed, and jobs whose records cannot be read. Whatever one job does, it must
// not cost the node, nor leave those who wait for it without an answer.

#include <spdlog/spdlog.h>

#include "actors/clock.hpp"
#include "actors/job/job_records.hpp"
#include "actors/job/job_view.hpp"
#include "actors/planner/planner.hpp"

namespace tandem {
namespace {

/// The store may be busy, or its reader about to be started anew.
constexpr std::chrono::milliseconds reload_first{200};
constexpr std::uint32_t reloads_max = 6;

job_record crash_record(schema::JobState state, std::uint32_t crashes, std::uint32_t crashes_max,
                        const caf::error& reason, std::uint64_t now_ms) {
  message_builder<schema::JobRecord> record;
  record->setAtMs(now_ms);
  auto changed = record->initStateChanged();
  changed.setState(state);
  changed.setCrashes(crashes);
  changed.setReason(bounded_reason("its actor crashed (" + std::to_string(crashes) + " of " +
                                   std::to_string(crashes_max) + "): " + message_of(reason)));
  return record.finish();
}

job_record end_record(std::uint32_t crashes, const std::string& id, const caf::error& reason,
                      std::uint64_t now_ms) {
  message_builder<schema::JobRecord> record;
  record->setAtMs(now_ms);
  auto ended = record->initEnded();
  ended.setState(schema::JobState::FAILED);
  ended.setCode(static_cast<schema::Errc>(errc::internal));
  ended.setReason("its actor crashed " + std::to_string(crashes) +
                  (crashes == 1 ? " time: " : " times: ") + bounded_reason(message_of(reason)) +
                  "; retry it with tandem retry " + id);
  return record.finish();
}

caf::error stopped(const std::string& id, const caf::error& reason) {
  return make_error(errc::internal, "the actor of job " + id + " stopped: " + message_of(reason));
}

}  // namespace

void planner_state::refuse_waiting(open_job& job, const caf::error& why) {
  for (auto& [command, promise] : std::exchange(job.commands, {})) promise.deliver(why);
  for (auto& [feedback, promise] : std::exchange(job.feedbacks, {})) promise.deliver(why);
}

void planner_state::abandon(pointer self, std::uint64_t number, const caf::error& why) {
  auto found = jobs.find(number);
  if (found == jobs.end()) return;
  auto job = std::move(found->second);
  jobs.erase(found);
  refuse_waiting(job, why);
  for (auto& [follow, promise] : job.follows) promise.deliver(why);
  for (auto& wait : job.waits) wait.deliver(why);
  spawn_waiting(self);
}

void planner_state::on_crash(pointer self, std::uint64_t number, const caf::error& reason) {
  auto found = jobs.find(number);
  if (found == jobs.end()) return;
  auto& job = found->second;
  auto id = to_string(job_id{journal, number});
  job.actor = nullptr;
  pins.forget(number);
  spdlog::error("job actor crashed job={} reason=\"{}\"", id, message_of(reason));
  refuse_waiting(job, stopped(id, reason));
  if (code_of(reason) == errc::corrupted) return fail_unreadable(self, number, reason);
  job.starting = true;
  ++running;
  // What the actor still had on its way into the journal is durable before this empty write is
  // answered: the records that are read then are all there are.
  self->request(peers.journal, caf::infinite, write_atom_v, journal_write{.job = number})
      .then(
          [self, number, reason](caf::ok_atom) {
            auto& archive = self->state.peers.archive;
            self->request(archive, caf::infinite, load_atom_v, number)
                .then(
                    [self, number, reason](const job_history& history) {
                      --self->state.running;
                      self->state.after_crash(self, number, reason, history.records);
                    },
                    [self, number](const caf::error& err) {
                      --self->state.running;
                      self->state.on_unreadable(self, number, err);
                    });
          },
          [self, number](const caf::error& err) {
            --self->state.running;
            self->state.abandon(self, number, err);
          });
}

void planner_state::after_crash(pointer self, std::uint64_t number, const caf::error& reason,
                                std::vector<job_record> records) {
  if (records.empty()) return forget(number);
  job_id id{journal, number};
  auto state = std::make_shared<job_state>(id, plan_limits(settings.limits));
  std::uint32_t last = 0;
  for (const auto& record : records)
    if (auto err = state->apply(++last, record)) return on_unreadable(self, number, err);
  jobs.at(number).starting = false;
  ++running;
  // It had been woken for a question alone, which has been answered.
  if (state->ended()) return on_ended(self, number, make_summary(*state));
  auto crashes_max = settings.limits.crashes_max;
  auto crashes = state->crashes() + 1;
  auto is_last = crashes >= crashes_max;
  auto now = unix_ms();
  auto record = is_last ? end_record(crashes, to_string(id), reason, now)
                        : crash_record(state->state(), crashes, crashes_max, reason, now);
  if (auto err = state->apply(last + 1, record)) {
    --running;
    return on_unreadable(self, number, err);
  }
  journal_write write{.job = number, .first = last + 1, .records = {record}};
  if (is_last) {
    write.summary = make_summary(*state);
    write.mark = journal_write::mark::close;
  }
  records.push_back(std::move(record));
  jobs.at(number).starting = true;
  self->request(peers.journal, caf::infinite, write_atom_v, std::move(write))
      .then(
          [self, number, is_last, state, records](caf::ok_atom) {
            auto& planner = self->state;
            auto& job = planner.jobs.at(number);
            job.starting = false;
            if (!is_last) {
              --planner.running;
              return planner.spawn_job(self, number, records);
            }
            for (auto& [follow, promise] : std::exchange(job.follows, {}))
              promise.deliver(make_events(*state,
                                          static_cast<std::uint32_t>(follow.read()->getAfter()),
                                          state->last_number()));
            spdlog::error("job failed job={} reason=\"{}\"", to_string(state->id()),
                          state->reason());
            planner.on_ended(self, number, make_summary(*state));
          },
          [self, number](const caf::error& err) {
            --self->state.running;
            self->state.abandon(self, number, err);
          });
}

void planner_state::on_unreadable(pointer self, std::uint64_t number, const caf::error& why) {
  auto found = jobs.find(number);
  if (found == jobs.end()) return;
  auto& job = found->second;
  auto id = to_string(job_id{journal, number});
  job.starting = false;
  if (code_of(why) == errc::corrupted) return fail_unreadable(self, number, why);
  refuse_waiting(job, why);
  if (++job.loads_failed >= reloads_max) {
    spdlog::error("job is left alone until the node's next start job={} reason=\"{}\"", id,
                  message_of(why));
    return abandon(self, number, why);
  }
  spdlog::warn("job cannot be read job={} tries={} reason=\"{}\"", id, job.loads_failed,
               message_of(why));
  self->delayed_send(self, reload_first * (1 << job.loads_failed), load_atom_v, number);
  spawn_waiting(self);
}

void planner_state::fail_unreadable(pointer self, std::uint64_t number, const caf::error& why) {
  // Commands wait too: whoever is told has a job that has ended before him.
  jobs.at(number).starting = true;
  ++running;
  self->request(peers.archive, caf::infinite, summary_atom_v, number)
      .then([self, number,
             why](const tmsg::jobsum& line) { self->state.fail_line(self, number, line, why); },
            [self, number, why](const caf::error&) {
              // Nothing is left of it but its number.
              message_builder<schema::JobSummary> line;
              line->initJob().setJournal(self->state.journal.value);
              line->getJob().setNumber(number);
              line->setSubmittedAtMs(unix_ms());
              line->setFeedback(-1);
              self->state.fail_line(self, number, line.finish(), why);
            });
}

void planner_state::fail_line(pointer self, std::uint64_t number, const tmsg::jobsum& line,
                              const caf::error& why) {
  auto reader = line.read();
  auto was_over = reader->getEndedAtMs() != 0;
  message_builder<schema::JobSummary> failed;
  failed.copy(*reader);
  if (!was_over) {
    failed->setState(schema::JobState::FAILED);
    failed->setReason(
        bounded_reason("its records in the journal cannot be read: " + message_of(why) +
                       "; restore the data folder from a copy, or submit it again"));
    failed->setEndedAtMs(unix_ms());
    spdlog::error("job failed job={} reason=\"{}\"", to_string(job_id{journal, number}),
                  message_of(why));
  }
  auto summary = failed.finish();
  // Only the line: what is wrong with its records stays to be seen.
  journal_write write{.job = number, .mark = journal_write::mark::close};
  if (!was_over) write.summary = summary;
  self->request(peers.journal, caf::infinite, write_atom_v, std::move(write))
      .then(
          [self, number, summary, why](caf::ok_atom) {
            auto& planner = self->state;
            auto& job = planner.jobs.at(number);
            job.starting = false;
            refuse_waiting(job, why);
            for (auto& [follow, promise] : std::exchange(job.follows, {})) promise.deliver(why);
            planner.on_ended(self, number, summary);
          },
          [self, number](const caf::error& err) {
            --self->state.running;
            self->state.abandon(self, number, err);
          });
}

}  // namespace tandem
