// From a submission to its acknowledgement.

#include <cmath>

#include "actors/clock.hpp"
#include "actors/job/job_view.hpp"
#include "actors/planner/planner.hpp"
#include "actors/planner/submit_check.hpp"
#include "actors/trace/tracer.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// The parent of the job's span: what the client says, else a trace of its own.
trace_context trace_of(schema::Submit::Reader submit, const tracer* traces) {
  auto given = read_trace(submit.getTrace());
  if (given.is_set() || traces == nullptr) return given;
  return traces->begin().with_span(0);
}

job_record submitted_record(schema::Submit::Reader submit, const planner_config& config,
                            const trace_context& trace, std::uint64_t now_ms) {
  message_builder<schema::JobRecord> record;
  record->setAtMs(now_ms);
  auto submitted = record->initSubmitted();
  submitted.setClientKey(submit.getClientKey());
  submitted.setTenant(submit.getTenant());
  submitted.setMessages(submit.getMessages());
  submitted.setMode(submit.getMode());
  auto timeout = submit.getTimeoutMs() != 0 ? submit.getTimeoutMs()
                                            : static_cast<std::uint64_t>(config.timeout.count());
  submitted.setDeadlineAtMs(now_ms + timeout);
  submitted.setPriority(submit.getPriority());
  submitted.setTags(submit.getTags());
  auto asked = submit.getWeights();
  auto otherwise = config.mix_weights ? schema::WeightPolicy::MIX : schema::WeightPolicy::FAIL;
  submitted.setWeights(asked == schema::WeightPolicy::UNKNOWN ? otherwise : asked);
  auto given = submit.getBudget();
  auto budget = submitted.initBudget();
  budget.setTokens(given.getTokens() != 0 ? given.getTokens() : config.budget_tokens);
  budget.setCostNanousd(given.getCostNanousd() != 0 ? given.getCostNanousd()
                                                    : std::llround(config.budget_usd * 1e9));
  if (submit.hasCheck()) submitted.setCheck(submit.getCheck());
  submitted.setCache(submit.getCache());
  if (submit.getSession().size() != 0) submitted.setSession(submit.getSession());
  if (trace.is_set()) write_trace(submitted.initTrace(), trace);
  return record.finish();
}

/// A submission with the content of the job that the journal has.
tmsg::submit as_submit(schema::SubmittedRecord::Reader record) {
  message_builder<schema::Submit> submit;
  submit->setMessages(record.getMessages());
  submit->setMode(record.getMode());
  return submit.finish();
}

caf::error key_conflict(std::string_view key) {
  return make_error(errc::conflict, "the client key '" + std::string{key} +
                                        "' names a job with another goal; use a new key");
}

std::pair<std::string, std::string> key_of(schema::Submit::Reader request) {
  return {std::string{view(request.getTenant())}, std::string{view(request.getClientKey())}};
}

}  // namespace

tmsg::submitd planner_state::acknowledgement(std::uint64_t number, bool duplicate) const {
  message_builder<schema::Submitted> reply;
  reply->getJob().setJournal(journal.value);
  reply->getJob().setNumber(number);
  reply->setDuplicate(duplicate);
  return reply.finish();
}

void planner_state::submit(pointer self, tmsg::submit request, promise<tmsg::submitd> promise) {
  auto reader = request.read();
  if (auto err = check_submit(*reader, settings.limits)) {
    promise.deliver(err);
    return;
  }
  auto check = reader->getCheck();
  if (auto problem = settings.problem_of_check(view(check.getKind()), view(check.getArgument()));
      !problem.empty()) {
    promise.deliver(
        make_error(errc::invalid_argument, "the answer's check cannot be used: " + problem));
    return;
  }
  if (reader->getClientKey().size() == 0) return accept(self, std::move(request), promise);
  auto key = key_of(*reader);
  auto& waiting = pending_keys[key];
  waiting.emplace_back(request, promise);
  if (waiting.size() > 1) return;  // the first one decides for all
  self->request(peers.archive, caf::infinite, find_atom_v, key.first, key.second)
      .then(
          [self, request, promise](std::uint64_t number) {
            auto& state = self->state;
            if (number == 0)
              state.accept(self, request, promise);
            else
              state.finish_key(self, *request.read(), number, false);
          },
          [self, request](const caf::error& err) {
            self->state.finish_key(self, *request.read(), err, false);
          });
}

