#pragma once

#include <filesystem>
#include <string>

#include <caf/error.hpp>
#include <caf/expected.hpp>

namespace tandem::storage {

/// Damaged folders that are kept beside the good one.
inline constexpr std::size_t damaged_folders_max = 3;

/// Makes `folder` (mode 0700) and those above it. `corrupted` when something else has its name;
/// `storage_failed`.
[[nodiscard]] caf::error make_route_folder(const std::filesystem::path& folder);

/// Whether RocksDB would take what is left of a database for an empty folder, and clear it.
[[nodiscard]] bool has_lost_its_manifest(const std::filesystem::path& folder);

/// Renames `folder` to `<folder>.damaged-<n>`, n one above the highest there is, and removes the
/// lowest ones beyond damaged_folders_max. Returns the new path. `storage_failed`.
[[nodiscard]] caf::expected<std::filesystem::path> move_folder_aside(
    const std::filesystem::path& folder);

}  // namespace tandem::storage
