#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <caf/expected.hpp>

#include "actors/replication/replicas.hpp"
#include "config/node_config.hpp"
#include "storage/journal.hpp"

namespace tandem {

class etcd_client;
class etcd_lease;
class http_loop;

/// What a node whose journal has copies shares: etcd, the node's lease there, and its own journal's
/// record. Any thread.
class node_replication {
 public:
  /// Waits until the lease is held; `unavailable` says what to look at.
  [[nodiscard]] static caf::expected<std::shared_ptr<node_replication>> open(
      const node_config& config, std::uint64_t incarnation, const std::shared_ptr<http_loop>& loop);
  ~node_replication();

  /// The journal of the data folder, once the record says that this node is its primary. When
  /// others went on with it, what lies there becomes a copy of theirs, and a new journal is made.
  [[nodiscard]] caf::expected<std::shared_ptr<storage::journal>> open_home(
      const storage::journal_options& options);
  /// Precondition: open_home() has succeeded.
  [[nodiscard]] const led_journal& home() const { return home_; }

  /// Where copies of other nodes' journals lie.
  [[nodiscard]] std::filesystem::path copies_folder() const;
  [[nodiscard]] std::shared_ptr<journal_register> open_register(
      journal_id journal, const journal_copy& copy, std::uint64_t known_epoch = 0) const;
  /// 0: none is held now.
  [[nodiscard]] std::int64_t lease() const;
  /// After the journals were closed: others need not wait for the lease's end.
  void release();

 private:
  node_replication(const node_config& config, std::uint64_t incarnation);

  const node_config config_;
  const std::uint64_t incarnation_;
  const std::string address_;
  std::shared_ptr<etcd_client> etcd_;
  std::unique_ptr<etcd_lease> lease_;
  led_journal home_;
};

}  // namespace tandem
