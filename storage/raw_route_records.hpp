#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace tandem::storage {

/// For tests: goes through a closed route store's records of all families, key by key, and writes
/// back each value that `change` has changed. Returns how many it has; -1 when the database cannot
/// be opened.
[[nodiscard]] int change_raw_route_records(
    const std::filesystem::path& folder,
    const std::function<void(const std::string& key, std::string& value)>& change);

}  // namespace tandem::storage
