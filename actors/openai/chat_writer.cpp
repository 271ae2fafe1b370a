#include "actors/openai/chat_writer.hpp"

#include <utility>

#include "actors/openai/response_writer.hpp"
#include "actors/openai/server_chunk.hpp"
#include "schema/json_writer.hpp"

namespace tandem::dialect {
namespace {

constexpr std::string_view event_end = "\n\n";
constexpr std::string_view event_start = "data: ";
constexpr std::string_view done = "data: [DONE]\n\n";

std::string_view finish_name(schema::Finish finish) {
  return finish == schema::Finish::LENGTH ? R"("length")" : R"("stop")";
}

/// A line of an event ends at a line break, and in JSON those are but spaces.
void append_event(std::string& out, std::string_view data) {
  auto start = out.append("data: ").size();
  out.append(data);
  for (auto i = start; i < out.size(); ++i)
    if (out[i] == '\n' || out[i] == '\r') out[i] = ' ';
  out.append(event_end);
}

}  // namespace

chat_writer::chat_writer(const client_chat& request, std::string_view id, std::uint64_t created_s)
    : id_{"chatcmpl-"},
      created_s_{created_s},
      model_{request.model},
      include_usage_{request.include_usage},
      server_begins_{!request.body.empty()} {
  id_ += id;
  head_ = R"(data: {"id":)";
  append_json_string(head_, id_);
  head_.append(R"(,"object":"chat.completion.chunk","created":)")
      .append(std::to_string(created_s))
      .append(R"(,"model":)");
  append_json_string(head_, model_);
  head_ += R"(,"choices":[)";
  delta_tail_ = include_usage_ ? "},\"finish_reason\":null}],\"usage\":null}\n\n"
                               : "},\"finish_reason\":null}]}\n\n";
}

std::string chat_writer::whole(const call_end& end) {
  if (!end.body.empty()) return with_extension(end.body, end);
  std::string out = R"({"id":)";
  out.reserve(end.text.size() * 9 / 8 + 768);
  append_json_string(out, id_);
  out.append(R"(,"object":"chat.completion","created":)")
      .append(std::to_string(created_s_))
      .append(R"(,"model":)");
  append_json_string(out, model_);
  out += R"(,"choices":[{"index":0,"message":{"role":"assistant","content":)";
  append_json_string(out, end.text);
  out += R"(,"refusal":null},"logprobs":null,"finish_reason":)";
  out.append(finish_name(end.finish)).append("}],");
  append_chat_usage(out, end);
  out += ',';
  append_extension(out, end);
  return out + '}';
}

void chat_writer::append_role(std::string& out) {
  if (has_role_) return;
  has_role_ = true;
  out.append(head_).append(R"({"index":0,"delta":{"role":"assistant","content":"")");
  out.append(delta_tail_);
}

void chat_writer::append_delta(std::string& out, std::string_view name, std::string_view text) {
  out.append(head_).append(R"({"index":0,"delta":{")").append(name).append("\":");
  append_json_string(out, text);
  out.append(delta_tail_);
}

std::string chat_writer::begin() {
  std::string out;
  if (!server_begins_) append_role(out);
  return out;
}

std::string chat_writer::text(std::string_view piece) {
  std::string out;
  auto whole = answer_.join(piece);
  if (whole.empty()) return out;
  out.reserve(head_.size() + whole.size() + 96);
  append_role(out);
  has_text_ = true;
  append_delta(out, "content", whole);
  return out;
}

std::string chat_writer::reasoning(std::string_view piece) {
  std::string out;
  auto whole = thought_.join(piece);
  if (whole.empty()) return out;
  append_role(out);
  append_delta(out, "reasoning_content", whole);
  return out;
}

void chat_writer::append_held(std::string& out) {
  if (held_.empty()) return;
  append_event(out, held_);
  held_.clear();
}

std::string chat_writer::event(std::string_view data) {
  std::string out;
  has_text_ = true;
  has_role_ = true;
  auto marks = marks_of(data);
  if (marks.is_usage && !include_usage_) return out;
  append_held(out);
  has_finish_ = has_finish_ || marks.finishes;
  if (include_usage_ ? marks.is_usage : marks.finishes) {
    held_ = data;
    return out;
  }
  out.reserve(out.size() + data.size() + 16);
  append_event(out, data);
  return out;
}

void chat_writer::append_text_end(std::string& out, const call_end& end) {
  if (auto rest = thought_.rest(); !rest.empty()) append_delta(out, "reasoning_content", rest);
  auto rest = answer_.rest();
  if (!has_text_ && rest.empty()) rest = end.text;
  if (rest.empty()) return;
  append_role(out);
  append_delta(out, "content", rest);
}

void chat_writer::append_finish(std::string& out, const call_end& end) {
  // Clients that did not ask for usage may not bear a chunk without a choice.
  if (!has_finish_ || !include_usage_) {
    append_role(out);
    out.append(head_).append(R"({"index":0,"delta":{},"finish_reason":)");
    out.append(has_finish_ ? "null" : finish_name(end.finish)).append("}],");
    if (include_usage_)
      out += R"("usage":null)";
    else
      append_extension(out, end);
    out.append("}").append(event_end);
  }
  if (!include_usage_) return;
  out.append(head_).append("],");
  append_chat_usage(out, end);
  out += ',';
  append_extension(out, end);
  out.append("}").append(event_end);
}

/// Of a server that does not stream though it was asked to.
std::string chat_writer::answered_whole(std::string_view body) {
  auto choices = choices_of_answer(body);
  if (choices.empty()) return {};
  auto start = std::string_view{head_}.substr(event_start.size());
  std::string data{start.substr(0, start.size() - 1)};
  data += choices;
  if (include_usage_) data += R"(,"usage":null)";
  return event(data += '}');
}

std::string chat_writer::end(const call_end& end) {
  std::string out;
  if (!has_text_ && !end.body.empty()) out = answered_whole(end.body);
  append_text_end(out, end);
  if (held_.empty())
    append_finish(out, end);
  else
    append_event(out, with_extension(std::exchange(held_, {}), end));
  return out.append(done);
}

std::string chat_writer::fail(const openai_error& error) {
  std::string out;
  append_event(out, to_json(error));
  return out.append(done);
}

}  // namespace tandem::dialect

namespace tandem {

std::unique_ptr<answer_writer> make_answer_writer(const client_chat& request, std::string_view id,
                                                  std::uint64_t created_s) {
  if (request.dialect == client_dialect::responses)
    return std::make_unique<dialect::response_writer>(request, id, created_s);
  return std::make_unique<dialect::chat_writer>(request, id, created_s);
}

}  // namespace tandem
