#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

#include <curl/curl.h>

#include "actors/http/curl_exchange.hpp"
#include "actors/http/http_loop.hpp"

namespace tandem {

/// Which sockets epoll watches, and for what. curl wants a kept connection watched at each request
/// and not between them; its registration stays, which saves two system calls a request. Only for
/// sockets made here: of others nobody would say when they are closed.
class socket_table {
 public:
  explicit socket_table(int epoll) : epoll_{epoll} {}

  /// `curl_what`: CURL_POLL_*.
  void want(curl_socket_t socket, int curl_what);
  /// An event came that nobody wanted any more; true: it was unwanted and is now silent.
  [[nodiscard]] bool silence(curl_socket_t socket);
  void opened(curl_socket_t socket) { at(socket).made_here = true; }
  void closed(curl_socket_t socket) { at(socket) = {}; }

 private:
  struct entry {
    std::uint32_t watched = 0;
    bool wanted = false;
    bool made_here = false;
  };
  entry& at(curl_socket_t socket);

  int epoll_;
  std::vector<entry> entries_;
};

/// The loop's inside; runs on its thread but for submit().
class http_core {
 public:
  using clock = curl_exchange::clock;

  struct start_command {
    std::uint64_t id;
    std::shared_ptr<const http_endpoint> endpoint;
    std::string body;
    std::shared_ptr<http_handler> handler;
    std::vector<std::string> headers;
  };
  struct cancel_command {
    std::uint64_t id;
  };
  struct timer_command {
    clock::time_point at;
    std::function<void()> function;
  };
  using command = std::variant<start_command, cancel_command, timer_command>;

  explicit http_core(const http_loop_options& options);
  http_core(const http_core&) = delete;
  http_core& operator=(const http_core&) = delete;
  ~http_core();

  /// From any thread.
  void submit(command next);
  void stop();
  [[nodiscard]] std::uint64_t next_id() { return next_id_.fetch_add(1) + 1; }
  [[nodiscard]] std::size_t running() const { return running_count_.load(); }
  [[nodiscard]] bool in_loop() const { return thread_.load() == std::this_thread::get_id(); }

  void run();

 private:
  void wake();
  /// False: the loop has been stopped.
  [[nodiscard]] bool take_commands();
  void begin(start_command next);
  void cancel(std::uint64_t id);
  void wait_for_events();
  void run_timers();
  void reap();
  void sweep();
  void end_all();
  [[nodiscard]] std::unique_ptr<curl_exchange> take_handle(const http_endpoint* endpoint);
  /// Out of curl and of the table; the connection is closed unless its response is whole.
  [[nodiscard]] std::unique_ptr<curl_exchange> detach(std::uint64_t id);
  void keep(std::unique_ptr<curl_exchange> done);

  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*);
  static int on_timer(CURLM*, long timeout_ms, void* self);
  static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* address);
  static int close_socket(void* self, curl_socket_t socket);

  http_loop_options options_;
  int epoll_;
  int event_;
  CURLM* multi_;
  socket_table sockets_;
  curl_exchange::loop_clock time_;
  /// When curl wants to be called.
  clock::time_point curl_at_ = clock::time_point::max();
  std::unordered_map<std::uint64_t, std::unique_ptr<curl_exchange>> exchanges_;
  std::vector<std::unique_ptr<curl_exchange>> idle_;
  std::multimap<clock::time_point, std::function<void()>> timers_;
  std::vector<command> taken_;

  std::atomic<std::uint64_t> next_id_{0};
  std::atomic<std::size_t> running_count_{0};
  std::atomic<std::thread::id> thread_{};
  std::mutex mutex_;
  std::vector<command> commands_;
  bool awake_ = false;
  bool stopping_ = false;
};

}  // namespace tandem
