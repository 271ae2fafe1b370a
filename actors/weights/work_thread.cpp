#include "actors/weights/work_thread.hpp"

#include <utility>

namespace tandem {

work_thread::work_thread() : thread_{[this] { run(); }} {}

void work_thread::post(std::function<void()> work) {
  std::lock_guard lock{mutex_};
  if (stopping_) return;
  queue_.push_back(std::move(work));
  changed_.notify_one();
}

void work_thread::stop() {
  // What is dropped may hold the last reference to its giver: not under the lock.
  std::deque<std::function<void()>> dropped;
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
    dropped.swap(queue_);
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void work_thread::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    auto work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

}  // namespace tandem
