#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "actors/engine/backend.hpp"
#include "actors/engine/managed/server_process.hpp"

namespace tandem {

/// Waits until a server that was replaced by one with other weights answers, or has ended. Callable
/// from any thread; the report comes once, from whichever thread brings the news, and may come
/// while locks of the link are held: it must only post.
class load_watch {
 public:
  using report = std::function<void(weight_outcome)>;

  /// Where the health is read when it has changed.
  void set_health_source(std::function<backend_status()> source);
  /// The wait's number. What an earlier one waits for is over.
  [[nodiscard]] std::uint64_t begin(report done);
  /// Starts of the process up to this one were of the old server.
  void replaced_after(std::uint64_t starts, const server_process_state& now);
  void on_process(const server_process_state& now);
  void on_health();
  void give_up(std::uint64_t number, errc code, const std::string& why);

 private:
  enum class stage {
    idle,
    /// The old one is being stopped.
    stopping,
    /// The new one runs; what is known of the health may be the old one's.
    started,
    loading,
  };

  void look(const server_process_state& now, std::unique_lock<std::mutex>& lock);
  void end(std::unique_lock<std::mutex>& lock, weight_outcome outcome);

  std::mutex mutex_;
  stage stage_ = stage::idle;
  std::uint64_t number_ = 0;
  std::uint64_t old_starts_ = UINT64_MAX;
  report done_;
  std::function<backend_status()> source_;
};

}  // namespace tandem
