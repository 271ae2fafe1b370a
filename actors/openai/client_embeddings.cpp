#include "actors/openai/request_field.hpp"
#include "actors/openai/request_json.hpp"
#include "actors/openai/sampling_fields.hpp"

namespace tandem {
namespace {

using dialect::array;
using dialect::at_index;
using dialect::element;
using dialect::place;

class embeddings_reader {
 public:
  embeddings_reader(const dialect::request_json& json, const client_limits& limits)
      : json_{json}, limits_{limits} {}

  bool read() {
    std::size_t index = 0;
    auto slices = json_.slices(json_.bytes());
    for (auto field : json_.root())
      if (!read_field(field.key, field.value, slices[index++])) return false;
    place at{nullptr, "input"};
    if (!has_input_) return reader_.refuse(at, "is missing", "missing_required_parameter");
    if (!dialect::check_model(reader_, out_.model, has_model_)) return false;
    out_.body.reserve(members_.size() + 2);
    out_.body.append("{").append(members_).append("}");
    return true;
  }

  client_embeddings& result() { return out_; }
  openai_error& error() { return reader_.error(); }

 private:
  bool read_field(std::string_view key, element value, std::string_view raw) {
    place at{nullptr, key};
    std::string_view text;
    const auto* field = dialect::find_field(dialect::embedding_fields(), key);
    if (field == nullptr) {
      if (out_.unknown.size() < 16) out_.unknown.push_back(dialect::quotable(key));
      return true;
    }
    if (key == "input") {
      has_input_ = true;
      dialect::append_member(members_, key, raw);
      return read_input(value, at);
    }
    if (key == "model") {
      has_model_ = true;
      if (!reader_.string(value, at, text)) return false;
      out_.model = text;
      return true;
    }
    if (!dialect::check_field(reader_, *field, value)) return false;
    if (value.is_null() || field->what != dialect::effect::passed) return true;
    if (key == "encoding_format") {
      std::string_view format = value;
      if (format != "float" && format != "base64")
        return reader_.refuse(at, "has to be float or base64");
    }
    dialect::append_member(members_, key, raw);
    return true;
  }

  bool read_input(element value, const place& at) {
    std::string_view text;
    array items;
    if (value.get(text) == simdjson::SUCCESS) return take(text, at);
    if (value.get(items) != simdjson::SUCCESS)
      return reader_.wrong_type(at, "a string or an array of strings", value);
    if (items.size() == 0) return reader_.refuse(at, "needs at least one text");
    if (items.size() > limits_.inputs_max)
      return reader_.refuse(at, "has more than " + std::to_string(limits_.inputs_max) + " texts",
                            "too_long");
    std::size_t index = 0;
    for (auto item : items) {
      auto item_at = at_index(at, index++);
      // Tokens are one model's; nothing here knows which tokenizer the client has used.
      if (item.is_number() || item.is_array())
        return reader_.refuse(item_at, "is a token; send texts instead", "unsupported_value");
      if (!reader_.string(item, item_at, text) || !take(text, item_at)) return false;
    }
    return true;
  }

  bool take(std::string_view text, const place& at) {
    if (text.empty()) return reader_.refuse(at, "is empty");
    out_.inputs.emplace_back(text);
    return true;
  }

  const dialect::request_json& json_;
  const client_limits& limits_;
  dialect::field_reader reader_;
  client_embeddings out_;
  std::string members_;
  bool has_input_ = false;
  bool has_model_ = false;
};

}  // namespace

std::variant<client_embeddings, openai_error> read_client_embeddings(std::string_view json,
                                                                     const client_limits& limits) {
  dialect::request_json request;
  if (auto error = request.parse(json, limits.depth_max)) return *std::move(error);
  embeddings_reader reader{request, limits};
  if (!reader.read()) return std::move(reader.error());
  return std::move(reader.result());
}

}  // namespace tandem
