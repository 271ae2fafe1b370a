#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "actors/http/http_loop.hpp"

namespace tandem::testing {

struct recorded_exchange {
  http_outcome outcome;
  http_head head;
  std::string content_type;
  std::string retry_after;
  std::string body;
};

/// Keeps all that it is told; its future is ready at the end.
class recording_handler : public http_handler {
 public:
  void on_head(const http_head& head) override {
    got_.head = {.status = head.status};
    got_.content_type = head.content_type;
    got_.retry_after = head.retry_after;
  }
  http_next on_body(std::string_view bytes) override {
    got_.body += bytes;
    if (!begun_) began_.set_value();
    begun_ = true;
    return next;
  }
  void on_end(http_outcome outcome) override {
    got_.outcome = std::move(outcome);
    // A second call throws.
    done_.set_value(std::move(got_));
  }

  std::future<recorded_exchange> done() { return done_.get_future(); }
  std::future<void> began() { return began_.get_future(); }

  http_next next = http_next::progressed;

 private:
  recorded_exchange got_;
  bool begun_ = false;
  std::promise<void> began_;
  std::promise<recorded_exchange> done_;
};

inline std::shared_ptr<http_endpoint> endpoint_of(std::string url, std::string method = "POST") {
  auto out = std::make_shared<http_endpoint>();
  out->url = std::move(url);
  out->method = std::move(method);
  return out;
}

inline recorded_exchange ask(http_loop& loop, std::shared_ptr<const http_endpoint> endpoint,
                             std::string body = "") {
  auto handler = std::make_shared<recording_handler>();
  auto done = handler->done();
  loop.start(std::move(endpoint), std::move(body), handler);
  return done.get();
}

}  // namespace tandem::testing
