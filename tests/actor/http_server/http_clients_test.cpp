// Clients that leave, wait on one side only, or do not read.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/actor/http_server/raw_client.hpp"
#include "tests/actor/http_server/scripted_service.hpp"

namespace tandem::test {
namespace {

constexpr std::string_view plain_get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

class http_clients : public http_server_test {
 protected:
  void SetUp() override { service_->keeps = true; }
};

TEST_F(http_clients, ThatLeaveAreNoticedWhileTheirAnswerIsAwaited) {
  start();
  for (bool by_reset : {false, true}) {
    raw_client client{port()};
    client.send(plain_get);
    auto call = service_->next();
    flag gone;
    call.reply->on_gone([&gone] { gone.set(); });
    if (by_reset)
      client.reset();
    else
      client.half_close();
    EXPECT_TRUE(gone.wait());
    EXPECT_FALSE(call.reply->write("x"));
    flag late;
    call.reply->on_gone([&late] { late.set(); });
    EXPECT_TRUE(late.wait());
  }
  EXPECT_TRUE(wait_for([](const auto& counts) { return counts.left == 2; }));
}

TEST_F(http_clients, ThatLeaveAreNoticedInTheMiddleOfAStream) {
  start();
  raw_client client{port()};
  client.send(plain_get);
  auto call = service_->next();
  flag gone;
  call.reply->on_gone([&gone] { gone.set(); });
  call.reply->begin(text_answer(""));
  EXPECT_TRUE(call.reply->write("x"));
  client.read_until("x");
  client.reset();
  EXPECT_TRUE(gone.wait());
}

TEST_F(http_clients, ThatLeaveWithMuchUnreadAreNoticedToo) {
  start();
  raw_client client{port()};
  client.send(plain_get);
  client.send(std::string(64 * 1024, 'x'));
  auto call = service_->next();
  flag gone;
  call.reply->on_gone([&gone] { gone.set(); });
  client.half_close();
  EXPECT_TRUE(gone.wait());
}

TEST_F(http_clients, GetTheirAnswerAfterAHalfCloseThatTheyAnnounced) {
  start();
  for (std::string_view request :
       {"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"}) {
    raw_client client{port()};
    client.send(request);
    client.half_close();
    auto call = service_->next();
    call.reply->send(text_answer("hello"));
    EXPECT_EQ(client.read_answer().body, "hello");
  }
}

TEST_F(http_clients, AreNotCalledGoneAfterTheirAnswer) {
  start();
  raw_client client{port()};
  client.send(plain_get);
  auto call = service_->next();
  std::atomic<bool> was_called{false};
  call.reply->on_gone([&was_called] { was_called = true; });
  call.reply->send(text_answer("hello"));
  EXPECT_EQ(client.read_answer().body, "hello");
  client.reset();
  EXPECT_TRUE(wait_for([](const auto& counts) { return counts.connections == 0; }));
  EXPECT_FALSE(was_called);
  EXPECT_EQ(server_->count().left, 0u);
}

TEST_F(http_clients, ThatDoNotReadHoldOnlyThemselves) {
  options_.stream_bytes_max = 256 * 1024;
  start();
  raw_client slow{port(), 4'096};
  slow.send(plain_get);
  auto call = service_->next();
  flag gone;
  call.reply->on_gone([&gone] { gone.set(); });
  call.reply->begin(text_answer(""));
  std::size_t written = 0;
  while (call.reply->write(std::string(16 * 1024, 'x'))) written += 16 * 1024;
  EXPECT_TRUE(gone.wait());
  // What the kernel holds, and stream_bytes_max.
  EXPECT_LT(written, std::size_t{64} * 1024 * 1024);
  raw_client other{port()};
  other.send(plain_get);
  service_->next().reply->send(text_answer("hello"));
  EXPECT_EQ(other.read_answer().body, "hello");
}

TEST_F(http_clients, ThatDoNotReadAnAnswerAreDropped) {
  options_.write_timeout = std::chrono::milliseconds{200};
  start();
  raw_client slow{port(), 4'096};
  slow.send(plain_get);
  service_->next().reply->send(text_answer(std::string(32'000'000, 'x')));
  EXPECT_TRUE(wait_for([](const auto& counts) { return counts.left == 1; }));
  EXPECT_EQ(server_->count().connections, 0u);
}

TEST_F(http_clients, ThatReadSlowlyGetAllOfIt) {
  start();
  raw_client slow{port(), 4'096};
  slow.send(plain_get);
  std::string body(2'000'000, 'x');
  service_->next().reply->send(text_answer(body));
  EXPECT_EQ(slow.read_answer().body, body);
  slow.send(plain_get);
  service_->next().reply->send(text_answer("next"));
  EXPECT_EQ(slow.read_answer().body, "next");
}

TEST_F(http_clients, CanBeAnsweredByAFunctionThatHoldsItsOwnReply) {
  start();
  raw_client client{port()};
  client.send(plain_get);
  auto call = service_->next();
  auto* raw = call.reply.get();
  flag gone;
  raw->on_gone([held = std::move(call.reply), &gone] { gone.set(); });
  client.reset();
  EXPECT_TRUE(gone.wait());
}

TEST_F(http_clients, OfManyThreadsAreAllAnswered) {
  service_->keeps = false;
  service_->at_request = [](http_request request, std::shared_ptr<http_reply> reply) {
    std::thread{[request = std::move(request), reply = std::move(reply)] {
      reply->begin(text_answer(""));
      for (int i = 0; i < 20; ++i) reply->write(request.path);
      reply->end();
    }}.detach();
  };
  options_.threads = 2;
  start();
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([this, i] {
      raw_client client{port()};
      auto path = "/" + std::to_string(i);
      std::string expected;
      for (int k = 0; k < 20; ++k) expected += path;
      for (int k = 0; k < 30; ++k) {
        client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
        EXPECT_EQ(client.read_answer().body, expected);
      }
    });
  for (auto& each : clients) each.join();
}

}  // namespace
}  // namespace tandem::test
