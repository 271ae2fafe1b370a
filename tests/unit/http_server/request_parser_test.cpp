#include "actors/http_server/request_parser.hpp"

#include <string>

#include <gtest/gtest.h>

namespace tandem {
namespace {

using parser_state = request_parser::state;

/// Feeds as a connection does: what is not taken comes again, with more.
parser_state feed_all(request_parser& parser, std::string_view bytes, std::size_t step,
                      std::string& rest) {
  std::string held;
  while (!bytes.empty() || !held.empty()) {
    held += bytes.substr(0, step);
    bytes.remove_prefix(std::min(step, bytes.size()));
    for (;;) {
      auto before = parser.at();
      held.erase(0, parser.feed(held));
      if (parser.at() == before || parser.at() != parser_state::body) break;
    }
    if (parser.at() == parser_state::done || parser.at() == parser_state::refused) break;
    if (bytes.empty()) break;
  }
  rest = held + std::string{bytes};
  return parser.at();
}

TEST(request_parser, ReadsARequestWithABodyInPiecesOfAnySize) {
  std::string_view bytes =
      "POST /a%20b?q=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\nX-Name: Value\r\n\r\nhello "
      "worldGET /next";
  for (std::size_t step : {1U, 2U, 7U, 64U, 1'000U}) {
    request_parser parser{{}};
    std::string rest;
    ASSERT_EQ(feed_all(parser, bytes, step, rest), parser_state::done) << step;
    EXPECT_EQ(parser.request().method, "POST");
    EXPECT_EQ(parser.request().path, "/a b");
    EXPECT_EQ(parser.request().query, "q=1");
    EXPECT_EQ(parser.request().find("x-name"), "Value");
    EXPECT_EQ(parser.request().body, "hello world");
    EXPECT_EQ(rest, "GET /next");
  }
}

TEST(request_parser, ReadsAChunkedBodyAndIsUsedAgain) {
  request_parser parser{{}};
  for (int i = 0; i < 2; ++i) {
    std::string rest;
    ASSERT_EQ(feed_all(parser,
                       "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "3\r\nabc\r\n2;e=f\r\nde\r\n0\r\nT: u\r\n\r\n",
                       1, rest),
              parser_state::done);
    EXPECT_EQ(parser.request().body, "abcde");
    EXPECT_EQ(parser.request().headers.size(), 2u);
    parser.reset();
  }
}

TEST(request_parser, StopsBehindTheHead) {
  request_parser parser{{}};
  std::string_view bytes = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab";
  EXPECT_EQ(parser.feed(bytes), bytes.size() - 2);
  EXPECT_EQ(parser.at(), parser_state::body);
  EXPECT_EQ(parser.body_left(), 2u);
}

TEST(request_parser, DropsABodyThatNobodyWants) {
  request_parser parser{{}};
  std::string_view bytes = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd";
  bytes.remove_prefix(parser.feed(bytes));
  parser.drop_body();
  EXPECT_EQ(parser.feed(bytes), 4u);
  EXPECT_EQ(parser.at(), parser_state::done);
  EXPECT_TRUE(parser.request().body.empty());
}

TEST(request_parser, RefusesWhatEitherReaderRefuses) {
  struct {
    std::string_view bytes;
    unsigned status;
  } rows[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET /.. HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      // Only Beast minds.
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: (\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400},
  };
  for (const auto& each : rows) {
    request_parser parser{{}};
    std::string rest;
    EXPECT_EQ(feed_all(parser, each.bytes, 1'000, rest), parser_state::refused) << each.bytes;
    EXPECT_EQ(parser.why().status, each.status) << each.bytes;
  }
}

}  // namespace
}  // namespace tandem
