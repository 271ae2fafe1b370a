#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tandem::test {

struct web_request {
  std::string method = "GET";
  /// With its query.
  std::string path;
  std::string body;
  /// `Name: value`
  std::vector<std::string> headers;
};

struct web_answer {
  /// 0: none came; `error` says why.
  long status = 0;
  /// By names in small letters.
  std::map<std::string, std::string> headers;
  std::string body;
  /// Of the transfer: empty when the answer is whole.
  std::string error;
};

/// Asks one HTTP server, each request on a connection of its own. Waits 60 seconds at most.
class web_client {
 public:
  /// `base`: `http://127.0.0.1:8420`; `ca`: whose certificates are trusted; `key`: sent with every
  /// request, empty: none.
  explicit web_client(std::string base, std::string key = {}, std::filesystem::path ca = {})
      : base_{std::move(base)}, key_{std::move(key)}, ca_{std::move(ca)} {}

  [[nodiscard]] web_answer send(const web_request& request) const;
  [[nodiscard]] web_answer get(std::string path, std::vector<std::string> headers = {}) const;
  [[nodiscard]] web_answer post(std::string path, std::string body = "{}",
                                std::vector<std::string> headers = {}) const;

  [[nodiscard]] const std::string& base() const { return base_; }
  [[nodiscard]] web_client with_key(std::string key) const { return web_client{base_, key, ca_}; }

 private:
  friend class web_stream;
  std::string base_, key_;
  std::filesystem::path ca_;
};

/// An answer that is read while it comes, in a thread of its own.
class web_stream {
 public:
  web_stream(const web_client& client, web_request request);
  /// Leaves.
  ~web_stream();
  web_stream(const web_stream&) = delete;
  web_stream& operator=(const web_stream&) = delete;

  /// Whether `text` comes within `limit`.
  [[nodiscard]] bool wait_text(std::string_view text,
                               std::chrono::milliseconds limit = std::chrono::seconds{30});
  [[nodiscard]] std::string text() const;
  /// Closes the connection; returns when it is closed.
  void leave();
  /// The whole answer, once it has ended.
  [[nodiscard]] web_answer wait_end();

 private:
  static std::size_t take(char* bytes, std::size_t one, std::size_t count, void* stream);
  static int watch(void* stream, long long, long long, long long, long long);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  bool leaves_ = false;
  bool has_ended_ = false;
  web_answer answer_;
  std::thread reader_;
};

}  // namespace tandem::test
