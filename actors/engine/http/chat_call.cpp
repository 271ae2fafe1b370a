#include "actors/engine/http/chat_call.hpp"

#include <algorithm>
#include <utility>

namespace tandem {
namespace {

/// Of the body of a refusal; more is not read.
constexpr std::size_t refusal_bytes_max = std::size_t{64} * 1024;
constexpr std::size_t event_bytes_max = std::size_t{4} * 1024 * 1024;

bool contains_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](auto part) { return text.find(part) != text.npos; });
}

}  // namespace

chat_call::chat_call(std::shared_ptr<http_link> link, const generation_request& request,
                     chat_reply reply, std::string unconstrained)
    : chat_call{std::move(link),     request.id,       request.stream,
                how_passed(request), std::move(reply), std::move(unconstrained)} {}

chat_call::chat_call(std::shared_ptr<http_link> link, std::uint64_t id, bool streams, passing how,
                     chat_reply reply, std::string unconstrained)
    : link_{std::move(link)},
      id_{id},
      streams_{streams},
      passing_{how},
      unconstrained_{std::move(unconstrained)},
      reply_{std::move(reply)},
      events_{std::min(event_bytes_max, link_->server().config().response_bytes_max)} {}

chat_call::passing chat_call::how_passed(const generation_request& request) {
  if (request.client_body.empty()) return passing::no;
  if (request.client_path == schema::ClientPath::EMBEDDINGS) return passing::embeddings;
  return request.stream ? passing::events : passing::chat;
}

void chat_call::on_head(const http_head& head) {
  status_ = head.status;
  content_type_ = head.content_type;
  if (head.status < 200 || head.status >= 300) {
    shape_ = shape::refusal;
    retry_after_ = read_retry_after(head.retry_after, std::chrono::system_clock::now());
  } else if (content_type_.starts_with("text/event-stream")) {
    shape_ = shape::stream;
  } else if (content_type_.starts_with("application/json")) {
    shape_ = shape::whole;
  } else if (content_type_.starts_with("text/html")) {
    shape_ = shape::html;
  }
}

http_next chat_call::on_body(std::string_view bytes) {
  // After [DONE]: the rest is read so that the connection can be used again.
  if (reported_) return http_next::waiting;
  if (shape_ == shape::unknown) {
    auto first = bytes.find_first_not_of(" \t\r\n");
    if (first == bytes.npos) return http_next::waiting;
    shape_ = bytes[first] == '{' ? shape::whole : bytes[first] == '<' ? shape::html : shape::stream;
  }
  switch (shape_) {
    case shape::refusal:
      return keep(bytes, refusal_bytes_max);
    case shape::whole:
      return keep(bytes, link_->server().config().response_bytes_max);
    case shape::stream:
      return read_stream(bytes);
    default:
      fail({errc::engine_failed,
            "it answered a page of HTML, no completion: is url the address of the API?"});
      return http_next::stop;
  }
}

http_next chat_call::keep(std::string_view bytes, std::size_t bytes_max) {
  body_ += bytes.substr(0, bytes_max - std::min(bytes_max, body_.size()));
  return body_.size() < bytes_max ? http_next::progressed : http_next::stop;
}

http_next chat_call::read_stream(std::string_view bytes) {
  auto out = http_next::waiting;
  events_.feed(bytes);
  while (auto event = events_.next()) {
    auto news = reply_.read_event(*event);
    bool passes = passing_ == passing::events && news.now != chat_reply::state::failed;
    // What the client asked for may come in fields that are not read here.
    if (news.progressed || passes) out = http_next::progressed;
    if (passes && *event != "[DONE]") link_->text(id_, std::string{*event});
    if (take(news)) return news.now == chat_reply::state::failed ? http_next::stop : out;
  }
  if (!events_.too_large()) return out;
  fail({errc::engine_failed, "it floods: an event or a line is larger than " +
                                 std::to_string(event_bytes_max) + " bytes"});
  return http_next::stop;
}

