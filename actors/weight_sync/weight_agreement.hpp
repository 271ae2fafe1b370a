#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include "actors/weight_sync/weight_book.hpp"
#include "storage/weight_store.hpp"

namespace tandem {

class etcd_client;

/// Where weight versions and rolls are agreed on: in etcd where there is one, else in this node's
/// own store. Calls wait for the answer: for an actor with a thread of its own.
class weight_agreement {
 public:
  weight_agreement() = default;
  weight_agreement(const weight_agreement&) = delete;
  weight_agreement& operator=(const weight_agreement&) = delete;
  virtual ~weight_agreement() = default;

  /// `unavailable`; `corrupted`.
  [[nodiscard]] virtual caf::expected<weight_book> read() = 0;
  /// `conflict`: it is there with other bytes, or somebody took its number; read() again.
  [[nodiscard]] virtual caf::error add(const weight_version& version) = 0;
  [[nodiscard]] virtual caf::error remove(const std::string& model, const std::string& version) = 0;
  /// Compare and swap. With `wanted`, both or neither. `conflict`: another roll is there, or
  /// another coordinator goes on with this one.
  [[nodiscard]] virtual caf::error write(const roll_record& roll, const roll_mark& replaces,
                                         const std::optional<wanted_version>& wanted) = 0;
  /// Others can go on with a roll whose coordinator is gone.
  [[nodiscard]] virtual bool is_shared() const = 0;
};

[[nodiscard]] std::unique_ptr<weight_agreement> make_local_agreement(
    std::shared_ptr<storage::weight_store> store);
/// Keys begin with `/tandem/CLUSTER/weights/`. What it has seen is kept in `store` too, for rolls
/// and wanted versions that a node must know before it reaches etcd.
[[nodiscard]] std::unique_ptr<weight_agreement> make_etcd_agreement(
    std::shared_ptr<etcd_client> etcd, const std::string& cluster,
    std::shared_ptr<storage::weight_store> store);

/// What the store says; records that cannot be read are left out and named in `remarks`.
[[nodiscard]] caf::expected<weight_book> read_facts(const storage::weight_store& store,
                                                    std::vector<std::string>& remarks);
/// Names of records: `version/MODEL/VERSION` ...
[[nodiscard]] std::string version_name(const std::string& model, const std::string& version);
[[nodiscard]] std::string wanted_name(const std::string& model);
[[nodiscard]] std::string roll_name(const std::string& model);

}  // namespace tandem
