#include "actors/weights/chunk_delta.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

#include <zstd.h>

#include "schema/errc.hpp"

// A difference, numbers little-endian:
//   u32 bytes of the base, u32 changed elements, u32 bytes of coded gaps, u32 bytes of the gaps
//   zstd of the gaps: before each changed element how many are equal; a byte, 255 means 255 and on
//   zstd of the XORs: the low bytes of all of them, then the high bytes
// An element is 2 bytes, the width of most weights; the odd last byte is the low one of an element.
// Low and high bytes of weights change differently, and compress better apart.

namespace tandem {
namespace {

struct delta_header {
  std::uint32_t base_bytes = 0, changed = 0, coded_gaps = 0, gaps = 0;
};
static_assert(sizeof(delta_header) == 16);

constexpr int level = 1;
/// Of many changes every so many blocks of so many elements one is looked at first.
constexpr std::size_t sample_block = 512;
constexpr std::size_t sample_step = 16;

struct free_compressor {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
struct free_decompressor {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

std::uint16_t element(const std::uint8_t* from) {
  std::uint16_t out = 0;
  std::memcpy(&out, from, sizeof(out));
  return out;
}

std::uint64_t four_elements(const std::uint8_t* from) {
  std::uint64_t out = 0;
  std::memcpy(&out, from, sizeof(out));
  return out;
}

std::size_t count_changed(std::span<const std::uint8_t> base, std::span<const std::uint8_t> next) {
  const auto elements = next.size() / 2;
  std::size_t out = 0;
  for (std::size_t i = 0; i < elements; ++i)
    out += element(base.data() + 2 * i) != element(next.data() + 2 * i) ? 1 : 0;
  return out + (next.size() % 2 != 0 && base.back() != next.back() ? 1 : 0);
}

/// Whether the changes, in samples, are so large that a difference would save less than half:
/// coding it would cost more than sending the chunk.
bool is_hopeless(std::span<const std::uint8_t> base, std::span<const std::uint8_t> next) {
  const auto elements = next.size() / 2;
  std::vector<std::uint8_t> split;
  for (std::size_t block = 0; block + sample_block <= elements; block += sample_block * sample_step)
    for (const std::size_t half : {0, 1})
      for (auto i = block; i < block + sample_block; ++i)
        split.push_back(base[2 * i + half] ^ next[2 * i + half]);
  std::vector<std::uint8_t> coded(ZSTD_compressBound(split.size()));
  const auto size = ZSTD_compress(coded.data(), coded.size(), split.data(), split.size(), level);
  return ZSTD_isError(size) != 0 || size * 2 > split.size();
}

/// Gaps and XORs of changed elements, each as its own stream.
struct delta_streams {
  std::vector<std::uint8_t> gaps, values;

  void fill(std::span<const std::uint8_t> base, std::span<const std::uint8_t> next,
            std::size_t changed) {
    const auto elements = next.size() / 2;
    gaps.resize(changed + elements / 255 + 1);
    values.resize(2 * changed);
    // Stores of bytes may change anything but what has no address: the loop keeps to such.
    pen at{gaps.data(), values.data(), values.data() + changed, 0};
    std::size_t i = 0;
    for (; i + 4 <= elements; i += 4) {
      auto four = four_elements(base.data() + 2 * i) ^ four_elements(next.data() + 2 * i);
      if (four == 0) continue;
      for (std::size_t k = 0; k < 4; ++k, four >>= 16) at = written(at, i + k, four & 0xffff);
    }
    for (; i < elements; ++i)
      at = written(at, i, element(base.data() + 2 * i) ^ element(next.data() + 2 * i));
    if (next.size() % 2 != 0) at = written(at, elements, base.back() ^ next.back());
    gaps.resize(static_cast<std::size_t>(at.gap - gaps.data()));
  }

 private:
  struct pen {
    std::uint8_t *gap, *low, *high;
    /// Element after the last change.
    std::size_t next;
  };

