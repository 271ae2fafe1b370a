#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/engine/backend.hpp"
#include "actors/engine/http/http_server.hpp"
#include "actors/http/http_loop.hpp"

namespace tandem {

/// What a backend and its exchanges share: the sink, which closes with the backend, and who is
/// under way. Exchanges own it, so it outlives the backend; it does not keep the loop alive.
class http_link {
 public:
  http_link(http_server server, const std::shared_ptr<http_loop>& loop, backend_sink sink)
      : server_{std::move(server)}, loop_{loop}, sink_{std::move(sink)} {}

  [[nodiscard]] const http_server& server() const { return server_; }
  /// Null while the loop is being destroyed.
  [[nodiscard]] std::shared_ptr<http_loop> loop() const { return loop_.lock(); }

  // On the loop's thread.
  void text(std::uint64_t id, std::string text) {
    std::lock_guard lock{gate_};
    if (open_ && sink_.on_text) sink_.on_text(id, std::move(text));
  }
  void done(std::uint64_t id, generation result) {
    {
      std::lock_guard lock{mutex_};
      calls_.erase(id);
    }
    std::lock_guard lock{gate_};
    if (open_ && sink_.on_done) sink_.on_done(id, std::move(result));
  }
  void status_changed() {
    std::lock_guard lock{gate_};
    if (open_ && sink_.on_status) sink_.on_status();
  }

  /// No call of the sink begins after this, and none is running but on this very thread. Ends what
  /// is under way.
  void close(http_loop& loop) {
    if (loop.in_loop()) {
      // Destroyed by a call of the sink, which holds the gate.
      open_ = false;
    } else {
      std::lock_guard lock{gate_};
      open_ = false;
    }
    std::lock_guard lock{mutex_};
    for (auto& [id, call] : calls_) {
      call.cancelled = true;
      loop.cancel(call.exchange);
    }
  }

  /// Sends a request and remembers it as `id`'s; called on any thread.
  void start(http_loop& loop, std::uint64_t id, std::shared_ptr<const http_endpoint> endpoint,
             std::string body, std::shared_ptr<http_handler> handler,
             std::vector<std::string> headers = {}) {
    // Its end waits for the lock.
    std::lock_guard lock{mutex_};
    auto& call = calls_[id];
    call = {0, false, headers};
    call.exchange =
        loop.start(std::move(endpoint), std::move(body), std::move(handler), std::move(headers));
  }
  /// The same for a request whose first exchange is ending; false: it has been cancelled meanwhile.
  [[nodiscard]] bool start_again(http_loop& loop, std::uint64_t id, std::string body,
                                 std::shared_ptr<http_handler> handler) {
    std::lock_guard lock{mutex_};
    auto found = calls_.find(id);
    if (found == calls_.end() || found->second.cancelled) return false;
    found->second.exchange =
        loop.start(server_.chat(), std::move(body), std::move(handler), found->second.headers);
    return true;
  }
  void cancel(http_loop& loop, std::uint64_t id) {
    std::lock_guard lock{mutex_};
    auto found = calls_.find(id);
    if (found == calls_.end()) return;
    found->second.cancelled = true;
    loop.cancel(found->second.exchange);
  }

  [[nodiscard]] backend_status status() const {
    std::lock_guard lock{mutex_};
    return status_;
  }
  void set_status(backend_status next) {
    std::lock_guard lock{mutex_};
    status_ = std::move(next);
  }

 private:
  struct call {
    std::uint64_t exchange = 0;
    bool cancelled = false;
    std::vector<std::string> headers;
  };

  const http_server server_;
  const std::weak_ptr<http_loop> loop_;
  std::mutex gate_;
  bool open_ = true;
  backend_sink sink_;

  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, call> calls_;
  backend_status status_;
};

}  // namespace tandem
