#include "actors/weights/upload_gate.hpp"

#include <vector>

namespace tandem {
namespace {

/// Of time; what timers are late by is made up for.
constexpr std::uint64_t upload_bursts_per_s = 50;

}  // namespace

upload_gate::upload_gate(boost::asio::io_context& io, std::uint64_t bytes_per_s)
    : limit_{bytes_per_s, bytes_per_s / upload_bursts_per_s}, timer_{io} {}

void upload_gate::ask(std::size_t bytes, std::function<void()> go) {
  {
    std::lock_guard lock{mutex_};
    if (!queue_.empty() || !limit_.take(bytes, std::chrono::steady_clock::now())) {
      queue_.push_back({bytes, std::move(go)});
      if (queue_.size() == 1) wait();
      return;
    }
  }
  go();
}

void upload_gate::clear() {
  std::deque<waiting> dropped;
  std::lock_guard lock{mutex_};
  dropped.swap(queue_);
}

void upload_gate::wait() {
  timer_.expires_at(limit_.ready_at());
  timer_.async_wait([this](boost::system::error_code failure) {
    if (!failure) let_pass();
  });
}

void upload_gate::let_pass() {
  std::vector<std::function<void()>> passing;
  {
    std::lock_guard lock{mutex_};
    auto now = std::chrono::steady_clock::now();
    while (!queue_.empty() && limit_.take(queue_.front().bytes, now)) {
      passing.push_back(std::move(queue_.front().go));
      queue_.pop_front();
    }
    if (!queue_.empty()) wait();
  }
  for (auto& go : passing) go();
}

}  // namespace tandem
