#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace tandem::storage {

/// CRC-32C (Castagnoli), as in iSCSI and RocksDB.
[[nodiscard]] std::uint32_t crc32c_of(std::span<const std::byte> bytes);
/// The same of all parts as if they were one.
[[nodiscard]] std::uint32_t crc32c_of(std::initializer_list<std::span<const std::byte>> parts);

}  // namespace tandem::storage
