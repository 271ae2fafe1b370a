#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "actors/http_server/http_server.hpp"

namespace tandem::test {

/// Answers what a test says, by default the method, path, query and body of the request.
class scripted_service : public http_service {
 public:
  struct call {
    http_request request;
    std::shared_ptr<http_reply> reply;
  };

  std::optional<http_response> look_at_head(const http_request& head) override;
  void on_request(http_request request, std::shared_ptr<http_reply> reply) override;
  http_response refuse(unsigned status, std::string_view why) override;

  /// Before the server starts: they are called on its threads.
  std::function<std::optional<http_response>(const http_request&)> at_head;
  std::function<void(http_request, std::shared_ptr<http_reply>)> at_request;
  /// Keep requests for `next` instead of answering them.
  bool keeps = false;

  /// The next one that is kept; waits for it.
  call next();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<call> calls_;
};

[[nodiscard]] http_response text_answer(std::string body, unsigned status = 200);

/// Becomes true on another thread.
class flag {
 public:
  void set();
  /// Waits for it; false after twenty seconds.
  [[nodiscard]] bool wait();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_set_ = false;
};

/// A server with a service, on any port.
class http_server_test : public testing::Test {
 protected:
  void start();
  /// Waits until it holds; false after twenty seconds.
  [[nodiscard]] bool wait_for(
      const std::function<bool(const web_server::counts&)>& condition) const;
  [[nodiscard]] std::uint16_t port() const { return server_->port(); }

  web_server_options options_;
  std::shared_ptr<scripted_service> service_ = std::make_shared<scripted_service>();
  std::unique_ptr<web_server> server_;
};

}  // namespace tandem::test
