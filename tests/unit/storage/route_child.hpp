#pragma once

#include <cstdint>
#include <filesystem>

namespace tandem::storage {

/// In a process of its own that dies without closing: opens the store and writes `batches`, number
/// n with decision n, rewarded, and statistics that have counted n rewards. `hold_unsynced`: what
/// was not synced is lost, as in a power cut. Whether all were written. (A child that was forked
/// alone would lack RocksDB's threads.)
[[nodiscard]] bool write_and_die(const std::filesystem::path& folder, std::uint64_t batches,
                                 bool hold_unsynced);

[[nodiscard]] bool is_route_child(int argc, char** argv);
int run_route_child(char** argv);

}  // namespace tandem::storage
