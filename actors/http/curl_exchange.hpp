#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <curl/curl.h>

#include "actors/http/http_types.hpp"

namespace tandem {

/// One exchange on one of libcurl's easy handles. Reused: setting up a handle costs more than a
/// short request on it. Used on the loop's thread only.
class curl_exchange {
 public:
  using clock = std::chrono::steady_clock;

  /// The loop's time, and when it looks for exchanges that have timed out.
  struct loop_clock {
    clock::time_point now;
    clock::time_point sweep_at = clock::time_point::max();
  };

  /// Gets and gives back sockets; see socket_table.
  struct socket_hooks {
    curl_opensocket_callback open;
    curl_closesocket_callback close;
    void* context;
  };

  explicit curl_exchange(const socket_hooks& hooks);
  curl_exchange(const curl_exchange&) = delete;
  curl_exchange& operator=(const curl_exchange&) = delete;
  ~curl_exchange();

  /// Makes it ready to be added to a multi handle. `time` outlives it. `headers`: beside the
  /// endpoint's, of this exchange alone.
  void prepare(std::uint64_t id, std::shared_ptr<const http_endpoint> endpoint, std::string body,
               std::shared_ptr<http_handler> handler, loop_clock* time,
               const std::vector<std::string>& headers = {});
  /// Whether it may be sent once more although curl has given up: libcurl 7.88 counts requests on
  /// connections that turned out to be closed over a handle's whole life, and fails the sixth
  /// ("Connection died, tried 5 times before giving up"). True once, and only when no byte came.
  [[nodiscard]] bool begin_again();
  /// Reports the end that curl has seen, or another.
  void end(CURLcode code);
  void end(http_failure failure, std::string text);

  /// When a timeout of ours ends it; max(): never.
  [[nodiscard]] clock::time_point deadline() const;
  /// Which one, at a time after deadline().
  void end_timed_out();

  [[nodiscard]] CURL* easy() const { return easy_; }
  [[nodiscard]] std::uint64_t id() const { return id_; }
  /// The endpoint that the handle is set up for.
  [[nodiscard]] const http_endpoint* endpoint() const { return endpoint_.get(); }

 private:
  void set_up(const http_endpoint& endpoint);
  void set_own_headers(const std::vector<std::string>& headers);
  [[nodiscard]] bool read_header(std::string_view line);
  [[nodiscard]] bool finish_head();
  [[nodiscard]] bool read_body(std::string_view bytes);
  [[nodiscard]] bool count(std::size_t bytes);
  [[nodiscard]] http_outcome outcome_of(CURLcode code) const;
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);

  CURL* easy_;
  curl_slist* headers_ = nullptr;
  /// Those of the endpoint and of one exchange; null: it has none of its own.
  curl_slist* own_headers_ = nullptr;
  CURLU* url_ = nullptr;
  std::uint64_t id_ = 0;
  std::shared_ptr<const http_endpoint> endpoint_;
  std::shared_ptr<http_handler> handler_;
  loop_clock* time_ = nullptr;
  clock::time_point began_;
  clock::time_point progressed_;
  std::string body_;
  std::string content_type_;
  std::string retry_after_;
  std::string location_;
  std::uint64_t bytes_ = 0;
  std::uint64_t header_bytes_ = 0;
  int status_ = 0;
  bool head_done_ = false;
  bool has_progressed_ = false;
  bool begun_again_ = false;
  /// Why a callback told curl to stop.
  http_failure failure_ = http_failure::none;
  std::string failure_text_;
  char error_[CURL_ERROR_SIZE] = {};
};

}  // namespace tandem
