#pragma once

#include <string_view>

#include "actors/openai/client_chat.hpp"
#include "actors/openai/request_field.hpp"
#include "actors/openai/request_json.hpp"

namespace tandem::dialect {

/// What both dialects say in the same words: model, stream, sampling, seed, the extension object.
/// `value` has passed check_field() and is not null.
[[nodiscard]] bool read_common(field_reader& reader, const request_field& field, element value,
                               client_chat& out);

/// llama.cpp's `n_predict`, where no other limit is said; `out` 0: as many as fit.
[[nodiscard]] bool read_predict(field_reader& reader, element value, std::uint32_t& out);

/// `model` is there and is a name.
[[nodiscard]] bool check_model(field_reader& reader, std::string_view model, bool is_there);

/// What is wrong with `response_format` or `text.format`, and its schema. `wraps`: the schema lies
/// in a member `json_schema`, as in chats. `format`: the client's bytes. The request needs a
/// body (`passes`) for any other type than text and json_schema.
struct output_format {
  std::string schema;
  bool passes = false;
};
[[nodiscard]] bool read_format(field_reader& reader, const request_json& json, element value,
                               std::string_view format, const place& at, bool wraps,
                               output_format& out);

void note_unknown(client_chat& out, std::string_view name);
void note_need(client_chat& out, std::string_view name);

/// The members of one object, with `skip` left out where it is not empty.
void append_member(std::string& out, std::string_view name, std::string_view raw);

/// The members of `tandem`. `above`: the place of the object; nullptr: a job's whole request.
[[nodiscard]] bool read_options(field_reader& reader, const object& fields, const place* above,
                                tandem_options& out);

}  // namespace tandem::dialect
