#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tandem::test {

/// One span as it came, without what no test asks for.
struct collected_span {
  std::string trace, id, parent, name, node, error;
  int kind = 0;
  /// `key=value`, values as JSON has them.
  std::vector<std::string> attributes;
  std::vector<std::string> events;

  [[nodiscard]] bool has(const std::string& attribute) const;
};

/// A collector of traces (OTLP over HTTP, JSON) on 127.0.0.1, in a thread of its own; every
/// connection carries one request.
class stub_collector {
 public:
  stub_collector();
  ~stub_collector();
  stub_collector(const stub_collector&) = delete;
  stub_collector& operator=(const stub_collector&) = delete;

  /// http://127.0.0.1:PORT
  [[nodiscard]] std::string url() const;
  /// For the next requests, then 200 again; 0 closes the connection without an answer.
  void answer_with(std::vector<int> statuses);

  [[nodiscard]] std::vector<collected_span> spans();
  /// Heads of all requests, taken or refused.
  [[nodiscard]] std::vector<std::string> heads();
  /// Whether so many spans, of requests that were answered 200, came within `limit`.
  [[nodiscard]] bool wait_for_spans(std::size_t count,
                                    std::chrono::milliseconds limit = std::chrono::seconds{20});
  /// Whether one of this name came.
  [[nodiscard]] bool wait_for(const std::string& name,
                              std::chrono::milliseconds limit = std::chrono::seconds{20});

 private:
  void run();
  void serve(int connection);
  void take(const std::string& body);

  int listener_ = -1;
  int stop_ = -1;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<int> statuses_;
  std::vector<std::string> heads_;
  std::vector<collected_span> spans_;
  std::thread thread_;
};

}  // namespace tandem::test
