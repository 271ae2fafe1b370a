#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "actors/openai/answer_writer.hpp"
#include "actors/openai/client_chat.hpp"

namespace tandem {

inline client_chat read_ok(std::string_view json, client_dialect spoken = client_dialect::chat) {
  auto out = read_client_chat(json, spoken);
  if (auto* error = std::get_if<openai_error>(&out)) {
    ADD_FAILURE() << error->param << ": " << error->message << "\nin " << json;
    return {};
  }
  return std::get<client_chat>(out);
}

/// The error of a request that has to have one.
inline openai_error read_error(std::string_view json,
                               client_dialect spoken = client_dialect::chat) {
  auto out = read_client_chat(json, spoken);
  if (auto* error = std::get_if<openai_error>(&out)) {
    EXPECT_EQ(error->status, 400u) << json;
    EXPECT_EQ(error->type, "invalid_request_error") << json;
    EXPECT_FALSE(error->message.empty()) << json;
    return *error;
  }
  ADD_FAILURE() << "was accepted: " << json;
  return {};
}

/// A chat that says nothing else.
inline std::string chat_with(std::string_view members) {
  return R"({"model":"m","messages":[{"role":"user","content":"hi"}])" +
         (members.empty() ? std::string{} : "," + std::string{members}) + "}";
}

inline std::string response_with(std::string_view members) {
  return R"({"model":"m","input":"hi")" +
         (members.empty() ? std::string{} : "," + std::string{members}) + "}";
}

/// A document that a test looks into by JSON pointers.
class json_document {
 public:
  explicit json_document(std::string_view text) : text_{text} {
    auto code = parser_.parse(text_).get(root_);
    EXPECT_EQ(code, simdjson::SUCCESS) << text_;
  }
  [[nodiscard]] bool has(std::string_view pointer) const {
    return root_.at_pointer(pointer).error() == simdjson::SUCCESS;
  }
  /// The text there; of anything else its JSON; `(none)` where there is nothing.
  [[nodiscard]] std::string at(std::string_view pointer) const {
    simdjson::dom::element value;
    if (root_.at_pointer(pointer).get(value) != simdjson::SUCCESS) return "(none)";
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS) return std::string{text};
    return simdjson::minify(value);
  }

 private:
  std::string text_;
  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
};

/// Operands of + are called in any order; those of a list from left to right.
inline std::string in_order(std::initializer_list<std::string> parts) {
  std::string out;
  for (const auto& part : parts) out += part;
  return out;
}

struct sse_event {
  std::string name;
  std::string data;
};

/// Complete events of a stream; anything that is not one fails the test.
inline std::vector<sse_event> events_of(std::string_view stream) {
  std::vector<sse_event> out;
  while (!stream.empty()) {
    auto end = stream.find("\n\n");
    if (end == stream.npos) {
      ADD_FAILURE() << "an event is not over: " << stream;
      break;
    }
    auto block = stream.substr(0, end);
    stream.remove_prefix(end + 2);
    sse_event event;
    if (block.starts_with("event: ")) {
      event.name = block.substr(7, block.find('\n') - 7);
      block.remove_prefix(block.find('\n') + 1);
    }
    EXPECT_TRUE(block.starts_with("data: ")) << block;
    EXPECT_EQ(block.find('\n'), block.npos) << block;
    event.data = block.substr(6);
    out.push_back(std::move(event));
  }
  return out;
}

}  // namespace tandem
