#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tandem::storage {

/// CRC-32C (Castagnoli), as in iSCSI and RocksDB.
[[nodiscard]] std::uint32_t crc32c_of(std::span<const std::byte> bytes);

}  // namespace tandem::storage
