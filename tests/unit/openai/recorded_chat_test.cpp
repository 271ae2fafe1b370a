// What a real llama-server was asked and what it answered, through both dialects.

#include <filesystem>
#include <fstream>
#include <iterator>

#include "openai_fixture.hpp"

namespace tandem {
namespace {

const std::filesystem::path folder{TANDEM_TEST_DATA "/llama-server"};

/// The body of a recorded message; chunks of a transfer are joined.
std::string body_of(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::string all{std::istreambuf_iterator<char>{in}, {}};
  auto start = all.find("\r\n\r\n");
  if (start == all.npos) return {};
  auto head = all.substr(0, start);
  auto body = all.substr(start + 4);
  if (head.find("Transfer-Encoding: chunked") == head.npos) return body;
  std::string out;
  std::string_view rest{body};
  while (!rest.empty()) {
    auto line = rest.find("\r\n");
    if (line == rest.npos) break;
    auto size = std::stoul(std::string{rest.substr(0, line)}, nullptr, 16);
    if (size == 0) break;
    out += rest.substr(line + 2, size);
    rest.remove_prefix(std::min(rest.size(), line + 2 + size + 2));
  }
  return out;
}

std::vector<std::string> data_of(std::string_view stream) {
  std::vector<std::string> out;
  for (auto at = stream.find("data: "); at != stream.npos; at = stream.find("data: ", at)) {
    auto end = std::min(stream.find('\n', at), stream.size());
    out.emplace_back(stream.substr(at + 6, end - at - 6));
    at = end;
  }
  return out;
}

std::vector<std::string> streams() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    auto name = entry.path().filename().string();
    auto is_stream = name.starts_with("chat_") && name.find("stream") != name.npos;
    if (is_stream && name.ends_with(".response.http")) out.push_back(name);
  }
  return out;
}

std::string text_of(const std::vector<std::string>& chunks) {
  std::string out;
  for (const auto& data : chunks) {
    if (data == "[DONE]") continue;
    json_document json{data};
    auto text = json.at("/choices/0/delta/content");
    if (text != "(none)" && text != "null") out += text;
  }
  return out;
}

TEST(RecordedChat, RequestsThatTheServerTookAreTaken) {
  for (std::string name :
       {"chat", "chat_json_schema", "chat_json_object", "chat_logprobs", "chat_n2", "chat_stop",
        "chat_stream", "chat_stream_usage", "chat_tools_required", "chat_grammar"}) {
    auto chat = read_ok(body_of(folder / (name + ".request.http")));
    EXPECT_TRUE(chat.unknown.empty()) << name << " " << testing::PrintToString(chat.unknown);
    if (!chat.body.empty()) json_document json{chat.body};
  }
  auto chat = read_ok(body_of(folder / "responses_api.request.http"), client_dialect::responses);
  EXPECT_EQ(chat.max_tokens, 4u);
}

TEST(RecordedChat, StreamsReachAChatsClientByteForByte) {
  ASSERT_FALSE(streams().empty());
  for (const auto& name : streams()) {
    client_chat request;
    request.body = "{}";
    request.include_usage = true;
    auto chunks = data_of(body_of(folder / name));
    auto writer = make_answer_writer(request, "abc", 7);
    auto stream = writer->begin();
    for (const auto& data : chunks)
      if (data != "[DONE]") stream += writer->event(data);
    stream += writer->end(call_end{});
    auto events = events_of(stream);
    ASSERT_GE(events.size(), chunks.size()) << name;
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      if (chunks[i] == "[DONE]" || events[i].data == chunks[i]) continue;
      // The last one has the extension in it.
      EXPECT_EQ(json_document{chunks[i]}.at("/choices"), "[]") << name;
      EXPECT_TRUE(json_document{events[i].data}.has("/tandem")) << name;
    }
    EXPECT_EQ(events.back().data, "[DONE]");
  }
}

TEST(RecordedChat, StreamsReachAResponsesClientInItsWords) {
  for (const auto& name : streams()) {
    auto request = read_ok(response_with(""), client_dialect::responses);
    auto chunks = data_of(body_of(folder / name));
    auto writer = make_answer_writer(request, "abc", 7);
    auto stream = writer->begin();
    for (const auto& data : chunks) stream += writer->event(data);
    stream += writer->end(call_end{});
    auto events = events_of(stream);
    std::string text;
    for (const auto& event : events) {
      json_document json{event.data};
      EXPECT_EQ(json.at("/type"), event.name);
      if (event.name == "response.output_text.delta") text += json.at("/delta");
    }
    EXPECT_EQ(text, text_of(chunks)) << name;
    json_document last{events.back().data};
    auto whole = text.empty() ? text : last.at("/response/output/0/content/0/text");
    EXPECT_EQ(whole, text) << name;
  }
}

TEST(RecordedChat, AnswersKeepTheirBytes) {
  for (std::string name : {"chat", "chat_n2", "chat_logprobs", "chat_tools_required"}) {
    call_end end;
    end.calls = 1;
    end.body = body_of(folder / (name + ".response.http"));
    auto out = make_answer_writer(client_chat{}, "abc", 7)->whole(end);
    EXPECT_TRUE(out.starts_with(end.body.substr(0, end.body.rfind('}'))));
    EXPECT_TRUE(out.ends_with(R"(,"tandem":{"calls":1}})"));
  }
}

}  // namespace
}  // namespace tandem
