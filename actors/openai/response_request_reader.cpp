#include "actors/openai/chat_request_reader.hpp"

#include <array>
#include <optional>

#include "actors/openai/response_items.hpp"
#include "actors/openai/response_tools.hpp"
#include "actors/openai/sampling_fields.hpp"

namespace tandem::dialect {
namespace {

/// What an answer repeats of its request, and what it says where nothing was asked.
struct echoed {
  std::string_view name;
  std::string_view raw;
};

constexpr std::array<echoed, 8> default_echo{{{"instructions", "null"},
                                              {"metadata", "{}"},
                                              {"parallel_tool_calls", "true"},
                                              {"reasoning", R"({"effort":null,"summary":null})"},
                                              {"text", R"({"format":{"type":"text"}})"},
                                              {"tool_choice", R"("auto")"},
                                              {"tools", "[]"},
                                              {"truncation", R"("disabled")"}}};

class response_reader {
 public:
  response_reader(const request_json& json, const client_limits& limits)
      : json_{json}, limits_{limits}, items_{reader_, json, out_} {}

  bool read() {
    out_.dialect = client_dialect::responses;
    auto slices = json_.slices(json_.bytes());
    std::size_t index = 0;
    // Instructions come first, wherever they are written.
    for (auto field : json_.root()) {
      std::string_view text;
      auto raw = slices[index++];
      if (field.key == "instructions" && field.value.get(text) == simdjson::SUCCESS)
        items_.add_instructions(text, raw);
    }
    index = 0;
    for (auto field : json_.root())
      if (!read_field(field.key, field.value, slices[index++])) return false;
    if (!has_input_)
      return reader_.refuse({nullptr, "input"}, "is missing", "missing_required_parameter");
    if (!check_model(reader_, out_.model, has_model_) || !check_tools()) return false;
    if (predict_ && out_.max_tokens == 0) {
      if (!read_predict(reader_, *predict_, out_.max_tokens)) return false;
      if (out_.max_tokens != 0)
        append_member(members_, "max_tokens", std::to_string(out_.max_tokens));
    }
    if (!out_.needs.empty()) write_body();
    for (const auto& member : echoes_) append_member(out_.echo, member.name, member.raw);
    return true;
  }

  client_chat& result() { return out_; }
  openai_error& error() { return reader_.error(); }

 private:
  void keep_echo(std::string_view key, std::string_view raw) {
    for (auto& member : echoes_)
      if (member.name == key) member.raw = raw;
  }

  bool read_field(std::string_view key, element value, std::string_view raw) {
    const auto* field = find_field(response_fields(), key);
    if (field == nullptr) field = find_field(engine_fields(), key);
    // Of chats, what a response may say too.
    if (field == nullptr && (key == "seed" || key == "stop"))
      field = find_field(chat_fields(), key);
    if (field == nullptr) {
      note_unknown(out_, key);
      return true;
    }
    if (key == "input") {
      has_input_ = true;
      return items_.read(value, raw, limits_.messages_max);
    }
    if (key == "model") {
      has_model_ = true;
      if (value.is_null()) return reader_.wrong_type({nullptr, key}, "a string", value);
    }
    if (!check_field(reader_, *field, value)) return false;
    if (is_neutral(*field, value)) return true;
    if (field->what == effect::refused)
      return reader_.refuse({nullptr, key}, field->advice, "unsupported_parameter");
    keep_echo(key, raw);
    if (field->what == effect::none) return true;
    if (key == "parallel_tool_calls") {
      parallel_ = raw;
      return true;
    }
    if (field->what == effect::passed) {
      append_member(members_, key, raw);
      note_need(out_, key);
      return true;
    }
    return read_honoured(*field, value, raw);
  }

  bool read_honoured(const request_field& field, element value, std::string_view raw) {
    auto key = field.name;
    if (key == "instructions") return true;
    if (key == "n_predict") {
      predict_ = value;
      return true;
    }
    if (key == "include") return read_include(value);
    if (key == "reasoning") return read_reasoning(value, raw);
    if (key == "text") return read_text(value, raw);
    if (key == "tools") return translate_tools(reader_, json_, value, raw, tools_);
    if (key == "tool_choice") return translate_tool_choice(reader_, json_, value, raw, choice_);
    if (key == "max_output_tokens") append_member(members_, "max_tokens", raw);
    if (key == "temperature" || key == "top_p" || key == "top_k" || key == "seed")
      append_member(members_, key, raw);
    return read_common(reader_, field, value, out_);
  }