void planner_state::find(pointer self, tmsg::submit request, promise<tmsg::submitd> promise) {
  auto key = key_of(*request.read());
  if (key.second.empty()) {
    promise.deliver(make_error(errc::invalid_argument, "the submission has no client key"));
    return;
  }
  // On its way into the journal: the answer is what becomes of it.
  if (auto pending = pending_keys.find(key); pending != pending_keys.end()) {
    pending->second.emplace_back(std::move(request), promise);
    return;
  }
  self->request(peers.archive, caf::infinite, find_atom_v, key.first, key.second)
      .then(
          [self, request, promise](std::uint64_t number) mutable {
            if (number == 0)
              promise.deliver(self->state.acknowledgement(0, false));
            else
              self->state.submit_known(self, number, request, promise);
          },
          [promise](const caf::error& err) mutable { promise.deliver(err); });
}

void planner_state::submit_known(pointer self, std::uint64_t number, tmsg::submit request,
                                 promise<tmsg::submitd> promise) {
  self->request(peers.archive, caf::infinite, load_atom_v, number)
      .then(
          [self, number, request, promise](const job_history& history) mutable {
            if (history.records.empty() || !history.records[0].read()->isSubmitted()) {
              promise.deliver(make_error(errc::corrupted, "a client key names no job"));
              return;
            }
            auto first = history.records[0].read();
            if (same_goal(*as_submit(first->getSubmitted()).read(), *request.read()))
              promise.deliver(self->state.acknowledgement(number, true));
            else
              promise.deliver(key_conflict(view(request.read()->getClientKey())));
          },
          [promise](const caf::error& err) mutable { promise.deliver(err); });
}

void planner_state::finish_key(pointer self, schema::Submit::Reader request,
                               const caf::expected<std::uint64_t>& number, bool first_answered) {
  auto found = pending_keys.find(key_of(request));
  if (found == pending_keys.end()) return;
  auto waiting = std::move(found->second);
  pending_keys.erase(found);
  if (first_answered) waiting.erase(waiting.begin());
  for (auto& [other, promise] : waiting) {
    if (number)
      submit_known(self, *number, other, promise);
    else
      promise.deliver(number.error());
  }
}

void planner_state::accept(pointer self, tmsg::submit request, promise<tmsg::submitd> promise) {
  auto reader = request.read();
  auto keyed = reader->getClientKey().size() != 0;
  if (draining) {
    auto err = make_error(errc::unavailable,
                          "the node of this journal is being drained; submit to another node");
    promise.deliver(err);
    if (keyed) finish_key(self, *reader, err, true);
    return;
  }
  if (queue.size() >= settings.limits.queued_max) {
    auto err = make_error(errc::overloaded, "jobs.queued_max (" +
                                                std::to_string(settings.limits.queued_max) +
                                                ") jobs wait already; submit again later");
    promise.deliver(err);
    if (keyed) finish_key(self, *reader, err, true);
    return;
  }
  auto now = unix_ms();
  auto number = next_number++;
  auto record =
      submitted_record(*reader, settings.limits, trace_of(*reader, settings.trace.get()), now);
  job_state fresh{job_id{journal, number}, plan_limits(settings.limits)};
  if (auto err = fresh.apply(1, record)) {
    promise.deliver(err);
    if (keyed) finish_key(self, *reader, err, true);
    return;
  }
  journal_write write{.job = number,
                      .first = 1,
                      .records = {record},
                      .summary = make_summary(fresh),
                      .mark = journal_write::mark::open,
                      .tenant = std::string{view(reader->getTenant())},
                      .client_key = std::string{view(reader->getClientKey())}};
  ++accepting;
  open_job job{.priority = reader->getPriority(), .deadline_at_ms = fresh.deadline_at_ms()};
  self->request(peers.journal, caf::infinite, write_atom_v, std::move(write))
      .then(
          [self, number, keyed, request, record, promise, job](caf::ok_atom) mutable {
            auto& state = self->state;
            --state.accepting;
            promise.deliver(state.acknowledgement(number, false));
            ++state.accepted;
            state.admit(self, number, std::move(job), record);
            if (keyed) state.finish_key(self, *request.read(), number, true);
          },
          [self, keyed, request, promise](const caf::error& err) mutable {
            --self->state.accepting;
            promise.deliver(err);
            if (keyed) self->state.finish_key(self, *request.read(), err, true);
          });
}

}  // namespace tandem
