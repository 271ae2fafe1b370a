#include "actors/http_server/answer_head.hpp"

#include <string>

#include <gtest/gtest.h>

namespace tandem {
namespace {

std::string head_of(const http_response& answer, const answer_frame& frame = {}) {
  std::string out;
  render_head(out, answer, frame, "NOW");
  return out;
}

TEST(answer_head, WritesStatusAndHeaders) {
  http_response answer;
  answer.status = 429;
  answer.headers = {{"Retry-After", "2"}};
  EXPECT_EQ(head_of(answer, {answer_framing::length, 12, true, false}),
            "HTTP/1.1 429 Too Many Requests\r\nDate: NOW\r\nContent-Type: application/json\r\n"
            "Retry-After: 2\r\nContent-Length: 12\r\n\r\n");
}

TEST(answer_head, SaysHowTheAnswerEnds) {
  http_response answer;
  answer.content_type.clear();
  EXPECT_EQ(head_of(answer, {answer_framing::chunked, 0, true, false}),
            "HTTP/1.1 200 OK\r\nDate: NOW\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(head_of(answer, {answer_framing::until_close, 0, false, true}),
            "HTTP/1.1 200 OK\r\nDate: NOW\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(head_of(answer, {answer_framing::length, 0, true, true}),
            "HTTP/1.1 200 OK\r\nDate: NOW\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
  answer.status = 204;
  EXPECT_EQ(head_of(answer, {answer_framing::none, 0, true, false}),
            "HTTP/1.1 204 No Content\r\nDate: NOW\r\n\r\n");
}

TEST(answer_head, DropsWhatWouldBeginAnotherHeader) {
  http_response answer;
  answer.content_type = "text/plain\r\nX-Evil: 1";
  answer.headers = {{"X-A", "b\r\nX-Evil: 1"},
                    {"X-B", std::string{"c\0d", 3}},
                    {"X C", "d"},
                    {"X-D\r\nX-Evil", "1"},
                    {"", "e"},
                    {"X-E", "f"}};
  EXPECT_EQ(head_of(answer), "HTTP/1.1 200 OK\r\nDate: NOW\r\nX-E: f\r\nContent-Length: 0\r\n\r\n");
}

TEST(answer_head, LeavesFramingToTheServer) {
  http_response answer;
  answer.content_type.clear();
  answer.headers = {{"content-length", "7"},
                    {"Transfer-Encoding", "chunked"},
                    {"CONNECTION", "close"},
                    {"Date", "then"}};
  EXPECT_EQ(head_of(answer), "HTTP/1.1 200 OK\r\nDate: NOW\r\nContent-Length: 0\r\n\r\n");
}

TEST(answer_head, SendsNoStatusThatIsNone) {
  http_response answer;
  for (unsigned status : {0U, 100U, 1'000U}) {
    answer.status = status;
    EXPECT_EQ(head_of(answer).substr(0, 12), "HTTP/1.1 500");
  }
}

TEST(answer_head, WritesDatesAsHttpDoes) {
  EXPECT_EQ(http_date(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
}  // namespace tandem
