#include "actors/etcd/etcd_client.hpp"

#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/http/http_loop.hpp"
#include "tests/unit/http/scripted_server.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using tandem::testing::scripted_connection;
using tandem::testing::scripted_server;
using ::testing::HasSubstr;

constexpr const char* answer_json = R"({"header":{"cluster_id":"1","revision":"5"}})";

struct fixture {
  std::shared_ptr<http_loop> loop = std::make_shared<http_loop>();

  std::shared_ptr<etcd_client> open(std::vector<std::string> endpoints,
                                    std::chrono::milliseconds timeout = 5s) {
    etcd_config config;
    config.endpoints = std::move(endpoints);
    config.timeout = timeout;
    auto client = etcd_client::open(config, loop);
    EXPECT_TRUE(client) << to_string(client.error());
    return *client;
  }
};

template <class Call>
etcd_result wait_for(Call call) {
  std::promise<etcd_result> promise;
  auto done = promise.get_future();
  call([&promise](etcd_result result) { promise.set_value(std::move(result)); });
  return done.get();
}

etcd_result read(etcd_client& client) {
  return wait_for([&](etcd_callback done) { client.range({.key = "a"}, std::move(done)); });
}
etcd_result write(etcd_client& client) {
  return wait_for([&](etcd_callback done) { client.put("a", "1", 0, std::move(done)); });
}

/// Answers every request so.
scripted_server::script always(std::string body, int status = 200) {
  return [body, status](scripted_connection& connection) {
    while (!connection.read_request().empty())
      if (!connection.answer(body, "application/json", status)) return;
  };
}

TEST(etcd_client, GoesOnToTheNextEndpointAndStaysThere) {
  fixture f;
  std::atomic<int> asked = 0;
  scripted_server bad{[&asked](scripted_connection& connection) {
    ++asked;
    connection.read_request();
  }};
  scripted_server good{always(answer_json)};
  auto client = f.open({bad.url(), good.url()});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(read(*client).ok());
  EXPECT_LE(asked, 2);
}

TEST(etcd_client, DoesNotRepeatAWriteWhoseAnswerDidNotCome) {
  fixture f;
  scripted_server bad{[](scripted_connection& connection) {
    connection.read_request();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
  }};
  std::atomic<int> asked = 0;
  scripted_server good{[&asked](scripted_connection& connection) {
    while (!connection.read_request().empty()) {
      ++asked;
      connection.answer(answer_json);
    }
  }};
  auto client = f.open({bad.url(), good.url()});
  auto result = write(*client);
  EXPECT_EQ(result.failure, etcd_failure::unknown_fate) << result.text;
  EXPECT_EQ(asked, 0);
  // The next call asks the other one.
  EXPECT_TRUE(write(*client).ok());
  EXPECT_EQ(asked, 1);
}

TEST(etcd_client, SaysWhenNobodyListens) {
  fixture f;
  auto client = f.open({"http://127.0.0.1:1", "http://127.0.0.1:2"}, 3s);
  auto result = write(*client);
  EXPECT_EQ(result.failure, etcd_failure::unavailable);
  EXPECT_THAT(result.text, HasSubstr("cannot connect"));
}

TEST(etcd_client, EndsACallAtItsDeadline) {
  fixture f;
  scripted_server silent{[](scripted_connection& connection) { connection.wait_for_close(); }};
  auto client = f.open({silent.url()}, 200ms);
  EXPECT_EQ(read(*client).failure, etcd_failure::unavailable);
  EXPECT_EQ(write(*client).failure, etcd_failure::unknown_fate);
}

TEST(etcd_client, TellsApartWhatEtcdRefuses) {
  fixture f;
  auto failure_of = [&f](const char* body, int status) {
    scripted_server server{always(body, status)};
    auto client = f.open({server.url()}, 300ms);
    return write(*client).failure;
  };
  EXPECT_EQ(failure_of(R"({"message":"lease not found","code":5})", 404), etcd_failure::not_found);
  EXPECT_EQ(failure_of(R"({"message":"bad","code":3})", 400), etcd_failure::refused);
  EXPECT_EQ(failure_of(R"({"message":"no space","code":8})", 429), etcd_failure::refused);
  EXPECT_EQ(failure_of(R"({"message":"denied","code":7})", 403), etcd_failure::not_authenticated);
  EXPECT_EQ(failure_of(R"({"message":"compacted","code":11})", 400), etcd_failure::compacted);
  EXPECT_EQ(failure_of(R"({"message":"timed out","code":14})", 503), etcd_failure::unknown_fate);
  EXPECT_EQ(failure_of("<html>", 502), etcd_failure::unknown_fate);
  EXPECT_EQ(failure_of("<html>", 200), etcd_failure::unknown_fate);
}

TEST(etcd_client, ReadsNoMoreThanItsBound) {
  fixture f;
  scripted_server flood{always(std::string(5 << 20, ' '))};
  auto client = f.open({flood.url()}, 500ms);
  auto result = read(*client);
  EXPECT_EQ(result.failure, etcd_failure::unavailable);
  EXPECT_THAT(result.text, HasSubstr("larger than"));
}

TEST(etcd_client, AnswersWhatIsUnderWayWhenItEnds) {
  fixture f;
  scripted_server silent{[](scripted_connection& connection) { connection.wait_for_close(); }};
  auto client = f.open({silent.url()}, 60s);
  std::promise<etcd_result> promise;
  auto done = promise.get_future();
  client->range({.key = "a"},
                [&promise](etcd_result result) { promise.set_value(std::move(result)); });
  client.reset();
  EXPECT_EQ(done.get().failure, etcd_failure::unavailable);
}

TEST(etcd_client, RefusesEndpointsThatAreNone) {
  auto loop = std::make_shared<http_loop>();
  for (const char* wrong : {"", "127.0.0.1:2379", "ftp://a:1", "http://u:p@a:1", "http://a/b"}) {
    etcd_config config;
    config.endpoints = {wrong};
    EXPECT_FALSE(etcd_client::open(config, loop)) << wrong;
  }
  etcd_config config;
  config.endpoints = {"https://a:1"};
  config.cert_file = "/dev/null";
  EXPECT_FALSE(etcd_client::open(config, loop));
}

}  // namespace
}  // namespace tandem
