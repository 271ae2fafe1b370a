#include "actors/engine/sim/prefix_cache.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace tandem {
namespace {

constexpr std::size_t token_bytes = 4;
constexpr std::uint64_t fnv_offset = 14'695'981'039'346'656'037ull;
constexpr std::uint64_t fnv_prime = 1'099'511'628'211ull;

/// FNV-1a over words of eight bytes, which is as many times as fast. What is fed in one piece must
/// always be.
std::uint64_t hash_on(std::uint64_t hash, std::string_view text) {
  while (text.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof word);
    hash = (hash ^ word) * fnv_prime;
    // The product moves bits up only.
    hash ^= hash >> 32;
    text.remove_prefix(sizeof word);
  }
  for (unsigned char byte : text) hash = (hash ^ byte) * fnv_prime;
  return hash;
}

}  // namespace

prefix_cache::prefix_cache(std::uint32_t blocks_max, std::uint32_t block_tokens)
    : blocks_max_{blocks_max}, block_tokens_{std::max<std::uint32_t>(block_tokens, 1)} {}

std::vector<std::uint64_t> prefix_cache::blocks_of(
    const std::vector<generation_request::turn>& messages) const {
  std::vector<std::uint64_t> blocks;
  if (blocks_max_ == 0) return blocks;
  auto hash = fnv_offset;
  std::size_t filled = 0;
  const auto block_bytes = block_tokens_ * token_bytes;
  for (const auto& message : messages) {
    hash = (hash ^ (256u + static_cast<unsigned>(message.role))) * fnv_prime;
    std::string_view rest{message.content};
    while (!rest.empty()) {
      auto part = rest.substr(0, block_bytes - filled);
      hash = hash_on(hash, part);
      rest.remove_prefix(part.size());
      filled += part.size();
      if (filled < block_bytes) break;
      blocks.push_back(hash);
      filled = 0;
    }
  }
  return blocks;
}

std::uint64_t prefix_cache::hit_tokens(const std::vector<std::uint64_t>& blocks) {
  std::size_t hits = 0;
  while (hits < blocks.size() && blocks_.count(blocks[hits]) != 0) ++hits;
  // From the last to the first, so that a prompt's end leaves before its beginning.
  for (auto i = hits; i-- > 0;) order_.splice(order_.begin(), order_, blocks_.at(blocks[i]));
  return hits * block_tokens_;
}

void prefix_cache::insert(const std::vector<std::uint64_t>& blocks) {
  const auto count = std::min(blocks.size(), blocks_max_);
  for (auto i = count; i-- > 0;) {
    auto found = blocks_.find(blocks[i]);
    if (found != blocks_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      continue;
    }
    if (blocks_.size() >= blocks_max_) {
      blocks_.erase(order_.back());
      order_.pop_back();
    }
    order_.push_front(blocks[i]);
    blocks_.emplace(blocks[i], order_.begin());
  }
}

void prefix_cache::clear() {
  order_.clear();
  blocks_.clear();
}

float prefix_cache::usage() const {
  if (blocks_max_ == 0) return -1;
  return static_cast<float>(blocks_.size()) / static_cast<float>(blocks_max_);
}

}  // namespace tandem
