#include "actors/openai/response_object.hpp"

#include <array>
#include <charconv>

#include "actors/openai/answer_extension.hpp"
#include "schema/json_writer.hpp"

namespace tandem::dialect {
namespace {

/// For a request that was not read from JSON.
constexpr std::string_view no_echo =
    R"("instructions":null,"metadata":{},"parallel_tool_calls":true,"tool_choice":"auto","tools":[])";

void append_number(std::string& out, float value) {
  std::array<char, 32> digits;
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
}

}  // namespace

void append_part(std::string& out, item_kind kind, std::string_view text) {
  out += kind == item_kind::reasoning
             ? R"({"type":"summary_text","text":)"
             : R"({"type":"output_text","annotations":[],"logprobs":[],"text":)";
  append_json_string(out, text);
  out += '}';
}

void append_item(std::string& out, const output_item& item, bool is_over) {
  out += R"({"id":)";
  append_json_string(out, item.id);
  if (item.kind == item_kind::reasoning) {
    out += R"(,"type":"reasoning","summary":[)";
    if (is_over) append_part(out, item.kind, item.text);
    out += "]}";
    return;
  }
  out += !is_over      ? R"(,"status":"in_progress")"
         : item.is_cut ? R"(,"status":"incomplete")"
                       : R"(,"status":"completed")";
  if (item.kind == item_kind::call) {
    out += R"(,"type":"function_call","call_id":)";
    append_json_string(out, item.call_id);
    out += R"(,"name":)";
    append_json_string(out, item.name);
    out += R"(,"arguments":)";
    append_json_string(out, is_over ? std::string_view{item.text} : std::string_view{});
  } else {
    out += R"(,"type":"message","role":"assistant","content":[)";
    if (is_over) append_part(out, item.kind, item.text);
    out += ']';
  }
  out += '}';
}

response_object::response_object(const client_chat& request, std::string_view id,
                                 std::uint64_t created_s)
    : created_s_{created_s} {
  append_json_string(id_, "resp_" + std::string{id});
  fixed_ = R"(,"background":false,"model":)";
  append_json_string(fixed_, request.model);
  fixed_ += R"(,"max_output_tokens":)";
  fixed_ += request.max_tokens == 0 ? "null" : std::to_string(request.max_tokens);
  fixed_ += R"(,"temperature":)";
  append_number(fixed_, request.temperature.value_or(1));
  fixed_ += R"(,"top_p":)";
  append_number(fixed_, request.top_p);
  fixed_ += R"(,"previous_response_id":null,"store":false,)";
  fixed_ += request.echo.empty() ? no_echo : std::string_view{request.echo};
}

void response_object::append_head(std::string& out, std::string_view status) const {
  out.append(R"({"id":)").append(id_).append(R"(,"object":"response","created_at":)");
  out.append(std::to_string(created_s_)).append(R"(,"status":")").append(status).append("\"");
  out.append(fixed_);
}

void response_object::append_items(std::string& out, const std::vector<output_item>& items) const {
  out += R"(,"output":[)";
  bool is_first = true;
  for (const auto& item : items) {
    if (!is_first) out += ',';
    is_first = false;
    append_item(out, item, true);
  }
  out += ']';
}

void response_object::append_begun(std::string& out) const {
  append_head(out, "in_progress");
  out += R"(,"error":null,"incomplete_details":null,"output":[],"usage":null})";
}

void response_object::append_ended(std::string& out, const std::vector<output_item>& items,
                                   std::string_view cut_by, const call_end& end) const {
  append_head(out, cut_by.empty() ? "completed" : "incomplete");
  out += R"(,"error":null,"incomplete_details":)";
  if (cut_by.empty())
    out += "null";
  else
    out.append(R"({"reason":")").append(cut_by).append("\"}");
  append_items(out, items);
  out += ',';
  append_response_usage(out, end);
  out += ',';
  append_extension(out, end);
  out += '}';
}

void response_object::append_failed(std::string& out, const std::vector<output_item>& items,
                                    const openai_error& error) const {
  append_head(out, "failed");
  out += R"(,"error":{"code":)";
  append_json_string(out, error.code.empty() ? error.type : error.code);
  out += R"(,"message":)";
  append_json_string(out, error.message);
  out += R"(},"incomplete_details":null)";
  append_items(out, items);
  out += R"(,"usage":null})";
}

}  // namespace tandem::dialect
