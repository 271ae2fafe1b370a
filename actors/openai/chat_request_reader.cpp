#include "actors/openai/chat_request_reader.hpp"

#include <optional>
#include <vector>

#include "actors/openai/chat_messages.hpp"
#include "actors/openai/sampling_fields.hpp"

namespace tandem::dialect {
namespace {

class chat_reader {
 public:
  chat_reader(const request_json& json, const client_limits& limits)
      : json_{json}, limits_{limits}, messages_{reader_, out_} {}

  bool read() {
    std::size_t index = 0;
    for (auto field : json_.root())
      if (!read_field(field.key, field.value, index++)) return false;
    if (!has_messages_)
      return reader_.refuse({nullptr, "messages"}, "is missing", "missing_required_parameter");
    if (!check_model(reader_, out_.model, has_model_) || !check_tools()) return false;
    if (predict_ && out_.max_tokens == 0) {
      if (!read_predict(reader_, predict_->value, out_.max_tokens)) return false;
      if (out_.max_tokens != 0) members_.push_back(*predict_);
    }
    if (!out_.needs.empty()) write_body();
    return true;
  }

  client_chat& result() { return out_; }
  openai_error& error() { return reader_.error(); }

 private:
  /// A member of the request that a server is to get too.
  struct passed_member {
    const request_field* field;
    element value;
    std::size_t index;
  };

  bool read_field(std::string_view key, element value, std::size_t index) {
    const auto* field = find_field(chat_fields(), key);
    if (field == nullptr) field = find_field(engine_fields(), key);
    if (field == nullptr) {
      note_unknown(out_, key);
      return true;
    }
    if (key == "messages") {
      has_messages_ = true;
      members_.push_back({field, value, index});
      return messages_.read(value, limits_.messages_max);
    }
    if (key == "model") {
      has_model_ = true;
      if (value.is_null()) return reader_.wrong_type({nullptr, key}, "a string", value);
    }
    if (!check_field(reader_, *field, value)) return false;
    if (is_neutral(*field, value)) return true;
    switch (field->what) {
      case effect::none:
        return true;
      case effect::refused:
        return reader_.refuse({nullptr, key}, field->advice, "unsupported_parameter");
      case effect::passed:
        return pass(*field, value, index);
      case effect::honoured:
        break;
    }
    if (key == "response_format") return read_response_format(*field, value, index);
    if (key == "n_predict") {
      predict_ = passed_member{find_field(chat_fields(), "max_tokens"), value, index};
      return true;
    }
    if (key != "model" && key != "stream" && key != "stream_options" && key != "tandem" &&
        key != "prompt_cache_key" && key != "session_id")
      members_.push_back({field, value, index});
    return read_common(reader_, *field, value, out_);
  }

  bool pass(const request_field& field, element value, std::size_t index) {
    members_.push_back({&field, value, index});
    if (field.name == "tools") {
      has_tools_ = true;
      if (!check_tool_list(value)) return false;
    }
    if (field.name == "tool_choice") has_choice_ = true;
    // Those two mean nothing without tools.
    if (field.name != "tool_choice" && field.name != "parallel_tool_calls")
      note_need(out_, field.name);
    return true;
  }

  bool check_tool_list(element value) {
    place at{nullptr, "tools"};
    std::size_t index = 0;
    for (auto item : array{value}) {
      auto item_at = at_index(at, index++);
      object tool;
      object function;
      element member;
      std::string_view text;
      if (!reader_.fields(item, item_at, tool)) return false;
      if (!reader_.member(tool, "type", item_at, member)) return false;
      if (!reader_.string(member, {&item_at, "type"}, text)) return false;
      if (text != "function") continue;
      place function_at{&item_at, "function"};
      if (!reader_.member(tool, "function", item_at, member)) return false;
      if (!reader_.fields(member, function_at, function)) return false;
      if (!reader_.member(function, "name", function_at, member)) return false;
      if (!reader_.string(member, {&function_at, "name"}, text)) return false;
      if (find(function, "parameters", member) &&
          !reader_.fields(member, {&function_at, "parameters"}, function))
        return false;
    }
    return true;
  }

  bool check_tools() {
    if (has_tools_ || !has_choice_) return true;
    for (const auto& member : members_) {
      std::string_view text;
      if (member.field->name != "tool_choice") continue;
      if (member.value.get(text) == simdjson::SUCCESS && (text == "auto" || text == "none")) break;
      return reader_.refuse({nullptr, "tool_choice"}, "needs `tools` to choose from");
    }
    return true;
  }

  bool read_response_format(const request_field& field, element value, std::size_t index) {
    place at{nullptr, field.name};
    output_format format;
    auto raw = json_.slice(json_.bytes(), field.name);
    if (!read_format(reader_, json_, value, raw, at, true, format)) return false;
    out_.response_schema = std::move(format.schema);
    if (format.passes) note_need(out_, field.name);
    if (format.passes || !out_.response_schema.empty()) members_.push_back({&field, value, index});
    return true;
  }

  void write_body() {
    auto slices = json_.slices(json_.bytes());
    std::string members;
    members.reserve(json_.bytes().size() + 16);
    for (const auto& member : members_) {
      auto name = member.field->name;
      if (!has_tools_ && (name == "tool_choice" || name == "parallel_tool_calls")) continue;
      auto raw = slices[member.index];
      if (name == "messages")
        append_member(members, name, messages_.body(json_, member.value, raw));
      else
        append_member(members, name, raw);
    }
    out_.body.reserve(members.size() + 2);
    out_.body.append("{").append(members).append("}");
  }

  const request_json& json_;
  const client_limits& limits_;
  field_reader reader_;
  client_chat out_;
  chat_messages messages_;
  std::vector<passed_member> members_;
  /// llama.cpp's word for max_tokens: counts where that is not said, and goes on under that name.
  std::optional<passed_member> predict_;
  bool has_messages_ = false;
  bool has_model_ = false;
  bool has_tools_ = false;
  bool has_choice_ = false;
};

}  // namespace

std::variant<client_chat, openai_error> read_chat_request(const request_json& json,
                                                          const client_limits& limits) {
  chat_reader reader{json, limits};
  if (!reader.read()) return std::move(reader.error());
  return std::move(reader.result());
}

}  // namespace tandem::dialect

namespace tandem {

std::variant<client_chat, openai_error> read_client_chat(std::string_view json,
                                                         client_dialect spoken,
                                                         const client_limits& limits) {
  dialect::request_json request;
  if (auto error = request.parse(json, limits.depth_max)) return *std::move(error);
  return spoken == client_dialect::chat ? dialect::read_chat_request(request, limits)
                                        : dialect::read_response_request(request, limits);
}

}  // namespace tandem
