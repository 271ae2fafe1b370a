#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/trace/tracer.hpp"

namespace tandem {

/// The queue, and the one export that is under way. Its functions are called on any thread; sending
/// is done on the loop's.
class tracer::exporter : public std::enable_shared_from_this<tracer::exporter> {
 public:
  exporter(const trace_config& config, trace_identity who, const std::shared_ptr<http_loop>& loop,
           const options& how);

  void push(span done);
  [[nodiscard]] counts count() const;
  bool flush(std::chrono::milliseconds patience);
  /// Nothing is sent any more.
  void close();

 private:
  class handler;

  void look_later(std::chrono::milliseconds pause);
  /// On the loop: sends a batch unless one is under way.
  void send();
  void post();
  void on_end(const http_outcome& outcome);

  const std::shared_ptr<const http_endpoint> endpoint_;
  const trace_identity who_;
  const std::weak_ptr<http_loop> loop_;
  const options how_;
  const std::size_t queue_max_;
  const std::size_t batch_max_;
  const std::chrono::milliseconds interval_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<span> queue_;
  counts counts_;
  /// The export under way; empty: there is none.
  std::string body_;
  std::size_t batch_ = 0;
  std::uint32_t tries_ = 0;
  bool look_due_ = false;
  bool hurry_ = false;
  bool closed_ = false;
};

}  // namespace tandem
