#include "actors/http/http_loop.hpp"

#include <atomic>
#include <cstdlib>
#include <latch>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/http/recording_handler.hpp"
#include "tests/unit/http/scripted_server.hpp"

namespace tandem {
namespace {

using testing::ask;
using testing::endpoint_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::recording_handler;
using testing::scripted_connection;
using testing::scripted_server;

void echo(scripted_connection& connection) {
  for (;;) {
    auto request = connection.read_request();
    if (request.empty() || !connection.answer(request)) return;
  }
}

TEST(HttpLoop, SendsMethodPathHeadersAndBodyAndReadsTheAnswer) {
  scripted_server server{echo};
  http_loop loop;
  auto endpoint = endpoint_of(server.url("/a/b?c=d"));
  endpoint->headers = {"Content-Type: application/json", "Authorization: Bearer k"};
  auto got = ask(loop, endpoint, R"({"x":1})");
  EXPECT_EQ(got.outcome.failure, http_failure::none) << got.outcome.text;
  EXPECT_EQ(got.outcome.status, 200);
  EXPECT_EQ(got.content_type, "text/plain");
  EXPECT_THAT(got.body, ::testing::StartsWith("POST /a/b?c=d HTTP/1.1\r\n"));
  EXPECT_THAT(got.body, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(got.body, HasSubstr("Authorization: Bearer k\r\n"));
  EXPECT_THAT(got.body, ::testing::EndsWith("\r\n\r\n{\"x\":1}"));
  EXPECT_THAT(got.body, Not(HasSubstr("Expect")));
  EXPECT_GT(got.outcome.bytes, got.body.size());
}

TEST(HttpLoop, UsesEveryMethodOnTheSameHandles) {
  scripted_server server{echo};
  http_loop loop;
  for (std::string method : {"GET", "PUT", "POST", "DELETE", "GET", "POST"}) {
    auto got = ask(loop, endpoint_of(server.url(), method), method == "GET" ? "" : "body");
    EXPECT_THAT(got.body, ::testing::StartsWith(method + " / HTTP/1.1\r\n"));
    EXPECT_EQ(got.body.ends_with("body"), method != "GET");
  }
}

TEST(HttpLoop, HeadersOfOneRequestAreNotThoseOfTheNext) {
  scripted_server server{echo};
  http_loop loop;
  auto endpoint = endpoint_of(server.url());
  endpoint->headers = {"X-Always: yes"};
  for (std::string own : {"X-Own: 1", "X-Own: 2", "", "X-Own: 3"}) {
    auto handler = std::make_shared<recording_handler>();
    auto done = handler->done();
    loop.start(endpoint, "body", handler,
               own.empty() ? std::vector<std::string>{} : std::vector{own});
    auto body = done.get().body;
    EXPECT_THAT(body, HasSubstr("X-Always: yes\r\n"));
    EXPECT_THAT(body, Not(HasSubstr("Expect")));
    if (own.empty())
      EXPECT_THAT(body, Not(HasSubstr("X-Own")));
    else
      EXPECT_THAT(body, HasSubstr(own + "\r\n"));
  }
}

TEST(HttpLoop, KeepsItsConnectionForTheNextRequest) {
  std::atomic<int> connections{0};
  scripted_server server{[&](scripted_connection& connection) {
    ++connections;
    echo(connection);
  }};
  http_loop loop;
  auto endpoint = endpoint_of(server.url());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ask(loop, endpoint).outcome.failure, http_failure::none);
  EXPECT_EQ(connections, 1);
}

TEST(HttpLoop, SendsAgainWhenAKeptConnectionWasClosedWithoutAnAnswer) {
  // The first connection reads the second request and closes without a byte.
  scripted_server server{[](scripted_connection& connection) {
    connection.read_request();
    connection.answer("one");
    if (connection.number() == 0) {
      connection.read_request();
      return;
    }
    connection.wait_for_close();
  }};
  http_loop loop;
  auto endpoint = endpoint_of(server.url());
  EXPECT_EQ(ask(loop, endpoint, "first").body, "one");
  auto second = ask(loop, endpoint, "second");
  EXPECT_EQ(second.outcome.failure, http_failure::none) << second.outcome.text;
  EXPECT_EQ(second.body, "one");
}

TEST(HttpLoop, DoesNotSendAgainOnceAByteOfTheAnswerCame) {
  std::atomic<int> requests{0};
  scripted_server server{[&](scripted_connection& connection) {
    ++requests;
    connection.read_request();
    connection.answer("one");
    if (connection.read_request().empty()) return;
    ++requests;
    connection.send("HTTP/1.1 200 OK\r\n");
  }};
  http_loop loop;
  auto endpoint = endpoint_of(server.url());
  ask(loop, endpoint);
  auto second = ask(loop, endpoint);
  EXPECT_EQ(second.outcome.failure, http_failure::broken) << second.outcome.text;
  EXPECT_EQ(requests, 2);
}

TEST(HttpLoop, DoesNotSendAgainOnANewConnection) {
  std::atomic<int> connections{0};
  scripted_server server{[&](scripted_connection& connection) {
    ++connections;
    connection.read_request();
  }};
  http_loop loop;
  auto got = ask(loop, endpoint_of(server.url()));
  EXPECT_EQ(got.outcome.failure, http_failure::broken);
  EXPECT_EQ(connections, 1);
}

TEST(HttpLoop, ClosesTheConnectionOfACancelledExchange) {
  std::latch closed{1};
  scripted_server server{[&](scripted_connection& connection) {
    connection.read_request();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun");
    connection.wait_for_close();
    closed.count_down();
  }};
  http_loop loop;
  auto handler = std::make_shared<recording_handler>();
  auto began = handler->began();
  auto done = handler->done();
  auto id = loop.start(endpoint_of(server.url()), "", handler);
  began.wait();
  loop.cancel(id);
  auto got = done.get();
  EXPECT_EQ(got.outcome.failure, http_failure::cancelled);
  EXPECT_EQ(got.body, "begun");
  closed.wait();
  // Once more is nothing.
  loop.cancel(id);
}

TEST(HttpLoop, EndsEverythingWhenItIsDestroyed) {
  scripted_server server{[](scripted_connection& connection) {
    connection.read_request();
    connection.wait_for_close();
  }};
  std::vector<std::future<testing::recorded_exchange>> ends;
  {
    http_loop loop;
    for (int i = 0; i < 50; ++i) {
      auto handler = std::make_shared<recording_handler>();
      ends.push_back(handler->done());
      loop.start(endpoint_of(server.url()), "", handler);
    }
  }
  for (auto& end : ends) EXPECT_EQ(end.get().outcome.failure, http_failure::cancelled);
}

TEST(HttpLoop, MayBeDestroyedByItsOwnHandler) {
  scripted_server server{echo};
  struct last_owner : http_handler {
    std::shared_ptr<http_loop> loop;
    std::promise<void> ended;
    http_next on_body(std::string_view) override { return http_next::progressed; }
    void on_end(http_outcome) override {
      loop.reset();
      ended.set_value();
    }
  };
  auto handler = std::make_shared<last_owner>();
  auto ended = handler->ended.get_future();
  auto loop = std::make_shared<http_loop>();
  // The handler is not there before it owns the loop alone.
  loop->call_after(std::chrono::milliseconds{0},
                   [handler, loop, endpoint = endpoint_of(server.url())]() mutable {
                     auto* raw = loop.get();
                     handler->loop = std::move(loop);
                     raw->start(endpoint, "", handler);
                   });
  loop.reset();
  ended.wait();
}

TEST(HttpLoop, RefusesARedirectAndNamesItsHost) {
  scripted_server server{[](scripted_connection& connection) {
    connection.read_request();
    connection.answer("", "text/plain", 307,
                      "Location: http://elsewhere.invalid:81/v1?key=secret\r\n");
    connection.wait_for_close();
  }};
  http_loop loop;
  auto got = ask(loop, endpoint_of(server.url()));
  EXPECT_EQ(got.outcome.failure, http_failure::redirect);
  EXPECT_THAT(got.outcome.text, HasSubstr("elsewhere.invalid:81"));
  EXPECT_THAT(got.outcome.text, Not(HasSubstr("secret")));
}

TEST(HttpLoop, EndsAnAnswerThatIsTooLarge) {
  scripted_server server{[](scripted_connection& connection) {
    connection.read_request();
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (connection.send("4\r\nmore\r\n")) {
    }
  }};
  http_loop loop;
  auto endpoint = endpoint_of(server.url());
  endpoint->response_bytes_max = 10'000;
  auto got = ask(loop, endpoint);
  EXPECT_EQ(got.outcome.failure, http_failure::too_large);
  EXPECT_THAT(got.outcome.text, HasSubstr("10000 bytes"));
  EXPECT_LE(got.body.size(), 10'000u);
}

TEST(HttpLoop, EndsHeadersWithoutEnd) {
  scripted_server server{[](scripted_connection& connection) {
    connection.read_request();
    connection.send("HTTP/1.1 200 OK\r\n");
    while (connection.send("X-More: and more and more and more\r\n")) {
    }
  }};
  http_loop loop;
  auto got = ask(loop, endpoint_of(server.url()));
  EXPECT_EQ(got.outcome.failure, http_failure::too_large);
  EXPECT_THAT(got.outcome.text, HasSubstr("headers"));
}

TEST(HttpLoop, CallsWhatIsNoHttpBroken) {
  for (std::string_view reply : {"hello\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", "",
                                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    scripted_server server{[reply](scripted_connection& connection) {
      connection.read_request();
      connection.send(reply);
    }};
    http_loop loop;
    auto got = ask(loop, endpoint_of(server.url()));
    EXPECT_EQ(got.outcome.failure, http_failure::broken) << reply << ": " << got.outcome.text;
  }
}

TEST(HttpLoop, SaysWhereNobodyListens) {
  std::string url;
  { url = scripted_server{echo}.url(); }
  http_loop loop;
  auto got = ask(loop, endpoint_of(url + "/path?key=secret"));
  EXPECT_EQ(got.outcome.failure, http_failure::connect);
  EXPECT_THAT(got.outcome.text, HasSubstr(url.substr(7)));
  EXPECT_THAT(got.outcome.text, HasSubstr("refused"));
  EXPECT_THAT(got.outcome.text, Not(HasSubstr("secret")));
}

TEST(HttpLoop, RefusesOtherProtocolsAndBrokenUrls) {
  http_loop loop;
  for (auto url : {"file:///etc/passwd", "gopher://127.0.0.1/", "http://", "ftp://127.0.0.1/x"})
    EXPECT_EQ(ask(loop, endpoint_of(url, "GET")).outcome.failure, http_failure::invalid) << url;
}

TEST(HttpLoop, FailsTheHandshakeWithAServerThatSpeaksNoTls) {
  scripted_server server{[](scripted_connection& connection) { connection.answer("plain"); }};
  http_loop loop;
  auto url = "https" + server.url().substr(4);
  EXPECT_EQ(ask(loop, endpoint_of(url)).outcome.failure, http_failure::tls);
}

TEST(HttpLoop, IgnoresTheProxyOfTheEnvironmentAndUsesItsOwn) {
  scripted_server server{echo};
  scripted_server proxy{echo};
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  setenv("no_proxy", "*", 1);
  http_loop loop;
  EXPECT_THAT(ask(loop, endpoint_of(server.url("/x"))).body, HasSubstr("POST /x HTTP"));
  auto through = endpoint_of(server.url("/x"));
  through->proxy = proxy.url();
  EXPECT_THAT(ask(loop, through).body, HasSubstr("POST " + server.url("/x") + " HTTP"));
  unsetenv("http_proxy");
  unsetenv("no_proxy");
}

TEST(HttpLoop, RefusesMoreExchangesThanItsMaximum) {
  scripted_server server{[](scripted_connection& connection) {
    connection.read_request();
    connection.wait_for_close();
  }};
  auto held = std::make_shared<recording_handler>();
  http_loop loop{{.exchanges_max = 1}};
  loop.start(endpoint_of(server.url()), "", held);
  auto got = ask(loop, endpoint_of(server.url()));
  EXPECT_EQ(got.outcome.failure, http_failure::overloaded);
}

TEST(HttpLoop, MakesExchangesWaitForAConnectionBeyondTheMaximum) {
  std::atomic<int> connections{0};
  scripted_server server{[&](scripted_connection& connection) {
    ++connections;
    echo(connection);
  }};
  http_loop loop{{.connections_max = 2}};
  auto endpoint = endpoint_of(server.url());
  std::vector<std::future<testing::recorded_exchange>> ends;
  for (int i = 0; i < 100; ++i) {
    auto handler = std::make_shared<recording_handler>();
    ends.push_back(handler->done());
    loop.start(endpoint, std::to_string(i), handler);
  }
  for (int i = 0; i < 100; ++i) {
    auto got = ends[static_cast<std::size_t>(i)].get();
    EXPECT_EQ(got.outcome.failure, http_failure::none) << got.outcome.text;
    EXPECT_THAT(got.body, ::testing::EndsWith("\r\n\r\n" + std::to_string(i)));
  }
  EXPECT_LE(connections, 2);
}

TEST(HttpLoop, TakesStartsAndCancelsOfManyThreads) {
  scripted_server server{echo};
  http_loop loop;
  auto endpoint = endpoint_of(server.url());
  std::atomic<int> whole{0};
  std::atomic<int> cancelled{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        auto handler = std::make_shared<recording_handler>();
        auto done = handler->done();
        auto id = loop.start(endpoint, "x", handler);
        if (i % 3 == 0) loop.cancel(id);
        auto failure = done.get().outcome.failure;
        if (failure == http_failure::none) ++whole;
        if (failure == http_failure::cancelled) ++cancelled;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(whole + cancelled, 400);
  EXPECT_GE(whole, 264);
}

TEST(HttpLoop, SkipsInterimResponsesAndTrailers) {
  scripted_server server{[](scripted_connection& connection) {
    connection.read_request();
    connection.send("HTTP/1.1 100 Continue\r\nRetry-After: 9\r\n\r\n");
    connection.send("HTTP/1.1 503 No\r\nretry-after:  7 \r\nTransfer-Encoding: chunked\r\n\r\n");
    connection.send("2\r\nok\r\n0\r\nRetry-After: 8\r\n\r\n");
    connection.wait_for_close();
  }};
  http_loop loop;
  auto got = ask(loop, endpoint_of(server.url()));
  EXPECT_EQ(got.outcome.failure, http_failure::none) << got.outcome.text;
  EXPECT_EQ(got.outcome.status, 503);
  EXPECT_EQ(got.retry_after, "7");
  EXPECT_EQ(got.body, "ok");
}

}  // namespace
}  // namespace tandem
