// The spans of a job and of what it asks for.

#include "actors/job/job.hpp"
#include "actors/job/job_view.hpp"
#include "actors/trace/call_span.hpp"
#include "actors/trace/tracer.hpp"
#include "schema/ids.hpp"
#include "schema/text.hpp"

namespace tandem {

std::uint64_t job_actor_state::begin_trace(const tmsg::attempt& attempt) const {
  return traces && attempt.read()->getTrace().getSampled() ? unix_ns() : 0;
}

void job_actor_state::record_attempt(const tmsg::attempt& attempt, std::uint64_t began_ns,
                                     const tmsg::attres& result) const {
  auto reader = attempt.read();
  const auto& id = machine->state().id();
  span out{.self = read_trace(reader->getTrace()),
           .parent = job_span(id.journal.value, id.number),
           .name = std::string{name_of_purpose(reader->getPurpose())},
           .start_ns = began_ns,
           .end_ns = unix_ns()};
  add_call(out, *reader);
  add_result(out, *result.read());
  traces->record(std::move(out));
}

void job_actor_state::record_job() const {
  const auto& state = machine->state();
  if (!traces || !state.ended()) return;
  auto first = state.submitted();
  auto submitted = first->getSubmitted();
  auto context = read_trace(submitted.getTrace());
  if (!context.sampled) return;
  auto made = make_summary(state);
  auto summary = made.read();
  span out{.self = context.with_span(job_span(state.id().journal.value, state.id().number)),
           .parent = context.span,
           .name = "job",
           .start_ns = first->getAtMs() * 1'000'000,
           .end_ns = unix_ns()};
  out.add("tandem.job", to_string(state.id()));
  out.add("tandem.tenant", view(submitted.getTenant()));
  out.add("tandem.epochs", std::uint64_t{state.epoch()});
  add_usage(out, summary->getUsage());
  if (state.state() != schema::JobState::DONE) {
    out.add("error.type", state.state() == schema::JobState::CANCELLED ? "cancelled" : "failed");
    out.error = state.reason().empty() ? "it did not succeed" : std::string{state.reason()};
  }
  if (auto messages = submitted.getMessages(); traces->texts() && messages.size() != 0)
    traces->add_text(out, "tandem.goal", view(messages[messages.size() - 1].getContent()));
  traces->record(std::move(out));
}

}  // namespace tandem