  static pen written(pen at, std::size_t index, std::uint64_t value) {
    if (value == 0) return at;
    auto equal = index - at.next;
    for (; equal >= 255; equal -= 255) *at.gap++ = 255;
    *at.gap++ = static_cast<std::uint8_t>(equal);
    *at.low++ = static_cast<std::uint8_t>(value);
    *at.high++ = static_cast<std::uint8_t>(value >> 8);
    at.next = index + 1;
    return at;
  }
};

caf::error malformed(const char* what) {
  return make_error(errc::malformed_message, std::string("difference of chunks: ") + what);
}

/// One zstd frame of exactly so many bytes.
bool expand(ZSTD_DCtx* context, std::span<const std::uint8_t> from, std::vector<std::uint8_t>& to) {
  const auto size = ZSTD_decompressDCtx(context, to.data(), to.size(), from.data(), from.size());
  return ZSTD_isError(size) == 0 && size == to.size();
}

/// False: they lead out of it.
bool apply(std::vector<std::uint8_t>& chunk, const std::vector<std::uint8_t>& gaps,
           const std::vector<std::uint8_t>& values) {
  const auto changed = values.size() / 2;
  const auto* gap = gaps.data();
  const auto* const end = gap + gaps.size();
  std::size_t at = 0;
  for (std::size_t i = 0; i < changed; ++i, at += 2) {
    while (gap != end && *gap == 255) at += 510, ++gap;
    if (gap == end) return false;
    at += std::size_t{2} * *gap++;
    if (at >= chunk.size()) return false;
    chunk[at] ^= values[i];
    const auto high = values[changed + i];
    if (at + 1 < chunk.size())
      chunk[at + 1] ^= high;
    else if (high != 0)
      return false;
  }
  return gap == end;
}

}  // namespace

std::optional<std::vector<std::uint8_t>> make_delta(std::span<const std::uint8_t> base,
                                                    std::span<const std::uint8_t> next) {
  if (base.size() != next.size() || next.size() > UINT32_MAX) return std::nullopt;
  const auto changed = count_changed(base, next);
  if (changed > next.size() / 6 && is_hopeless(base, next)) return std::nullopt;
  const auto size_max = next.size() - next.size() / 4;
  delta_streams streams;
  streams.fill(base, next, changed);
  const std::unique_ptr<ZSTD_CCtx, free_compressor> context{ZSTD_createCCtx()};
  // Repeats within changes are chance: looking for fewer of them is faster, and gives smaller
  // codes.
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_minMatch, 7);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_hashLog, 6);
  std::vector<std::uint8_t> out(sizeof(delta_header) + ZSTD_compressBound(streams.gaps.size()) +
                                ZSTD_compressBound(streams.values.size()));
  auto used = sizeof(delta_header);
  const auto pack = [&](const std::vector<std::uint8_t>& stream) {
    const auto size = ZSTD_compress2(context.get(), out.data() + used, out.size() - used,
                                     stream.data(), stream.size());
    if (ZSTD_isError(size) != 0) return std::size_t{0};
    used += size;
    return size;
  };
  const auto coded_gaps = pack(streams.gaps);
  if (coded_gaps == 0 || used >= size_max || pack(streams.values) == 0 || used >= size_max)
    return std::nullopt;
  const delta_header header{
      static_cast<std::uint32_t>(next.size()), static_cast<std::uint32_t>(changed),
      static_cast<std::uint32_t>(coded_gaps), static_cast<std::uint32_t>(streams.gaps.size())};
  std::memcpy(out.data(), &header, sizeof(header));
  out.resize(used);
  return out;
}

caf::expected<std::vector<std::uint8_t>> apply_delta(std::span<const std::uint8_t> base,
                                                     std::span<const std::uint8_t> delta) {
  delta_header header;
  if (delta.size() < sizeof(header)) return malformed("it is too short");
  std::memcpy(&header, delta.data(), sizeof(header));
  const auto elements = base.size() / 2 + base.size() % 2;
  if (header.base_bytes != base.size()) return malformed("it is to a base of another size");
  if (header.changed > elements || header.gaps > elements / 255 + header.changed + 1)
    return malformed("more changes than elements");
  const auto body = delta.subspan(sizeof(header));
  if (header.coded_gaps > body.size()) return malformed("it is truncated");
  const std::unique_ptr<ZSTD_DCtx, free_decompressor> context{ZSTD_createDCtx()};
  std::vector<std::uint8_t> gaps(header.gaps), values(std::size_t{2} * header.changed);
  if (!expand(context.get(), body.first(header.coded_gaps), gaps) ||
      !expand(context.get(), body.subspan(header.coded_gaps), values))
    return malformed("zstd does not read it");
  std::vector<std::uint8_t> out{base.begin(), base.end()};
  if (!apply(out, gaps, values)) return malformed("changes beyond the end");
  return out;
}

}  // namespace tandem
