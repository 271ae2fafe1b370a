#include "actors/gateway/client_call.hpp"

#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::uint32_t tries_max = 2;
/// Of a call whose end nobody told: about four bytes of text a token.
constexpr std::size_t token_bytes = 4;

/// FNV-1a, piece by piece.
std::uint64_t hash_on(std::uint64_t hash, std::string_view bytes) {
  constexpr std::uint64_t prime = 0x100000001b3;
  if (hash == 0) hash = 0xcbf29ce484222325;
  for (unsigned char byte : bytes) hash = (hash ^ byte) * prime;
  return hash;
}

void add_usage(call_end& to, const call_end& more) {
  to.prompt_tokens += more.prompt_tokens;
  to.cached_prompt_tokens += more.cached_prompt_tokens;
  to.completion_tokens += more.completion_tokens;
  to.calls += more.calls;
  to.cost_nanousd += more.cost_nanousd;
  to.cost_all_large_nanousd += more.cost_all_large_nanousd;
  to.saved_nanousd += more.saved_nanousd;
  to.cache_hits += more.cache_hits;
}

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
  if (self->state.pool) return ask(self);
  fail(errc::unavailable, "this node is starting and has no engines yet; try again", 1000);
  finish(self);
}

void client_call::ask(gateway_pointer self) {
  ++tries_;
  next_chunk_ = 0;
  // The attempt has a deadline of its own, which the pool keeps.
  self->request(self->state.pool, caf::infinite, attempt_atom_v, start_.attempt,
                caf::actor_cast<chunk_sink>(self))
      .then([self, call = shared_from_this()](
                const tmsg::attres& result) { call->on_result(self, *result.read()); },
            [self, call = shared_from_this()](const caf::error& err) {
              // Nobody says what it has used but what it has said.
              auto end = call->before_;
              end.completion_tokens += (call->sent_ + token_bytes - 1) / token_bytes;
              if (call->is_over_)
                return call->start_.done({.status = client_left, .end = &end, .is_late = true});
              call->fail(code_of(err), message_of(err), 0, &end);
              call->finish(self);
            });
}

void client_call::on_chunk(gateway_pointer, schema::TextChunk::Reader chunk) {
  if (is_over_) return;
  auto bytes = chunk.getText();
  std::string_view text{reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
  // Of a try that was given up.
  if (chunk.getFence().getAttempt() != start_.attempt.read()->getFence().getAttempt()) return;
  has_events_ = has_events_ || chunk.getIsEvent();
  has_gap_ = has_gap_ || chunk.getNumber() != next_chunk_;
  // What follows a hole would be read as if there were none.
  if (has_gap_) return;
  ++next_chunk_;
  sent_ += text.size();
  sent_hash_ = hash_on(sent_hash_, text);
  auto head = events_.has_begun() ? std::string{} : start_.writer->begin();
  events_.write(head +
                (chunk.getIsEvent() ? start_.writer->event(text) : start_.writer->text(text)));
}

void client_call::on_tick() {
  if (!is_over_ && events_.has_begun()) events_.on_tick();
}

void client_call::on_result(gateway_pointer self, schema::AttemptResult::Reader result) {
  auto end = all_of(result);
  if (is_over_) return start_.done({.status = client_left, .end = &end, .is_late = true});
  auto code = static_cast<errc>(result.getError().getCode());
  if (code == errc::unknown) {
    succeed(end);
  } else {
    if (try_elsewhere(self, result)) return;
    fail(code, view(result.getError().getMessage()), result.getRetryAfterMs(), &end);
  }
  finish(self);
}

bool client_call::try_elsewhere(gateway_pointer self, schema::AttemptResult::Reader result) {
  auto code = static_cast<errc>(result.getError().getCode());
  if (code != errc::engine_failed || events_.has_begun() || tries_ >= tries_max) return false;
  auto old = start_.attempt.read();
  auto used = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - begun_).count();
  auto limit = old->getTimeoutMs();
  if (limit != 0 && static_cast<std::uint64_t>(used) >= limit) return false;
  before_ = all_of(result);
  message_builder<schema::Attempt> again;
  again.copy(*old);
  if (limit != 0) again->setTimeoutMs(limit - static_cast<std::uint64_t>(used));
  again->getFence().setAttempt(tries_ + 1);
  again->setTries(static_cast<std::uint16_t>(tries_));
  if (result.getEngine().size() != 0) again->initExcludedEngines(1).set(0, result.getEngine());
  start_.attempt = again.finish();
  ask(self);
  return true;
}

call_end client_call::all_of(schema::AttemptResult::Reader result) const {
  auto out = read_call_end(result);
  add_usage(out, before_);
  return out;
}

bool client_call::complete(std::string_view text, std::string& rest) const {
  // Events are more than their text: only whole they make sense.
  if (has_events_) return !has_gap_;
  if (sent_ == 0 || (!has_gap_ && sent_ >= text.size())) return true;
  auto fits = sent_ <= text.size() && hash_on(0, text.substr(0, sent_)) == sent_hash_;
  if (!fits) return !has_gap_;
  rest = start_.writer->text(text.substr(sent_));
  return true;
}

void client_call::succeed(const call_end& end) {
  std::string rest;
  if (start_.stream && !complete(end.text, rest))
    return fail(errc::unavailable, "a part of the answer was lost on its way; ask again", 0, &end);
  if (!start_.stream) {
    http_response answer{.headers = std::move(start_.headers)};
    answer.body = start_.writer ? start_.writer->whole(end) : with_extension(end.body, end);
    start_.reply->send(std::move(answer));
  } else {
    auto head = events_.has_begun() ? std::string{} : start_.writer->begin();
    events_.write(head + rest + start_.writer->end(end));
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
