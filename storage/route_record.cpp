#include "storage/route_record.hpp"

#include <span>

#include "storage/crc32c.hpp"
#include "storage/keys.hpp"

namespace tandem::storage {

namespace {

constexpr std::size_t version_bytes = 2;
constexpr std::size_t frame_bytes = version_bytes + sizeof(std::uint32_t);

std::uint32_t checksum_of(std::string_view key, std::string_view version,
                          std::string_view content) {
  return crc32c_of({std::as_bytes(std::span(key)), std::as_bytes(std::span(version)),
                    std::as_bytes(std::span(content))});
}

}  // namespace

std::string seal_record(std::string_view key, std::string_view content, std::uint16_t version) {
  std::string value;
  value.reserve(frame_bytes + content.size());
  value.push_back(static_cast<char>(version >> 8));
  value.push_back(static_cast<char>(version & 0xFF));
  keys::append_u32(value, checksum_of(key, value, content));
  return value.append(content);
}

opened_record open_record(std::string_view key, std::string_view value) {
  if (value.size() < frame_bytes) return {};
  const auto version = value.substr(0, version_bytes);
  const auto content = value.substr(frame_bytes);
  if (keys::read_u32(value.substr(version_bytes)) != checksum_of(key, version, content)) return {};
  const auto number = static_cast<std::uint16_t>(static_cast<unsigned char>(version[0]) << 8 |
                                                 static_cast<unsigned char>(version[1]));
  if (number == 0) return {};
  if (number > route_record_version) return {opened_record::kind::later, number, {}};
  return {opened_record::kind::good, number, content};
}

}  // namespace tandem::storage