  bool read_include(element value) {
    place at{nullptr, "include"};
    std::size_t index = 0;
    for (auto item : array{value}) {
      std::string_view text;
      auto item_at = at_index(at, index++);
      if (!reader_.string(item, item_at, text)) return false;
      if (text == "message.output_text.logprobs")
        return reader_.refuse(item_at,
                              "is not supported here: use /v1/chat/completions with `logprobs`",
                              "unsupported_value");
    }
    return true;
  }

  bool read_reasoning(element value, std::string_view raw) {
    place at{nullptr, "reasoning"};
    object fields;
    std::string_view text;
    if (!reader_.fields(value, at, fields)) return false;
    for (auto field : fields) {
      place inner{&at, field.key};
      if (field.value.is_null()) continue;
      if (field.key != "effort" && field.key != "summary" && field.key != "generate_summary") {
        note_unknown(out_, to_string(inner));
        continue;
      }
      if (!reader_.string(field.value, inner, text)) return false;
      if (field.key != "effort") continue;
      append_member(members_, "reasoning_effort", json_.slice(raw, "effort"));
      note_need(out_, "reasoning.effort");
    }
    return true;
  }

  bool read_text(element value, std::string_view raw) {
    place at{nullptr, "text"};
    object fields;
    std::string_view text;
    if (!reader_.fields(value, at, fields)) return false;
    for (auto field : fields) {
      place inner{&at, field.key};
      if (field.value.is_null()) continue;
      if (field.key == "format") {
        if (!read_text_format(field.value, json_.slice(raw, "format"), inner)) return false;
      } else if (field.key == "verbosity") {
        if (!reader_.string(field.value, inner, text)) return false;
      } else {
        note_unknown(out_, to_string(inner));
      }
    }
    return true;
  }

  bool read_text_format(element value, std::string_view raw, const place& at) {
    output_format format;
    if (!read_format(reader_, json_, value, raw, at, false, format)) return false;
    if (format.passes) {
      append_member(members_, "response_format", R"({"type":"json_object"})");
      note_need(out_, "text.format");
    } else if (!format.schema.empty()) {
      std::string inner;
      for (std::string_view name : {"name", "strict", "schema"})
        if (auto part = json_.slice(raw, name); !part.empty()) append_member(inner, name, part);
      append_member(members_, "response_format",
                    R"({"type":"json_schema","json_schema":{)" + inner + "}}");
    }
    out_.response_schema = std::move(format.schema);
    return true;
  }

  bool check_tools() {
    if (!tools_.empty()) {
      note_need(out_, "tools");
      return true;
    }
    if (choice_.empty() || choice_ == R"("auto")" || choice_ == R"("none")") return true;
    return reader_.refuse({nullptr, "tool_choice"}, "needs `tools` to choose from");
  }

  void write_body() {
    if (!tools_.empty()) {
      append_member(members_, "tools", tools_);
      if (!choice_.empty()) append_member(members_, "tool_choice", choice_);
      if (!parallel_.empty()) append_member(members_, "parallel_tool_calls", parallel_);
    }
    out_.body = R"({"messages":[)" + items_.take_messages() + "]";
    if (!members_.empty()) out_.body.append(",").append(members_);
    out_.body += '}';
  }

  const request_json& json_;
  const client_limits& limits_;
  field_reader reader_;
  client_chat out_;
  response_items items_;
  /// Of the chat that the request becomes, but for its messages and tools.
  std::string members_;
  std::string tools_;
  std::string choice_;
  std::string_view parallel_;
  /// As in a chat.
  std::optional<element> predict_;
  std::array<echoed, 8> echoes_ = default_echo;
  bool has_input_ = false;
  bool has_model_ = false;
};

}  // namespace

std::variant<client_chat, openai_error> read_response_request(const request_json& json,
                                                              const client_limits& limits) {
  response_reader reader{json, limits};
  if (!reader.read()) return std::move(reader.error());
  return std::move(reader.result());
}

}  // namespace tandem::dialect
