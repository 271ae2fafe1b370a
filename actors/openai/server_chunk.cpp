#include "actors/openai/server_chunk.hpp"

#include <simdjson.h>

#include "schema/text.hpp"

namespace tandem::dialect {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t kept_capacity_max = std::size_t{1} << 20;
constexpr std::size_t calls_max = 128;

/// What follows the colon after a key; empty: no such key.
std::string_view value_after(std::string_view data, std::string_view quoted_key) {
  auto at = data.find(quoted_key);
  if (at == data.npos) return {};
  data.remove_prefix(at + quoted_key.size());
  auto colon = data.find_first_not_of(" \t\r\n");
  if (colon == data.npos || data[colon] != ':') return {};
  auto start = data.find_first_not_of(" \t\r\n", colon + 1);
  return start == data.npos ? std::string_view{} : data.substr(start);
}

bool parse(std::string_view json, object& out) {
  thread_local simdjson::dom::parser parser;
  if (parser.capacity() > kept_capacity_max) parser = simdjson::dom::parser{};
  auto code = parser.parse(json.data(), json.size()).get(out);
  if (code == simdjson::UTF8_ERROR) {
    auto repaired = valid_utf8(json);
    code = parser.parse(repaired.data(), repaired.size()).get(out);
  }
  return code == simdjson::SUCCESS;
}

void take_text(const object& from, std::string_view name, std::string& out) {
  std::string_view text;
  if (from.at_key(name).get(text) == simdjson::SUCCESS) out += text;
}

void take_calls(const object& from, chat_piece& out) {
  array items;
  if (from["tool_calls"].get(items) != simdjson::SUCCESS) return;
  for (auto item : items) {
    object fields;
    object function;
    if (out.calls.size() == calls_max || item.get(fields) != simdjson::SUCCESS) return;
    chat_piece::call call;
    std::uint64_t index = out.calls.size();
    // A whole answer's calls have no index.
    if (fields["index"].get(index) != simdjson::SUCCESS) index = out.calls.size();
    call.index = index;
    take_text(fields, "id", call.id);
    if (fields["function"].get(function) == simdjson::SUCCESS) {
      take_text(function, "name", call.name);
      take_text(function, "arguments", call.arguments);
    }
    out.calls.push_back(std::move(call));
  }
}

chat_piece read(std::string_view data, std::string_view part) {
  chat_piece out;
  object root;
  array choices;
  if (!parse(data, root) || root["choices"].get(choices) != simdjson::SUCCESS) return out;
  for (auto choice : choices) {
    object fields;
    object inner;
    std::uint64_t index = 0;
    if (choice.get(fields) != simdjson::SUCCESS) continue;
    if (fields["index"].get(index) == simdjson::SUCCESS && index != 0) continue;
    take_text(fields, "finish_reason", out.finish);
    if (fields.at_key(part).get(inner) != simdjson::SUCCESS) return out;
    take_text(inner, "content", out.text);
    take_text(inner, "reasoning_content", out.reasoning);
    if (out.reasoning.empty()) take_text(inner, "reasoning", out.reasoning);
    take_calls(inner, out);
    return out;
  }
  return out;
}

}  // namespace

chunk_marks marks_of(std::string_view data) {
  chunk_marks out;
  auto finish = value_after(data, R"("finish_reason")");
  out.finishes = !finish.empty() && finish.front() == '"';
  if (!value_after(data, R"("usage")").starts_with('{')) return out;
  auto choices = value_after(data, R"("choices")");
  if (!choices.starts_with('[')) return out;
  auto first = choices.find_first_not_of(" \t\r\n", 1);
  out.is_usage = first != choices.npos && choices[first] == ']';
  return out;
}

chat_piece read_delta(std::string_view data) {
  return read(data, "delta");
}

chat_piece read_message(std::string_view data) {
  return read(data, "message");
}

}  // namespace tandem::dialect
