#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/error.hpp>
#include <caf/expected.hpp>

namespace tandem::storage {

/// One named record; nothing: it is removed. Names at most 1 KiB, records at most 4 MiB.
struct weight_change {
  std::string name;
  std::optional<std::string> bytes;
};

/// What a node keeps about weight versions, wanted ones and updates: few, small named records in a
/// database of their own. What write() was answered for survives a power cut. One process at a
/// time; any thread.
class weight_store {
 public:
  /// Makes the folder (mode 0700). `locked`; `corrupted` and how to mend it; `storage_failed`.
  [[nodiscard]] static caf::expected<std::shared_ptr<weight_store>> open(
      const std::filesystem::path& folder);
  ~weight_store();

  /// All of them, by name.
  [[nodiscard]] caf::expected<std::map<std::string, std::string>> load() const;
  /// Whole or not at all; synced.
  [[nodiscard]] caf::error write(const std::vector<weight_change>& changes);

 private:
  struct state;
  explicit weight_store(std::unique_ptr<state> parts);
  std::unique_ptr<state> state_;
};

}  // namespace tandem::storage
