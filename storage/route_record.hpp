#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::storage {

/// How a record lies in the database: format version u16, CRC-32C u32 of (key, version, content),
/// then the content, all big-endian. The key is under the checksum so that a record is only good
/// where it belongs. This frame never changes, so that any version tells damage from a record that
/// a later version wrote.
inline constexpr std::uint16_t route_record_version = 1;

[[nodiscard]] std::string seal_record(std::string_view key, std::string_view content,
                                      std::uint16_t version = route_record_version);

struct opened_record {
  enum class kind : std::uint8_t { good, damaged, later };
  kind is = kind::damaged;
  std::uint16_t version = 0;
  /// Within the value; empty unless it is good.
  std::string_view content;
};
[[nodiscard]] opened_record open_record(std::string_view key, std::string_view value);

}  // namespace tandem::storage
