// Connections, memory and time are bounded, and what a start refuses.
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include "schema/errc.hpp"
#include "tests/actor/http_server/raw_client.hpp"
#include "tests/actor/http_server/scripted_service.hpp"

namespace tandem::test {
namespace {

constexpr std::string_view any_get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

std::size_t resident_bytes() {
  std::ifstream file{"/proc/self/statm"};
  std::size_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

class http_limits : public http_server_test {};

TEST_F(http_limits, TheLongestIdleConnectionMakesPlace) {
  options_.connections_max = 2;
  start();
  raw_client first{port()};
  first.send(any_get);
  first.read_answer();
  raw_client second{port()};
  second.send(any_get);
  second.read_answer();
  raw_client third{port()};
  EXPECT_TRUE(first.is_at_end());
  third.send(any_get);
  EXPECT_EQ(third.read_answer().status, 200u);
  second.send(any_get);
  EXPECT_EQ(second.read_answer().status, 200u);
}

TEST_F(http_limits, WhereAllAreBusyANewOneIsToldToComeLater) {
  options_.connections_max = 1;
  service_->keeps = true;
  start();
  raw_client busy{port()};
  busy.send(any_get);
  auto call = service_->next();
  raw_client late{port()};
  auto answer = late.read_answer();
  EXPECT_EQ(answer.status, 503u);
  EXPECT_NE(answer.head.find("Retry-After: "), std::string::npos);
  EXPECT_TRUE(late.is_at_end());
  call.reply->send(text_answer("hello"));
  EXPECT_EQ(busy.read_answer().body, "hello");
  EXPECT_EQ(server_->count().connections, 1u);
}

TEST_F(http_limits, BodiesBeyondTheMemoryAreRefused) {
  options_.memory_bytes_max = 100'000;
  service_->keeps = true;
  start();
  std::string body(60'000, 'x');
  auto post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n" + body;
  raw_client first{port()};
  first.send(post);
  auto call = service_->next();
  raw_client second{port()};
  second.send(post);
  EXPECT_EQ(second.read_answer().status, 503u);
  call.reply->send(text_answer("hello"));
  EXPECT_EQ(first.read_answer().body, "hello");
  raw_client third{port()};
  third.send(post);
  service_->next().reply->send(text_answer("hello"));
  EXPECT_EQ(third.read_answer().body, "hello");
}

TEST_F(http_limits, AnswersBeyondTheMemoryAre503) {
  options_.memory_bytes_max = 100'000;
  service_->keeps = true;
  start();
  raw_client client{port()};
  for (int i = 0; i < 2; ++i) {
    client.send(any_get);
    service_->next().reply->send(text_answer(std::string(200'000, 'x')));
    EXPECT_EQ(client.read_answer().status, 503u);
    client.send(any_get);
    service_->next().reply->send(text_answer(std::string(90'000, 'x')));
    EXPECT_EQ(client.read_answer().status, 200u);
    // The server's own words have taken nothing that they could give back.
    client.send(any_get);
    service_->next().reply->send(text_answer(std::string(100'001, 'x')));
    EXPECT_EQ(client.read_answer().status, 503u);
  }
}

TEST_F(http_limits, IdleConnectionsAreClosed) {
  options_.idle_timeout = std::chrono::milliseconds{100};
  start();
  raw_client silent{port()};
  raw_client kept{port()};
  kept.send(any_get);
  kept.read_answer();
  EXPECT_TRUE(silent.is_at_end());
  EXPECT_TRUE(kept.is_at_end());
}

TEST_F(http_limits, IdleConnectionsHoldLittleMemory) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  constexpr std::size_t wanted = 2'000;
  auto clients = std::min<std::size_t>(wanted, (files.rlim_cur - 100) / 2);
  start();
  auto before = resident_bytes();
  std::vector<std::unique_ptr<raw_client>> all;
  for (std::size_t i = 0; i < clients; ++i) {
    all.push_back(std::make_unique<raw_client>(port()));
    all.back()->send(any_get);
    all.back()->read_answer();
  }
  auto each = (resident_bytes() - before) / clients;
  std::cout << clients << " idle connections: " << each << " bytes each\n";
  EXPECT_LT(each, 15'000u);
  EXPECT_EQ(server_->count().connections, clients);
}

TEST_F(http_limits, AStartSaysWhatToChange) {
  auto start_code = [](const web_server_options& options) {
    auto made = web_server::start(options, std::make_shared<scripted_service>());
    return made ? errc::unknown : code_of(made.error());
  };
  start();
  web_server_options options;
  options.port = port();
  EXPECT_EQ(start_code(options), errc::unavailable);
  options = {};
  options.host = "nowhere";
  EXPECT_EQ(start_code(options), errc::invalid_argument);
  options = {};
  options.cert_file = "/nowhere.pem";
  EXPECT_EQ(start_code(options), errc::invalid_argument);
  options.key_file = "/nowhere.key";
  EXPECT_EQ(start_code(options), errc::not_authenticated);
}

}  // namespace
}  // namespace tandem::test
