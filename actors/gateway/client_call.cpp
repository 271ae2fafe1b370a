#include "actors/gateway/client_call.hpp"

#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// A client that left before its answer: what nginx calls it.
constexpr unsigned client_left = 499;
constexpr std::uint32_t tries_max = 2;

}  // namespace

http_response error_response(const openai_error& error, std::uint64_t retry_after_ms) {
  http_response out{.status = error.status, .body = to_json(error)};
  if (retry_after_ms == 0 && error.status == 503) retry_after_ms = 1000;
  if (retry_after_ms != 0)
    out.headers.emplace_back("Retry-After", std::to_string((retry_after_ms + 999) / 1000));
  return out;
}

call_end read_call_end(schema::AttemptResult::Reader result) {
  auto usage = result.getUsage();
  auto body = result.getBody();
  call_end out;
  out.text = view(result.getText());
  out.finish = result.getFinish();
  out.prompt_tokens = usage.getPromptTokens();
  out.cached_prompt_tokens = usage.getCachedPromptTokens();
  out.completion_tokens = usage.getCompletionTokens();
  out.calls = usage.getCalls();
  out.cost_nanousd = usage.getCostNanousd();
  out.cost_all_large_nanousd = usage.getCostAllLargeNanousd();
  out.saved_nanousd = usage.getSavedNanousd();
  out.cache_hits = usage.getCacheHits();
  out.model = view(result.getModel());
  out.tier = view(result.getTier());
  out.engine = view(result.getEngine());
  out.weight_version = view(result.getWeightVersion());
  out.decision = result.getDecision();
  out.cache_level = result.getCache().getLevel();
  out.simulated = result.getSimulated();
  out.first_token_us = result.getFirstTokenUs();
  out.total_us = result.getTotalUs();
  out.body.assign(reinterpret_cast<const char*>(body.begin()), body.size());
  return out;
}

client_call::client_call(client_call_start start)
    : start_{std::move(start)},
      events_{start_.reply, start_.headers, start_.pulse},
      number_{start_.attempt.read()->getFence().getJob().getNumber()} {}

void client_call::begin(client_call_start start) {
  auto call = std::make_shared<client_call>(std::move(start));
  const auto& gateway = call->start_.gateway;
  if (gateway->post([call](gateway_pointer self) { call->run(self); })) return;
  call->fail(errc::unavailable, "this node's gateway is being started anew; try again", 1000);
}

void client_call::run(gateway_pointer self) {
  ++self->state.open;
  if (start_.stream) self->state.add_stream(self, number_, shared_from_this());
  // Its holder is gone when the call is.
  start_.reply->on_gone([weak = weak_from_this(), gateway = start_.gateway] {
    gateway->post([weak](gateway_pointer self) {
      if (auto call = weak.lock()) call->leave(self);
    });
  });
  ask(self);
}

void client_call::ask(gateway_pointer self) {
  ++tries_;
  // The attempt has a deadline of its own, which the pool keeps.
  self->request(self->state.pool, caf::infinite, attempt_atom_v, start_.attempt,
                caf::actor_cast<chunk_sink>(self))
      .then([self, call = shared_from_this()](
                const tmsg::attres& result) { call->on_result(self, *result.read()); },
            [self, call = shared_from_this()](const caf::error& err) {
              if (call->is_over_) return;
              call->fail(code_of(err), message_of(err), 0);
              call->finish(self);
            });
}

void client_call::on_chunk(gateway_pointer, schema::TextChunk::Reader chunk) {
  if (is_over_) return;
  auto bytes = chunk.getText();
  std::string_view text{reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
  auto head = events_.has_begun() ? std::string{} : start_.writer->begin();
  events_.write(head +
                (chunk.getIsEvent() ? start_.writer->event(text) : start_.writer->text(text)));
}

void client_call::on_tick() {
  if (!is_over_ && events_.has_begun()) events_.on_tick();
}

void client_call::on_result(gateway_pointer self, schema::AttemptResult::Reader result) {
  if (is_over_) {
    auto end = read_call_end(result);
    return start_.done({.status = client_left, .end = &end, .is_late = true});
  }
  auto code = static_cast<errc>(result.getError().getCode());
  if (code == errc::unknown) {
    succeed(result);
  } else {
    if (try_elsewhere(self, result)) return;
    auto end = read_call_end(result);
    fail(code, view(result.getError().getMessage()), result.getRetryAfterMs(), &end);
  }
  finish(self);
}

bool client_call::try_elsewhere(gateway_pointer self, schema::AttemptResult::Reader result) {
  auto code = static_cast<errc>(result.getError().getCode());
  if (code != errc::engine_failed || events_.has_begun() || tries_ >= tries_max) return false;
  message_builder<schema::Attempt> again;
  again.copy(*start_.attempt.read());
  again->getFence().setAttempt(tries_ + 1);
  again->setTries(static_cast<std::uint16_t>(tries_));
  if (result.getEngine().size() != 0) again->initExcludedEngines(1).set(0, result.getEngine());
  start_.attempt = again.finish();
  ask(self);
  return true;
}

void client_call::succeed(schema::AttemptResult::Reader result) {
  auto end = read_call_end(result);
  if (!start_.stream) {
    http_response answer{.headers = std::move(start_.headers)};
    answer.body = start_.writer ? start_.writer->whole(end) : with_extension(end.body, end);
    start_.reply->send(std::move(answer));
  } else {
    auto head = events_.has_begun() ? std::string{} : start_.writer->begin();
    events_.write(head + start_.writer->end(end));
    events_.end();
  }
  start_.done({.status = 200, .end = &end});
}

void client_call::fail(errc code, std::string_view message, std::uint64_t retry_after_ms,
                       const call_end* end) {
  auto error = to_openai_error(code, message);
  if (events_.has_begun()) {
    events_.write(start_.writer->fail(error));
    events_.end();
  } else {
    auto answer = error_response(error, retry_after_ms);
    for (auto& each : start_.headers) answer.headers.push_back(std::move(each));
    start_.reply->send(std::move(answer));
  }
  start_.done({.status = error.status, .end = end, .error = error.message});
}

void client_call::leave(gateway_pointer self) {
  if (is_over_) return;
  message_builder<schema::Cancel> cancel;
  cancel->setFence(start_.attempt.read()->getFence());
  cancel->setReason("its client left");
  self->send(self->state.pool, cancel_atom_v, cancel.finish());
  start_.done({.status = client_left, .error = "the client left"});
  finish(self);
}

void client_call::finish(gateway_pointer self) {
  is_over_ = true;
  --self->state.open;
  if (start_.stream) self->state.streams.erase(number_);
  // It may hold the last reference to the connection.
  start_.reply.reset();
}

}  // namespace tandem
