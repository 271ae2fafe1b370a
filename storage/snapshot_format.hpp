#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "storage/crc32c.hpp"

// What snapshot_reader and snapshot_writer agree upon.
namespace tandem::storage::snapshot_format {

/// Kinds of entries besides the numbers of families.
inline constexpr std::uint8_t file_part = 0x40;  // key: job u64, number u32, offset u64
inline constexpr std::uint8_t end = 0x41;        // value: entries before it u64, their checksum u32

inline constexpr std::size_t head_bytes = 1 + 4 + 4;
inline constexpr std::size_t part_key_bytes = 8 + 4 + 8;
inline constexpr std::size_t end_value_bytes = 8 + 4;
inline constexpr std::size_t part_bytes = std::size_t{256} << 10;
inline constexpr std::size_t key_bytes_max = 8192;
/// What one entry may carry beyond record_bytes_max.
inline constexpr std::size_t value_slack_bytes = 64;

/// The checksum of a stream that ends with `entry`.
[[nodiscard]] inline std::uint32_t extend(std::uint32_t sum, std::string_view entry) {
  return std::rotl(sum, 1) ^ crc32c_of(std::as_bytes(std::span(entry)));
}

}  // namespace tandem::storage::snapshot_format
