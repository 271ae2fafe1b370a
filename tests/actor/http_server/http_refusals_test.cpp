// What is refused, over a socket: the status, and that nothing behind it is read as a request.
#include <chrono>
#include <string>
#include <thread>

#include "tests/actor/http_server/raw_client.hpp"
#include "tests/actor/http_server/scripted_service.hpp"

namespace tandem::test {
namespace {

class http_refusals : public http_server_test {};

TEST_F(http_refusals, AreAnsweredAndTheConnectionEnds) {
  options_.header_bytes_max = 12 * 1024;
  options_.body_bytes_max = 1'000;
  start();
  using namespace std::string_literals;
  auto post = [](std::string_view headers, std::string_view body = "") {
    return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string{headers} + "\r\n" + std::string{body};
  };
  struct {
    std::string bytes;
    unsigned status;
  } rows[] = {
      {post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400},
      {post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), 400},
      {post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"), 400},
      {post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400},
      {post("Content-Length: -1\r\n", "hello"), 400},
      {post("X-A: b\r\n c\r\n"), 400},
      {post("Host: b\r\n"), 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: a\n\n", 400},
      {post("X-A: b\0\r\n"s), 400},
      {post("Transfer-Encoding: chunked\r\n", "zz\r\n"), 400},
      {post("Transfer-Encoding: chunked\r\n", "5\r\nhelloX"), 400},
      {post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n"), 400},
      {post("Transfer-Encoding: chunked\r\n", "3e9\r\n"), 413},
      {post("Content-Length: 1001\r\n"), 413},
      {"GET /" + std::string(8'300, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
      {post("X-A: " + std::string(12'500, 'b') + "\r\n"), 431},
      {post("Expect: miracles\r\n"), 417},
      {"GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"\x16\x03\x01\x02", 400},
  };
  for (const auto& each : rows) {
    raw_client client{port()};
    client.send(each.bytes);
    client.send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    auto answer = client.read_answer();
    EXPECT_EQ(answer.status, each.status) << each.bytes;
    EXPECT_NE(answer.head.find("Connection: close"), std::string::npos) << each.bytes;
    EXPECT_TRUE(answer.body.starts_with("refused: ")) << each.bytes;
    client.half_close();
    EXPECT_TRUE(client.is_at_end()) << each.bytes;
  }
  EXPECT_EQ(server_->count().malformed, std::size(rows));
}

TEST_F(http_refusals, ComeBeforeABodyThatIsTooLong) {
  start();
  raw_client client{port()};
  client.send(
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n");
  EXPECT_EQ(client.read_answer().status, 413u);
}

TEST_F(http_refusals, OfTheServiceComeBeforeTheBody) {
  service_->at_head = [](const http_request& head) -> std::optional<http_response> {
    if (head.path == "/closed") return text_answer("no", 401);
    return std::nullopt;
  };
  start();
  raw_client asking{port()};
  asking.send(
      "POST /closed HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  auto answer = asking.read_answer();
  EXPECT_EQ(answer.status, 401u);
  EXPECT_NE(answer.head.find("Connection: close"), std::string::npos);

  raw_client large{port()};
  large.send("POST /closed HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_EQ(large.read_answer().status, 401u);
}

TEST_F(http_refusals, OfTheServiceKeepTheConnectionWhereTheBodyIsShort) {
  service_->at_head = [](const http_request& head) -> std::optional<http_response> {
    if (head.path == "/closed") return text_answer("no", 401);
    return std::nullopt;
  };
  start();
  raw_client client{port()};
  client.send(
      "POST /closed HTTP/1.1\r\nHost: a\r\nContent-Length: 33\r\n\r\n"
      "GET /body HTTP/1.1\r\nHost: a\r\n\r\nxx");
  EXPECT_EQ(client.read_answer().status, 401u);
  client.send("GET /closed HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.read_answer().status, 401u);
  client.send("GET /open HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.read_answer().body, "GET /open  ");
}

TEST_F(http_refusals, OfSlowHeadsAreNotPutOffByMoreBytes) {
  options_.read_timeout = std::chrono::milliseconds{300};
  start();
  raw_client client{port()};
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
  // One byte at a time, as fast as they go: the deadline stays.
  while (server_->count().malformed == 0 && client.send("b"))
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  EXPECT_EQ(client.read_answer().status, 408u);
}

TEST_F(http_refusals, OfBodiesThatDoNotCome) {
  options_.read_timeout = std::chrono::milliseconds{200};
  start();
  raw_client client{port()};
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
  EXPECT_EQ(client.read_answer().status, 408u);
}

TEST_F(http_refusals, OfBodiesThatComeByteByByte) {
  options_.read_timeout = std::chrono::milliseconds{300};
  start();
  raw_client client{port()};
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  while (server_->count().malformed == 0 && client.send("b"))
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  EXPECT_EQ(client.read_answer().status, 408u);
}

}  // namespace
}  // namespace tandem::test
