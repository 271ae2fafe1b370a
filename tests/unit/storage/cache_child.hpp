#pragma once

#include <cstdint>
#include <filesystem>

namespace tandem::storage {

/// In a process of its own that dies without closing: opens a cache store, puts `items` of 512
/// bytes in the tier `small`, tidied after each 500, and saves a purge rule and a hot key first.
/// `hold_unsynced`: what was not synced is lost, as in a power cut. Whether all went well.
[[nodiscard]] bool cache_and_die(const std::filesystem::path& folder, std::uint64_t items,
                                 bool hold_unsynced);

[[nodiscard]] bool is_cache_child(int argc, char** argv);
int run_cache_child(char** argv);

}  // namespace tandem::storage
