#include <atomic>
#include <latch>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/http/http_loop.hpp"
#include "tests/unit/http/recording_handler.hpp"
#include "tests/unit/http/scripted_server.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using testing::ask;
using testing::endpoint_of;
using ::testing::HasSubstr;
using testing::recording_handler;
using testing::scripted_connection;
using testing::scripted_server;

TEST(HttpTimeout, EndsWhenNoAnswerBeginsAndClosesTheConnection) {
  std::latch closed{1};
  scripted_server server{[&](scripted_connection& connection) {
    connection.read_request();
    connection.wait_for_close();
    closed.count_down();
  }};
  http_loop loop;
  auto endpoint = endpoint_of(server.url());
  endpoint->first_timeout = 30ms;
  auto got = ask(loop, endpoint);
  EXPECT_EQ(got.outcome.failure, http_failure::first_timeout);
  EXPECT_THAT(got.outcome.text, HasSubstr("30 ms"));
  closed.wait();
}

TEST(HttpTimeout, EndsWhenTheAnswerStalls) {
  scripted_server server{[](scripted_connection& connection) {
    connection.read_request();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun");
    connection.wait_for_close();
  }};
  http_loop loop;
  auto endpoint = endpoint_of(server.url());
  endpoint->first_timeout = 1h;
  endpoint->idle_timeout = 30ms;
  auto got = ask(loop, endpoint);
  EXPECT_EQ(got.outcome.failure, http_failure::idle_timeout);
  EXPECT_THAT(got.outcome.text, HasSubstr("stalled"));
  EXPECT_EQ(got.body, "begun");
}

TEST(HttpTimeout, LooksAtProgressAndNotAtBytes) {
  // Bytes come without end, but never what the handler waits for.
  scripted_server server{[](scripted_connection& connection) {
    connection.read_request();
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (connection.send("1\r\n:\r\n")) std::this_thread::yield();
  }};
  http_loop loop;
  auto endpoint = endpoint_of(server.url());
  endpoint->first_timeout = 40ms;
  endpoint->response_bytes_max = std::size_t{1} << 40;
  auto handler = std::make_shared<recording_handler>();
  handler->next = http_next::waiting;
  auto done = handler->done();
  loop.start(endpoint, "", handler);
  EXPECT_EQ(done.get().outcome.failure, http_failure::first_timeout);
}

TEST(HttpTimeout, EndsAtItsWholeTimeWhateverComes) {
  scripted_server server{[](scripted_connection& connection) {
    connection.read_request();
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (connection.send("1\r\n:\r\n")) std::this_thread::yield();
  }};
  http_loop loop;
  auto endpoint = endpoint_of(server.url());
  endpoint->total_timeout = 40ms;
  endpoint->idle_timeout = 1h;
  endpoint->response_bytes_max = std::size_t{1} << 40;
  EXPECT_EQ(ask(loop, endpoint).outcome.failure, http_failure::total_timeout);
}

TEST(HttpTimeout, EndsWhatTheHandlerStops) {
  std::latch closed{1};
  scripted_server server{[&](scripted_connection& connection) {
    connection.read_request();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun");
    connection.wait_for_close();
    closed.count_down();
  }};
  http_loop loop;
  auto handler = std::make_shared<recording_handler>();
  handler->next = http_next::stop;
  auto done = handler->done();
  loop.start(endpoint_of(server.url()), "", handler);
  EXPECT_EQ(done.get().outcome.failure, http_failure::stopped);
  closed.wait();
}

TEST(HttpTimeout, CallsFunctionsInTheOrderOfTheirTimes) {
  http_loop loop;
  std::string order;
  std::promise<void> last;
  loop.call_after(20ms, [&] {
    EXPECT_TRUE(loop.in_loop());
    order += "b";
    loop.call_after(1ms, [&] {
      order += "c";
      last.set_value();
    });
  });
  loop.call_after(0ms, [&] { order += "a"; });
  last.get_future().wait();
  EXPECT_EQ(order, "abc");
  EXPECT_FALSE(loop.in_loop());
}

TEST(HttpTimeout, DropsFunctionsThatAreNotDueWhenItEnds) {
  auto owned = std::make_shared<int>();
  {
    http_loop loop;
    loop.call_after(1h, [owned] { ADD_FAILURE(); });
  }
  EXPECT_EQ(owned.use_count(), 1);
}

}  // namespace
}  // namespace tandem
