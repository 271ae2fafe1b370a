// Any bytes as a server's answer to a chat request: it ends well or fails with words, the text is
// what the pieces were, and the usage is one that can be true.
//
// Input: a byte (bit 0: streamed; the rest: max_tokens and context), the body.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "actors/engine/http/chat_reply.hpp"
#include "actors/engine/http/sse_reader.hpp"

namespace {

using namespace tandem;

constexpr std::size_t body_max = 65'536;

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_utf8_line(std::string_view text) {
  return text.find_first_of(std::string_view{"\n\r\0", 3}) == text.npos && text.size() < 2'000;
}

/// True: the answer is over.
bool take(const chat_reply& reply, const chat_reply::news& news, std::string& text) {
  text += news.text;
  if (news.now == chat_reply::state::failed) {
    require(reply.verdict().code != errc::unknown && !reply.verdict().text.empty());
    require(is_utf8_line(reply.verdict().text));
  }
  return news.now != chat_reply::state::more;
}

void check(const generation& end, const generation_request& request, const std::string& text) {
  // What the event that failed had said may be in it too.
  require(end.code == errc::unknown ? end.text == text : end.text.starts_with(text));
  require(end.cached_prompt_tokens <= end.prompt_tokens);
  require(request.max_tokens == 0 || end.completion_tokens <= request.max_tokens);
  require(end.completion_tokens <= (2U << 20U));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > body_max) return 0;
  generation_request request;
  request.messages = {{schema::Role::USER, "add 12 7"}};
  request.max_tokens = (data[0] & 2U) != 0 ? 64 : 0;
  chat_reply reply{request, (data[0] & 4U) != 0 ? 4'096U : 0U, "in the environment variable KEY"};
  std::string_view body{reinterpret_cast<const char*>(data) + 1, size - 1};
  std::string text;
  auto now = chat_reply::state::more;
  if ((data[0] & 1U) == 0) {
    auto news = reply.read_answer(body);
    require(take(reply, news, text));
    now = news.now;
  } else {
    sse_reader events{16'384};
    events.feed(body);
    while (auto event = events.next()) {
      auto news = reply.read_event(*event);
      now = news.now;
      if (take(reply, news, text)) break;
    }
  }
  if (now == chat_reply::state::done) {
    auto end = std::move(reply).result();
    require(end.finish == schema::Finish::STOP || end.finish == schema::Finish::LENGTH);
    check(end, request, text);
    return 0;
  }
  if (now == chat_reply::state::more) require(!reply.cut_verdict().text.empty());
  check(std::move(reply).result(errc::engine_failed, "cut"), request, text);
  return 0;
}
