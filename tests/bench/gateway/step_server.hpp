#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tandem::bench {

/// An engine in this process whose streams go on only as far as they are allowed to: whoever holds
/// a piece back until the next one comes waits in vain. Anything but a streamed chat is a 404.
class step_server {
 public:
  step_server();
  ~step_server();
  step_server(const step_server&) = delete;
  step_server& operator=(const step_server&) = delete;

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  /// The next stream has so many pieces, of so many bytes each; none of them is allowed yet.
  void begin(int pieces, std::size_t piece_bytes);
  /// So many pieces of the stream may go out.
  void allow(int pieces);
  /// Streams whose client left before their end.
  [[nodiscard]] int left() const { return left_; }

 private:
  void accept_all();
  void serve(int fd);
  [[nodiscard]] bool answer(int fd, const std::string& head);
  [[nodiscard]] bool stream(int fd);

  int listener_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  int pieces_ = 0;
  std::size_t piece_bytes_ = 1;
  int allowed_ = 0;
  bool stopping_ = false;
  std::atomic<int> left_{0};
  std::vector<int> open_;
  std::vector<std::thread> serving_;
  std::thread accepting_;
};

}  // namespace tandem::bench
