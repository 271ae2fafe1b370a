#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace tandem {

/// A thread that does what it is given, in turn: what takes too long for an event loop. Whoever
/// gives it work bounds how much.
class work_thread {
 public:
  work_thread();
  ~work_thread() { stop(); }
  work_thread(const work_thread&) = delete;
  work_thread& operator=(const work_thread&) = delete;

  /// Nothing after stop().
  void post(std::function<void()> work);
  /// Finishes what it is at, drops the rest. Not from its own thread.
  void stop();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tandem
