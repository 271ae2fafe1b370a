// The span of one call: its place in the queue, its first token, what it used.

#include "actors/engine/engine.hpp"
#include "actors/trace/call_span.hpp"
#include "actors/trace/tracer.hpp"
#include "schema/text.hpp"

namespace tandem {

void engine_state::begin_trace(call& next) const {
  const auto& attempt = next.attempt.read();
  if (!attempt->hasTrace()) return;
  next.trace = read_trace(attempt->getTrace());
  if (traces && next.trace.sampled) next.trace = traces->begin(next.trace);
}

void engine_state::record_trace(const call& done, schema::AttemptResult::Reader result) const {
  const auto& attempt = done.attempt.read();
  auto is_embedding = attempt->getPurpose() == schema::Purpose::EMBED;
  span out{.self = done.trace,
           .parent = attempt->getTrace().getSpan(),
           .name = (is_embedding ? "embeddings " : "chat ") + model.name,
           .kind = span_kind::client};
  out.end_ns = unix_ns();
  out.start_ns = out.end_ns - result.getTotalUs() * 1000;
  if (done.started != clock::time_point{})
    out.events.push_back({"started", out.start_ns + result.getQueueUs() * 1000});
  if (done.first_token != clock::time_point{})
    out.events.push_back({"first_token", out.start_ns + result.getFirstTokenUs() * 1000});
  out.add("gen_ai.operation.name", is_embedding ? "embeddings" : "chat");
  out.add("gen_ai.request.max_tokens", std::uint64_t{attempt->getMaxTokens()});
  add_result(out, result);
  if (auto messages = attempt->getMessages(); traces->texts() && messages.size() != 0)
    traces->add_text(out, "tandem.prompt", view(messages[messages.size() - 1].getContent()));
  traces->add_text(out, "tandem.answer", view(result.getText()));
  traces->record(std::move(out));
}

}  // namespace tandem
