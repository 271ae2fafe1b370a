#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace tandem {

class etcd_client;

/// A lease that is kept alive, and granted anew after it was lost. Callable from any thread;
/// callbacks come on the HTTP loop's thread and must not block.
class etcd_lease {
 public:
  using clock = std::chrono::steady_clock;

  struct listener {
    /// It is held from now on, under this id.
    std::function<void(std::int64_t id)> granted;
    /// It is no longer certain that it is held. Once for each grant.
    std::function<void(std::int64_t id, std::string why)> lost;
  };

  /// Asks for it at once. `ttl` is rounded up to seconds, and etcd may make it longer.
  etcd_lease(std::shared_ptr<etcd_client> etcd, std::chrono::milliseconds ttl, listener tell);
  etcd_lease(const etcd_lease&) = delete;
  etcd_lease& operator=(const etcd_lease&) = delete;
  /// Soon nothing is kept alive or told any more; the lease ends after its ttl.
  ~etcd_lease();

  /// 0: none is held.
  [[nodiscard]] std::int64_t id() const;
  /// Until then etcd certainly keeps the lease: counted from when the latest answered request was
  /// sent, by this process's clock, less a twentieth for clocks that do not run alike. The clock's
  /// epoch: none is held.
  [[nodiscard]] clock::time_point held_until() const;
  [[nodiscard]] bool is_held() const { return clock::now() < held_until(); }

  /// Gives it back, so that others need not wait for its end; no other is granted after that.
  void release(std::function<void()> done);

 private:
  class keeper;
  std::shared_ptr<keeper> keeper_;
};

}  // namespace tandem
