#include "actors/http_server/request_check.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tandem {
namespace {

unsigned status_of(std::string_view head) {
  request_head out;
  if (auto refusal = check_head(head, {}, out)) return refusal.status;
  std::string path;
  return decode_path(out.raw_path, path).status;
}

std::string get(std::string_view target) {
  return "GET " + std::string{target} + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

std::string with(std::string_view headers, std::string_view version = "1.1") {
  return "POST /v1 HTTP/" + std::string{version} + "\r\nHost: a\r\n" + std::string{headers} +
         "\r\n";
}

struct row {
  std::string head;
  unsigned status;
};

void expect_all(const std::vector<row>& rows) {
  for (const auto& each : rows) EXPECT_EQ(status_of(each.head), each.status) << each.head;
}

TEST(request_check, ReadsWhatClientsSend) {
  request_head out;
  ASSERT_FALSE(
      check_head("POST /v1/chat%20x?a=1&b=%2F HTTP/1.1\r\nHost: example.com:8080\r\n"
                 "Content-Length:  12 \r\nX-Empty:\r\nX-Text: caf\xc3\xa9 \"a\"\t(b)\r\n\r\n",
                 {}, out));
  EXPECT_EQ(out.method, "POST");
  EXPECT_EQ(out.raw_path, "/v1/chat%20x");
  EXPECT_EQ(out.query, "a=1&b=%2F");
  EXPECT_EQ(out.content_length, 12u);
  EXPECT_FALSE(out.is_chunked);
  EXPECT_TRUE(out.keep_alive);
  EXPECT_FALSE(out.is_last);
  ASSERT_EQ(out.headers.size(), 4u);
  EXPECT_EQ(out.headers[2].second, "");
  EXPECT_EQ(out.headers[3].second, "caf\xc3\xa9 \"a\"\t(b)");
}

TEST(request_check, TakesOneTransferEncodingAndOnlyChunkedOnHttp11) {
  expect_all({
      {with("Transfer-Encoding: chunked\r\n"), 0},
      {with("transfer-encoding:\tChunked \r\n"), 0},
      {with("Transfer-Encoding: xchunked\r\n"), 400},
      {with("Transfer-Encoding: chunked, identity\r\n"), 400},
      {with("Transfer-Encoding: gzip, chunked\r\n"), 400},
      {with("Transfer-Encoding: chunked, chunked\r\n"), 400},
      {with("Transfer-Encoding: chunked;q=1\r\n"), 400},
      {with("Transfer-Encoding: \"chunked\"\r\n"), 400},
      {with("Transfer-Encoding: identity\r\n"), 400},
      {with("Transfer-Encoding:\r\n"), 400},
      {with("Transfer-Encoding: ,chunked\r\n"), 400},
      {with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), 400},
      {with("Transfer-Encoding: chunked\r\n", "1.0"), 400},
      {with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400},
      {with("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"), 400},
      {with("Transfer-Encoding : chunked\r\n"), 400},
      {with(" Transfer-Encoding: chunked\r\n"), 400},
      {with("Transfer-Encoding: chunked\x0b\r\n"), 400},
  });
}

TEST(request_check, TakesOneContentLengthAndOnlyDigits) {
  expect_all({
      {with("Content-Length: 0\r\n"), 0},
      {with("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
      {with("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
      {with("Content-Length: 5, 5\r\n"), 400},
      {with("Content-Length: +5\r\n"), 400},
      {with("Content-Length: -5\r\n"), 400},
      {with("Content-Length: 0x5\r\n"), 400},
      {with("Content-Length: 5 5\r\n"), 400},
      {with("Content-Length:\r\n"), 400},
      {with("Content-Length: 5.0\r\n"), 400},
      {with("Content-Length: 18446744073709551616\r\n"), 400},
      {with("Content-Length: 99999999999999999999999999\r\n"), 400},
      {with("Content-Length: 18446744073709551615\r\n"), 413},
      {with("Content-Length: 8388608\r\n"), 0},
      {with("Content-Length: 8388609\r\n"), 413},
  });
}

TEST(request_check, WantsExactlyOneHost) {
  expect_all({
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 0},
      {"GET / HTTP/1.0\r\n\r\n", 0},
      {"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400},
  });
}

TEST(request_check, RefusesFoldedLinesBlanksAndControlCharacters) {
  using namespace std::string_literals;
  expect_all({
      {with("X-A: b\r\n c\r\n"), 400},
      {with("X-A: b\r\n\tc\r\n"), 400},
      {with("X-A: b\r\n \r\n"), 400},
      {with("X-A : b\r\n"), 400},
      {with("X A: b\r\n"), 400},
      {with(": b\r\n"), 400},
      {with("X-A\r\n"), 400},
      {with("X-A: b\0c\r\n"s), 400},
      {with("X-A: b\rc\r\n"), 400},
      {with("X-A: b\nc: d\r\n"), 400},
      {with("X-A: b\x01\r\n"), 400},
      {with("X-A: b\x7f\r\n"), 400},
      {with("X-\xc3\xa9: b\r\n"), 400},
      {with("X(A): b\r\n"), 400},
  });
}

TEST(request_check, RefusesBadRequestLines) {
  using namespace std::string_literals;
  auto line = [](std::string_view text) { return std::string{text} + "\r\nHost: a\r\n\r\n"; };
  expect_all({
      {line("GET / HTTP/1.2"), 505},
      {line("GET / HTTP/2.0"), 505},
      {line("GET / HTTP/0.9"), 505},
      {line("GET / HTTP/11"), 400},
      {line("GET / http/1.1"), 400},
      {line("GET / HTTP/1.1 "), 400},
      {line("GET / HTTP/1.10"), 400},
      {line("GET / HTTP/1.1\r"), 400},
      {line("GET /"), 400},
      {line("GET"), 400},
      {line("GET  / HTTP/1.1"), 400},
      {line(" GET / HTTP/1.1"), 400},
      {line("GET\t/ HTTP/1.1"), 400},
      {line("G@T / HTTP/1.1"), 400},
      {line("G\0T / HTTP/1.1"s), 400},
      {line("GET / / HTTP/1.1"), 400},
      {line("GET /\x01 HTTP/1.1"), 400},
      {line("GET /\xc3\xa9 HTTP/1.1"), 400},
      {line("GET /#x HTTP/1.1"), 400},
      {line("CONNECT a:443 HTTP/1.1"), 501},
      {line("TRACE / HTTP/1.1"), 501},
      {line("BREW /pot HTTP/1.1"), 0},
      {line(std::string(33, 'A') + " / HTTP/1.1"), 501},
  });
}

TEST(request_check, TakesAbsoluteFormsOfTheSameHostAlone) {
  expect_all({
      {get("http://a/x"), 0},
      {get("HTTPS://A/x?y"), 0},
      {get("http://a"), 0},
      {get("http://b/x"), 400},
      {get("http://a:80/x"), 400},
      {get("http://u@a/x"), 400},
      {get("ftp://a/x"), 400},
      {get("a/x"), 400},
      {get("*"), 400},
      {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0},
      {"OPTIONS *x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET http:///x HTTP/1.0\r\n\r\n", 0},
  });
}

TEST(request_check, RefusesPathsThatCouldBeOthers) {
  expect_all({
      {get("/a/../b"), 400},     {get("/.."), 400},         {get("/a/."), 400},
      {get("/./a"), 400},        {get("//a"), 400},         {get("/a//b"), 400},
      {get("/a/%2e%2E/b"), 400}, {get("/a%2fb"), 400},      {get("/a%2Fb"), 400},
      {get("/a%5cb"), 400},      {get("/a\\b"), 400},       {get("/a%00"), 400},
      {get("/a%0d%0ab"), 400},   {get("/a%7f"), 400},       {get("/a%"), 400},
      {get("/a%2"), 400},        {get("/a%zz"), 400},       {get("/a?b=%"), 400},
      {get("/a?b=%g0"), 400},    {get("/..a/b..c/..."), 0}, {get("/a/"), 0},
      {get("/a?b=/../c//d"), 0}, {get("/%E2%82%AC"), 0},
  });
}

TEST(request_check, DecodesAPathOnce) {
  std::string path;
  ASSERT_FALSE(decode_path("/a%20b/%2541/%c3%a9", path));
  EXPECT_EQ(path, "/a b/%41/\xc3\xa9");
}

TEST(request_check, BoundsHeadersTargetsAndTheirNumber) {
  std::string many;
  for (int i = 0; i < 99; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  expect_all({
      {with(many), 0},
      {with(many + "X: y\r\n"), 431},
      {get("/" + std::string(8 * 1024, 'a')), 414},
      {get("/" + std::string(8 * 1024 - 1, 'a')), 0},
  });
}

TEST(request_check, KnowsWhenAConnectionIsKept) {
  struct {
    std::string_view version, header;
    bool is_kept, is_last;
  } rows[] = {
      {"1.1", "", true, false},
      {"1.1", "Connection: close\r\n", false, true},
      {"1.1", "Connection: Upgrade, CLOSE\r\n", false, true},
      {"1.1", "Connection: keep-alive\r\n", true, false},
      {"1.0", "", false, true},
      {"1.0", "Connection: Keep-Alive\r\n", true, true},
      {"1.0", "Connection: keep-alive, close\r\n", false, true},
  };
  for (const auto& each : rows) {
    request_head out;
    ASSERT_FALSE(check_head(with(each.header, each.version), {}, out));
    EXPECT_EQ(out.keep_alive, each.is_kept) << each.version << each.header;
    EXPECT_EQ(out.is_last, each.is_last) << each.version << each.header;
  }
}

TEST(request_check, MeetsNoExpectationButContinue) {
  request_head out;
  EXPECT_FALSE(check_head(with("Expect: 100-Continue\r\nContent-Length: 3\r\n"), {}, out));
  EXPECT_TRUE(out.expects_continue);
  EXPECT_FALSE(check_head(with("Expect: 100-continue\r\nContent-Length: 3\r\n", "1.0"), {}, out));
  EXPECT_FALSE(out.expects_continue);
  EXPECT_EQ(status_of(with("Expect: 200-ok\r\n")), 417u);
}

TEST(request_check, FindsAHeadsEndInPieces) {
  auto head = with("X-A: b\r\n");
  head_scan scan;
  for (std::size_t i = 1; i < head.size(); ++i)
    ASSERT_EQ(scan.look(std::string_view{head}.substr(0, i), {}), head_scan::result::more) << i;
  ASSERT_EQ(scan.look(head + "GET", {}), head_scan::result::found);
  EXPECT_EQ(scan.size(), head.size());
}

TEST(request_check, DoesNotWaitForTheEndOfWhatIsNoHead) {
  auto status = [](std::string_view bytes, head_limits limits = {}) {
    head_scan scan;
    return scan.look(bytes, limits) == head_scan::result::refused ? scan.why().status : 0U;
  };
  EXPECT_EQ(status("GET / HTTP/1.1\nHost: a\n\n"), 400u);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\n"), 400u);
  EXPECT_EQ(status("\r\nGET / HTTP/1.1\r\n"), 400u);
  EXPECT_EQ(status("\nGET"), 400u);
  EXPECT_EQ(status("\x16\x03\x01"), 400u);
  EXPECT_EQ(status("GET /" + std::string(9'000, 'a')), 414u);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nX: " + std::string(16'384, 'a')), 431u);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nX: " + std::string(300, 'a') + "\r\n\r\n", {256}), 431u);
}

}  // namespace
}  // namespace tandem
