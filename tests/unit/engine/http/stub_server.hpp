#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "actors/engine/engine_config.hpp"
#include "tests/unit/http/scripted_server.hpp"

namespace tandem::testing {

/// An OpenAI-compatible server in a few lines: pages for GET, a function for chat.
class stub_server {
 public:
  using chat = std::function<void(scripted_connection&, const std::string& request)>;

  explicit stub_server(chat answer)
      : answer_{std::move(answer)}, server_{[this](scripted_connection& connection) {
          serve(connection);
        }} {}

  void set_page(const std::string& path, std::string body, int status = 200) {
    std::lock_guard lock{mutex_};
    pages_[path] = {status, std::move(body)};
  }
  void remove_page(const std::string& path) {
    std::lock_guard lock{mutex_};
    pages_.erase(path);
  }
  [[nodiscard]] std::vector<std::string> asked() {
    std::lock_guard lock{mutex_};
    return asked_;
  }
  [[nodiscard]] std::string url() const { return server_.url(); }

 private:
  void serve(scripted_connection& connection) {
    for (;;) {
      auto request = connection.read_request();
      if (request.empty()) return;
      if (request.starts_with("POST")) {
        answer_(connection, request);
        continue;
      }
      auto path = request.substr(4, request.find(' ', 4) - 4);
      std::pair<int, std::string> page{404, R"({"detail":"Not Found"})"};
      {
        std::lock_guard lock{mutex_};
        asked_.push_back(path);
        if (auto found = pages_.find(path); found != pages_.end()) page = found->second;
      }
      if (!connection.answer(page.second, "application/json", page.first)) return;
    }
  }

  chat answer_;
  std::mutex mutex_;
  std::map<std::string, std::pair<int, std::string>> pages_;
  std::vector<std::string> asked_;
  /// Last: its threads use the others.
  scripted_server server_;
};

inline std::string chunked(std::string_view bytes) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + std::string{bytes} + "\r\n";
}

inline const std::string stream_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

inline std::string delta_event(std::string_view text) {
  return "data: {\"choices\":[{\"index\":0,\"finish_reason\":null,\"delta\":{\"content\":\"" +
         std::string{text} + "\"}}]}\n\n";
}
inline const std::string stop_event =
    "data: {\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"delta\":{}}]}\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n";
inline const std::string done_event = "data: [DONE]\n\n";

inline engine_config engine_at(std::string url) {
  engine_config config;
  config.name = "far";
  config.kind = "http";
  config.model = "m";
  config.http.url = std::move(url);
  config.http.health_interval = std::chrono::milliseconds{50};
  return config;
}

}  // namespace tandem::testing
