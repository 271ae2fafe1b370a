// Any bytes as a client's request, and as a server's chunk: an error is one in words, and a body is
// JSON that says what the fields say.
//
// Input: a byte (what the rest is read as), the bytes.

#include <cstdint>
#include <cstdlib>
#include <string>

#include <simdjson.h>

#include "actors/openai/answer_writer.hpp"
#include "schema/text.hpp"

namespace {

using namespace tandem;

constexpr std::size_t input_max = 65'536;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_json(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  require(parser.parse(json.data(), json.size()).get(object) == simdjson::SUCCESS);
}

void check_error(const openai_error& error) {
  require(error.status == 400 && !error.message.empty() && error.message.size() < 1'000);
  require(is_valid_utf8(error.message) && is_valid_utf8(error.param));
  check_json(to_json(error));
}

void check_unknown(const std::vector<std::string>& names) {
  require(names.size() <= 16);
  for (const auto& name : names)
    require(name.size() <= 80 && name.find_first_of("\r\n\t ,:\"") == name.npos);
}

void check_chat(const client_chat& chat) {
  check_unknown(chat.unknown);
  require(!chat.turns.empty() && !chat.model.empty());
  require(chat.body.empty() == chat.needs.empty());
  for (const auto& turn : chat.turns) require(is_valid_utf8(turn.text));
  if (!chat.response_schema.empty()) check_json(chat.response_schema);
  if (!chat.body.empty()) {
    check_json(chat.body);
    auto again = read_client_chat(R"({"model":"m",)" + chat.body.substr(1), client_dialect::chat);
    require(std::holds_alternative<client_chat>(again));
    require(std::get<client_chat>(again).max_tokens == chat.max_tokens);
  }
  call_end end;
  end.text = chat.turns.back().text;
  check_json(make_answer_writer(chat, "id", 1)->whole(end));
}

void check_chunk(std::string_view data) {
  for (auto spoken : {client_dialect::chat, client_dialect::responses}) {
    client_chat request;
    request.dialect = spoken;
    request.body = "{}";
    auto writer = make_answer_writer(request, "id", 1);
    auto out = writer->begin();
    out += writer->event(data);
    out += writer->text(data);
    out += writer->reasoning(data);
    out += writer->end({});
    require(out.ends_with("\n\n"));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > input_max) return 0;
  std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  auto way = data[0] % 5;
  if (way < 2) {
    auto out = read_client_chat(bytes, way == 0 ? client_dialect::chat : client_dialect::responses);
    if (auto* error = std::get_if<openai_error>(&out))
      check_error(*error);
    else
      check_chat(std::get<client_chat>(out));
  } else if (way == 2) {
    auto out = read_client_embeddings(bytes);
    if (auto* error = std::get_if<openai_error>(&out)) return check_error(*error), 0;
    check_unknown(std::get<client_embeddings>(out).unknown);
    check_json(std::get<client_embeddings>(out).body);
  } else if (way == 3) {
    auto out = read_tandem_options(bytes);
    if (auto* error = std::get_if<openai_error>(&out)) check_error(*error);
  } else {
    check_chunk(bytes);
  }
  return 0;
}
