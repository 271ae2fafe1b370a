#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <caf/expected.hpp>

#include "actors/etcd/etcd_config.hpp"
#include "actors/etcd/etcd_types.hpp"

namespace tandem {

class http_loop;
class etcd_core;

/// What a node still knows of the etcd that it used before; zeros: nothing.
struct etcd_known {
  std::uint64_t cluster_id = 0;
  std::int64_t revision = 0;
};

/// A client of etcd's HTTP gateway (3.4 and later) on the node's HTTP loop. Stays with one endpoint
/// while it answers, else goes on to the next. What may be repeated (reads, leases) is, within the
/// deadline; a put, erase or txn whose answer did not come ends as `unknown_fate`, for the caller
/// to read back. Callable from any thread; answers come on the loop's thread, once each, also when
/// client or loop end first. At most 1024 calls at once, more are `unavailable`.
class etcd_client {
 public:
  /// `invalid_argument` says which endpoint or file is wrong. The password is read here.
  [[nodiscard]] static caf::expected<std::shared_ptr<etcd_client>> open(
      const etcd_config& config, const std::shared_ptr<http_loop>& loop, etcd_known known = {});
  explicit etcd_client(std::shared_ptr<etcd_core> core) : core_{std::move(core)} {}
  etcd_client(const etcd_client&) = delete;
  etcd_client& operator=(const etcd_client&) = delete;
  ~etcd_client();

  void range(const etcd_range_query& query, etcd_callback done);
  void put(const std::string& key, const std::string& value, std::int64_t lease,
           etcd_callback done);
  void erase(const std::string& key, etcd_callback done);
  void txn(const etcd_txn& txn, etcd_callback done);
  /// etcd may make it longer (its shortest is 2 s by default); the reply says.
  void grant(std::chrono::seconds ttl, etcd_callback done);
  /// `timeout` 0: the configured one. `not_found`: the lease is gone.
  void keep_alive(std::int64_t lease, std::chrono::milliseconds timeout, etcd_callback done);
  void revoke(std::int64_t lease, etcd_callback done);
  /// Of the member that answers.
  void status(etcd_callback done);

  /// Ends `other_history`: what etcd says from now on counts. For somebody who has looked at it.
  void acknowledge();

  /// For watches.
  [[nodiscard]] const std::shared_ptr<etcd_core>& core() const { return core_; }

 private:
  std::shared_ptr<etcd_core> core_;
};

}  // namespace tandem
