#include "actors/router/engines/prompt_blocks.hpp"

#include <cstring>

namespace tandem {
namespace {

__extension__ using wide = unsigned __int128;

std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  auto product = static_cast<wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t word_at(const unsigned char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

/// Not valid in UTF-8, so no text has it.
constexpr char part_mark = '\xff';

/// Cuts what it is given into blocks.
class block_cutter {
 public:
  template <class Take>
  void add(std::string_view text, Take take) {
    while (!text.empty() && !full_) {
      auto size = std::min(text.size(), sizeof buffer_ - used_);
      std::memcpy(buffer_ + used_, text.data(), size);
      used_ += size;
      text.remove_prefix(size);
      if (used_ < sizeof buffer_) return;
      used_ = 0;
      full_ = !take(buffer_);
    }
  }

 private:
  unsigned char buffer_[prompt_hasher::block_bytes];
  std::size_t used_ = 0;
  bool full_ = false;
};

}  // namespace

std::uint64_t spread_bits(std::uint64_t value) {
  // The finalizer of splitmix64 (Steele, Lea and Flood 2014).
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

prompt_hasher::prompt_hasher(std::uint64_t seed) {
  for (auto& key : keys_) key = seed = spread_bits(seed);
}

std::uint64_t prompt_hasher::chain(std::uint64_t before, const unsigned char* block) const {
  auto left = keys_[0];
  auto right = keys_[1];
  for (std::size_t i = 0; i < block_bytes; i += 32) {
    left = fold(word_at(block + i) ^ keys_[2], word_at(block + i + 8) ^ left);
    right = fold(word_at(block + i + 16) ^ keys_[3], word_at(block + i + 24) ^ right);
  }
  return fold(left ^ keys_[1], fold(right ^ keys_[0], before ^ keys_[2]) ^ keys_[3]);
}

void prompt_hasher::from_text(std::span<const prompt_part> parts, prompt_blocks& out) const {
  out.hashes.clear();
  out.block_tokens = block_tokens;
  std::uint64_t bytes = 0;
  auto before = keys_[3];
  auto take = [&](const unsigned char* block) {
    before = chain(before, block);
    out.hashes.push_back(before);
    return out.hashes.size() < blocks_max;
  };
  block_cutter cutter;
  for (const auto& part : parts) {
    bytes += part.text.size();
    cutter.add(part.role, take);
    cutter.add({&part_mark, 1}, take);
    cutter.add(part.text, take);
    cutter.add({&part_mark, 1}, take);
  }
  out.tokens = (bytes + 3) / 4;
}

void prompt_hasher::from_ids(std::span<const std::uint64_t> ids, std::uint32_t tokens_per_block,
                             std::uint64_t tokens, prompt_blocks& out) const {
  out.hashes.clear();
  out.block_tokens = std::max(tokens_per_block, 1u);
  out.tokens = tokens;
  auto before = keys_[3];
  for (auto id : ids.first(std::min(ids.size(), blocks_max))) {
    before = fold(before ^ keys_[0], spread_bits(id ^ keys_[1]));
    out.hashes.push_back(before);
  }
}

}  // namespace tandem
