#include "tests/support/stub_engine_loop.hpp"

#include <algorithm>
#include <exception>

namespace tandem::test {

using namespace stub;

namespace {

/// `to` stays as it is when there is no such value.
template <class T>
void read(simdjson::simdjson_result<simdjson::dom::element> from, T& to) {
  T value{};
  if (from.get(value) == simdjson::SUCCESS) to = value;
}

}  // namespace

// --- what is answered

bool stub_engine::loop::read_chat(stub_request& request) {
  simdjson::dom::element body;
  if (parser_.parse(request.body.data(), request.body.size()).get(body) != simdjson::SUCCESS)
    return false;
  simdjson::dom::array messages;
  if (body["messages"].get(messages) != simdjson::SUCCESS) return false;
  read(body["model"], request.model);
  read(body["stream"], request.stream);
  read(body["stream_options"]["include_usage"], request.include_usage);
  std::uint64_t tokens = 0;
  if (body["max_tokens"].get(tokens) == simdjson::SUCCESS ||
      body["max_completion_tokens"].get(tokens) == simdjson::SUCCESS)
    request.max_tokens = static_cast<std::uint32_t>(tokens);
  std::string_view form;
  request.has_schema =
      body["response_format"]["type"].get(form) == simdjson::SUCCESS && form == "json_schema";
  for (auto message : messages) {
    std::string_view role;
    std::string_view content;
    if (message["role"].get(role) != simdjson::SUCCESS ||
        message["content"].get(content) != simdjson::SUCCESS)
      continue;
    if (role == "system") request.system = content;
    if (role == "user") request.user = content;
  }
  return true;
}

stub_answer stub_engine::loop::choose(stub_request& request, bool& chat) {
  if (auto found = paths.find(request.path); found != paths.end()) return found->second;
  if (loading) return answer_loading();
  if (!options.api_key.empty() && request.path != "/health" &&
      request.header("authorization") != "Bearer " + options.api_key)
    return answer_unauthorized(options);
  if (!chat) return answer_path(options, request, counts);
  if (!read_chat(request)) {
    chat = false;
    return stub_answer::error(
        400, R"({"error":{"code":400,"message":"parse error","type":"invalid_request_error"}})");
  }
  request.number = ++counts.requests;
  if (options.count_prompts) ++prompts[std::string{request.user}];
  if (options.check_model && request.model != options.model)
    return answer_unknown_model(options, request.model);
  if (!pushed.empty()) {
    auto answer = std::move(pushed.front());
    pushed.pop_front();
    return answer;
  }
  try {
    return handler(request);
  } catch (const std::exception& e) {
    std::string body = R"({"error":{"message":)";
    append_json(body, e.what());
    return stub_answer::error(500, body + "}}");
  }
}

// --- one answer, piece by piece

void stub_engine::loop::serve(connection& c) {
  while (!c.busy) {
    stub_request request;
    bool bad = false;
    auto size = read_request(c.in, request, bad);
    if (bad) {
      gone(c, false);
      return;
    }
    if (size == 0) {
      if (wants_continue(c.in)) {
        c.out += "HTTP/1.1 100 Continue\r\n\r\n";
        static_cast<void>(flush(c));
      }
      return;
    }
    auto limit = options.answers_per_connection;
    if (limit != 0 && c.answered >= limit) {
      gone(c, false);
      return;
    }
    begin(c, request);
    c.in.erase(0, size);
    produce(c);
    if (!flush(c)) return;
  }
}

void stub_engine::loop::begin(connection& c, stub_request& request) {
  c.busy = true;
  c.chat = request.method == "POST" && request.path == "/v1/chat/completions";
  c.endless = c.spoilt = c.close_after = c.reset_after = c.armed = false;
  c.at = phase::head;
  c.next_piece = 0;
  c.response_sent = 0;
  c.start = clock::now();
  c.answer = choose(request, c.chat);
  c.streamed = c.chat && request.stream && !c.answer.always_plain;
  c.pieces = c.answer.tokens != 0 ? c.answer.tokens : (c.answer.text.empty() ? 0 : 1);
  c.model = options.model;
  c.form = {c.model, request.body.size() / 4, request.include_usage};
  if (!c.chat) {
    ++counts.other_requests;
    return;
  }
  ++counts.open;
  counts.open_max = std::max(counts.open_max, counts.open);
}

stub_engine::loop::clock::time_point stub_engine::loop::due_of(const connection& c) const {
  auto due = c.start + c.answer.first_token;
  if (c.answer.tokens_per_s <= 0) return due;
  auto tokens = c.streamed ? std::min(c.next_piece, c.pieces - 1) : c.pieces;
  if (c.streamed && c.at == phase::head) tokens = 0;
  std::chrono::duration<double> more{tokens / c.answer.tokens_per_s};
  return due + std::chrono::duration_cast<clock::duration>(more);
}

void stub_engine::loop::produce(connection& c) {
  while (c.busy && c.at != phase::over && !c.armed && c.out.size() - c.out_at < 256UL * 1024) {
    auto due = due_of(c);
    if (due > c.start && due > clock::now()) {
      c.armed = true;
      alarms_.push({due, c.fd, c.serial});
      return;
    }
    step(c);
    apply_cut(c);
  }
}

void stub_engine::loop::step(connection& c) {
  if (c.at == phase::head) {
    step_head(c);
  } else {
    step_pieces(c);
  }
}

void stub_engine::loop::step_head(connection& c) {
  const auto& answer = c.answer;
  auto server = server_header(options.kind);
  if (answer.raw) {
    c.out += *answer.raw;
    c.close_after = true;
    spoil(c);
    return;
  }
  if (answer.body && answer.end != stub_end::error_event) {
    auto how = answer.end == stub_end::endless ? framing::until_close : framing::length;
    append_head(c.out, answer, answer.content_type, how, answer.body->size(), server);
    if (answer.end != stub_end::endless) c.out += *answer.body;
    spoil(c);
    return;
  }
  if (c.streamed) {
    append_head(c.out, answer, "text/event-stream", framing::chunked, 0, server);
    append_role(c.out, c.form);
    c.at = phase::pieces;
    return;
  }
  std::string body;
  append_plain(body, answer, c.form);
  counts.tokens_written += tokens_of(answer);
  if (answer.end == stub_end::error_event) body = answer.body.value_or("{}");
  auto shown = answer;
  if (answer.end == stub_end::error_event) shown.status = 500;
  append_head(c.out, shown, "application/json; charset=utf-8", framing::length, body.size(),
              server);
  auto whole = answer.end == stub_end::normal || answer.end == stub_end::no_done ||
               answer.end == stub_end::error_event;
  c.out += whole ? std::string_view{body} : std::string_view{body}.substr(0, body.size() / 2);
  spoil(c);
}

void stub_engine::loop::step_pieces(connection& c) {
  auto spoils = c.answer.end != stub_end::normal && c.answer.end != stub_end::no_done;
  if (spoils && c.next_piece == std::min(c.answer.after_tokens, c.pieces)) {
    if (c.answer.end == stub_end::error_event) append_event(c.out, c.answer.body.value_or("{}"));
    spoil(c);
    return;
  }
  if (c.next_piece < c.pieces) {
    append_piece(c.out, c.form, piece_of(c.answer.text, c.next_piece++, c.pieces));
    ++counts.tokens_written;
    return;
  }
  append_last(c.out, c.answer, c.form);
  if (c.answer.end != stub_end::no_done) c.out += "e\r\ndata: [DONE]\n\n\r\n";
  c.out += "0\r\n\r\n";
  spoil(c);
}

/// What comes after the last byte that is sent.
void stub_engine::loop::spoil(connection& c) {
  c.at = phase::over;
  switch (c.answer.end) {
    case stub_end::normal:
      return;
    case stub_end::stall:
      // As if the next piece were due in a thousand years.
      c.at = phase::pieces;
      c.armed = true;
      return;
    case stub_end::endless:
      c.at = phase::pieces;
      c.armed = c.endless = true;
      return;
    default:
      c.spoilt = c.close_after = true;
      c.reset_after = c.answer.end == stub_end::reset;
  }
}

void stub_engine::loop::apply_cut(connection& c) {
  if (!c.answer.cut_bytes) return;
  auto size = c.response_sent + c.out.size() - c.out_at;
  if (size <= *c.answer.cut_bytes) return;
  c.out.resize(c.out.size() - (size - *c.answer.cut_bytes));
  c.endless = c.armed = false;
  if (c.answer.end == stub_end::normal || c.answer.end == stub_end::endless)
    c.answer.end = stub_end::close;
  spoil(c);
}

}  // namespace tandem::test
