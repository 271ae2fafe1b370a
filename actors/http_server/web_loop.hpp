#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "actors/http_server/http_server.hpp"
#include "actors/http_server/request_parser.hpp"
#include "actors/http_server/web_exchange.hpp"

namespace tandem {

class web_connection;

/// What all threads of a server share.
struct web_shared {
  web_server_options options;
  head_limits limits;
  std::shared_ptr<http_service> service;
  std::shared_ptr<web_memory> memory;
  std::atomic<bool> is_draining{false};

  std::atomic<std::uint64_t> connections{0};
  /// Those among them that are only told that there is no place for them.
  std::atomic<std::uint64_t> turned_away{0};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> malformed{0};
  std::atomic<std::uint64_t> left{0};
  std::atomic<std::uint64_t> bytes_in{0};
  std::atomic<std::uint64_t> bytes_out{0};

  web_shared(const web_server_options& chosen, std::shared_ptr<http_service> answers);
};

/// One thread with its connections, which never leave it. All but `link` and the counts is used by
/// that thread alone, and is there once for all its connections, so that an idle one holds nothing.
class web_loop {
 public:
  using connections = std::list<std::shared_ptr<web_connection>>;
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr std::size_t scratch_bytes = 64 * 1024;

  explicit web_loop(web_shared& shared);
  ~web_loop();
  web_loop(const web_loop&) = delete;
  web_loop& operator=(const web_loop&) = delete;

  /// Returns after `io.stop()`.
  void run();
  /// Looks at deadlines from now on, as long as there are connections.
  void watch();
  /// False: none is idle.
  bool close_longest_idle();
  void close_idle();

  [[nodiscard]] std::unique_ptr<request_parser> borrow_parser();
  void give_back(std::unique_ptr<request_parser> parser);
  /// An empty text with memory, for an answer. Give it back.
  [[nodiscard]] std::string borrow_text();
  void give_back(std::string text);
  /// For the header of that name.
  [[nodiscard]] std::string_view date();

  web_shared& shared;
  boost::asio::io_context io{1};
  std::shared_ptr<web_link> link;
  /// Between requests, the longest idle first.
  connections idle;
  connections busy;
  /// Of both, and of sockets on their way here; read by the thread that accepts.
  std::atomic<std::size_t> count{0};
  std::atomic<std::size_t> idle_count{0};
  /// How many of them that thread has asked to be closed.
  std::atomic<std::size_t> closings{0};
  std::vector<char> scratch;

 private:
  void look();

  boost::asio::steady_timer timer_{io};
  bool is_watching_ = false;
  std::chrono::milliseconds period_;
  std::vector<std::unique_ptr<request_parser>> parsers_;
  std::string text_;
  std::string date_;
  std::time_t date_second_ = 0;
};

}  // namespace tandem
