#include "actors/openai/server_chunk.hpp"

#include <simdjson.h>

#include "schema/json_writer.hpp"
#include "schema/text.hpp"

namespace tandem::dialect {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t kept_capacity_max = std::size_t{1} << 20;
constexpr std::size_t calls_max = 128;

/// What follows the colon after the next such key, from which `data` then goes on; empty: there is
/// none. The same word as a value has no colon.
std::string_view next_value(std::string_view& data, std::string_view quoted_key) {
  for (auto at = data.find(quoted_key); at != data.npos; at = data.find(quoted_key)) {
    data.remove_prefix(at + quoted_key.size());
    auto colon = data.find_first_not_of(" \t\r\n");
    if (colon == data.npos) return {};
    if (data[colon] != ':') continue;
    auto start = data.find_first_not_of(" \t\r\n", colon + 1);
    return start == data.npos ? std::string_view{} : data.substr(start);
  }
  return {};
}

std::string_view value_after(std::string_view data, std::string_view quoted_key) {
  return next_value(data, quoted_key);
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

/// A whole answer's calls have no index, and a client that reads chunks needs one.
void append_calls(std::string& out, element calls) {
  array items;
  if (calls.get(items) != simdjson::SUCCESS) {
    out += simdjson::minify(calls);
    return;
  }
  std::size_t number = 0;
  for (auto item : items) {
    out += number == 0 ? '[' : ',';
    object fields;
    auto raw = simdjson::minify(item);
    if (item.get(fields) != simdjson::SUCCESS ||
        fields.at_key("index").error() == simdjson::SUCCESS) {
      out += raw;
    } else {
      out.append("{\"index\":").append(std::to_string(number));
      if (fields.size() != 0) out += ',';
      out.append(raw, 1);
    }
    ++number;
  }
  out += number == 0 ? "[]" : "]";
}

void append_message(std::string& out, element message) {
  object fields;
  if (message.get(fields) != simdjson::SUCCESS) {
    out += "{}";
    return;
  }
  out += '{';
  for (auto [name, value] : fields) {
    if (out.back() != '{') out += ',';
    append_json_string(out, name);
    out += ':';
    if (name == "tool_calls")
      append_calls(out, value);
    else
      out += simdjson::minify(value);
  }
  out += '}';
}

}  // namespace

std::string choices_of_answer(std::string_view answer) {
  std::string out;
  object root;
  array choices;
  if (!parse(answer, root) || root["choices"].get(choices) != simdjson::SUCCESS) return out;
  for (auto choice : choices) {
    object fields;
    if (choice.get(fields) != simdjson::SUCCESS) continue;
    out += out.empty() ? "[{" : ",{";
    for (auto [name, value] : fields) {
      if (out.back() != '{') out += ',';
      if (name == "message") {
        out += R"("delta":)";
        append_message(out, value);
      } else {
        append_json_string(out, name);
        out.append(":").append(simdjson::minify(value));
      }
    }
    out += '}';
  }
  if (!out.empty()) out += ']';
  return out;
}

chunk_marks marks_of(std::string_view data) {
  chunk_marks out;
  // A chunk may hold several choices, of which any may finish.
  for (auto rest = data; !out.finishes;) {
    auto finish = next_value(rest, R"("finish_reason")");
    if (finish.empty()) break;
    out.finishes = finish.front() == '"';
  }
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
