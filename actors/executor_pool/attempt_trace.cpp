// The span of one attempt: from its arrival in the pool to its reply, whatever was tried for it.

#include "actors/executor_pool/executor_pool.hpp"
#include "actors/trace/call_span.hpp"
#include "actors/trace/tracer.hpp"

namespace tandem {

void executor_pool_state::begin_trace(work& of) const {
  const auto& reader = of.attempt.read();
  auto parent = read_trace(reader->getTrace());
  of.span_parent = parent.span;
  of.arrived_ns = unix_ns();
  message_builder<schema::Attempt> traced;
  traced.copy(*reader);
  write_trace(traced->getTrace(), services.trace->begin(parent));
  of.attempt = traced.finish();
}

void executor_pool_state::record_trace(const work& done,
                                       schema::AttemptResult::Reader result) const {
  const auto& attempt = done.attempt.read();
  span out{.self = read_trace(attempt->getTrace()),
           .parent = done.span_parent,
           .name = "attempt",
           .start_ns = done.arrived_ns,
           .end_ns = unix_ns()};
  add_call(out, *attempt);
  add_result(out, result);
  services.trace->record(std::move(out));
}

}  // namespace tandem
