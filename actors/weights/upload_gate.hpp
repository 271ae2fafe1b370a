#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "actors/weights/rate_limit.hpp"

namespace tandem {

/// One upload limit for all connections: each asks for one slice at a time and gets it in its turn.
/// Callable from any thread.
class upload_gate {
 public:
  static constexpr std::size_t slice_bytes = 64 * 1024;

  upload_gate(boost::asio::io_context& io, std::uint64_t bytes_per_s);

  [[nodiscard]] bool is_limited() const { return limit_.is_limited(); }
  /// Calls `go` at once or later, on any thread of the context.
  void ask(std::size_t bytes, std::function<void()> go);
  /// Drops all that wait.
  void clear();

 private:
  struct waiting {
    std::size_t bytes;
    std::function<void()> go;
  };
  void wait();
  void let_pass();

  std::mutex mutex_;
  rate_limit limit_;
  std::deque<waiting> queue_;
  boost::asio::steady_timer timer_;
};

}  // namespace tandem