bool chat_call::take(const chat_reply::news& news) {
  if (!news.text.empty() && streams_ && passing_ != passing::events)
    link_->text(id_, std::string{news.text});
  else if (!news.text.empty() && first_text_ == clock::time_point{})
    first_text_ = clock::now();
  if (news.now == chat_reply::state::failed)
    fail(reply_.verdict());
  else if (news.now == chat_reply::state::done)
    report_good();
  return reported_;
}

void chat_call::on_end(http_outcome outcome) {
  if (reported_) return;
  bool refused = shape_ == shape::refusal && (outcome.failure == http_failure::none ||
                                              outcome.failure == http_failure::stopped ||
                                              outcome.failure == http_failure::broken);
  if (outcome.failure == http_failure::cancelled)
    report(std::move(reply_).result(errc::cancelled, outcome.text));
  else if (refused)
    end_refusal();
  else if (outcome.failure != http_failure::none)
    end_early(outcome);
  else if (shape_ == shape::whole)
    end_whole();
  else
    end_stream();
}

void chat_call::end_whole() {
  take(passing_ == passing::embeddings ? reply_.read_vectors(body_) : reply_.read_answer(body_));
}

void chat_call::end_refusal() {
  auto verdict = judge_status(status_, body_, retry_after_, link_->server().key_source());
  if (!try_unconstrained(verdict)) fail(verdict);
}

void chat_call::end_stream() {
  if (auto event = events_.finish(); event && take(reply_.read_event(*event))) return;
  fail(reply_.cut_verdict());
}

void chat_call::end_early(const http_outcome& outcome) {
  auto text = outcome.text;
  auto code = errc::engine_failed;
  auto is_unreached = false;
  switch (outcome.failure) {
    case http_failure::connect:
    case http_failure::connect_timeout:
      is_unreached = true;
      break;
    case http_failure::overloaded:
      code = errc::overloaded;
      break;
    case http_failure::invalid:
      code = errc::invalid_argument;
      break;
    case http_failure::first_timeout:
      text += " (first_token_timeout)";
      break;
    case http_failure::idle_timeout:
      text += " (stall_timeout)";
      break;
    case http_failure::broken:
      if (status_ != 0) text = "the answer was cut: " + text;
      break;
    default:
      break;
  }
  fail({code, std::move(text)}, is_unreached);
}

bool chat_call::try_unconstrained(const http_verdict& verdict) {
  bool of_the_schema =
      contains_any(body_, {"response_format", "json_schema", "guided", "grammar", "schema"});
  auto loop = link_->loop();
  if (unconstrained_.empty() || !of_the_schema || !loop || verdict.code != errc::invalid_argument)
    return false;
  auto again =
      std::shared_ptr<chat_call>(new chat_call{link_, id_, streams_, passing_, reply_, {}});
  if (link_->start_again(*loop, id_, std::move(unconstrained_), std::move(again)))
    reported_ = true;
  else
    report(std::move(reply_).result(errc::cancelled, "cancelled"));
  return true;
}

void chat_call::fail(const http_verdict& verdict, bool is_unreached) {
  auto text = "engine '" + link_->server().engine() + "': " + verdict.text;
  auto result =
      std::move(reply_).result(verdict.code, link_->server().without_key(std::move(text)));
  result.retry_after = verdict.retry_after;
  result.is_unreached = is_unreached;
  report(std::move(result));
}

void chat_call::report_good() {
  auto result = std::move(reply_).result();
  // Of a stream that the server answered whole too: nothing of it was told yet.
  if (passing_ != passing::no && shape_ == shape::whole) result.body = std::move(body_);
  report(std::move(result));
}

void chat_call::report(generation result) {
  reported_ = true;
  result.first_text = first_text_;
  link_->done(id_, std::move(result));
}

}  // namespace tandem
