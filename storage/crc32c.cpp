#include "storage/crc32c.hpp"

#include <cstring>

#include <boost/crc.hpp>

namespace tandem::storage {

namespace {

using parts_of = std::initializer_list<std::span<const std::byte>>;

std::uint32_t in_software(parts_of parts) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  for (const auto bytes : parts) crc.process_bytes(bytes.data(), bytes.size());
  return static_cast<std::uint32_t>(crc.checksum());
}

#if defined(__x86_64__)
// SSE 4.2 has an instruction for it: 0.1 us a KiB against 2.5 us by table, which was more than all
// else that reading a cached answer takes.
__attribute__((target("sse4.2"))) std::uint32_t in_hardware(parts_of parts) {
  std::uint64_t crc = 0xFFFFFFFF;
  for (const auto bytes : parts) {
    const auto* at = bytes.data();
    auto left = bytes.size();
    for (; left >= sizeof(std::uint64_t); left -= sizeof(std::uint64_t)) {
      std::uint64_t word = 0;
      std::memcpy(&word, at, sizeof word);
      crc = __builtin_ia32_crc32di(crc, word);
      at += sizeof word;
    }
    for (; left > 0; --left)
      crc = __builtin_ia32_crc32qi(static_cast<std::uint32_t>(crc),
                                   static_cast<unsigned char>(*at++));
  }
  return ~static_cast<std::uint32_t>(crc);
}
#endif

}  // namespace

std::uint32_t crc32c_of(parts_of parts) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return in_hardware(parts);
#endif
  return in_software(parts);
}

std::uint32_t crc32c_of(std::span<const std::byte> bytes) {
  return crc32c_of({bytes});
}

}  // namespace tandem::storage
