#include "storage/crc32c.hpp"

#include <boost/crc.hpp>

namespace tandem::storage {

std::uint32_t crc32c_of(std::span<const std::byte> bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return static_cast<std::uint32_t>(crc.checksum());
}

}  // namespace tandem::storage
