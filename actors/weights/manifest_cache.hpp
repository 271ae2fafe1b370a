#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "actors/weights/version_store.hpp"

namespace tandem {

/// Manifests that are asked for again and again, read and decoded once; the few that were used
/// last. Callable from any thread.
class manifest_cache {
 public:
  struct entry {
    weight_hash hash;
    std::string bytes;
    weight_manifest manifest;
  };

  explicit manifest_cache(std::shared_ptr<version_store> store) : store_{std::move(store)} {}

  /// Null: the store has none.
  [[nodiscard]] std::shared_ptr<const entry> get(const weight_hash& hash);

 private:
  std::shared_ptr<version_store> store_;
  std::mutex mutex_;
  std::list<std::shared_ptr<const entry>> entries_;
};

}  // namespace tandem
