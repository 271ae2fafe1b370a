#include "actors/engine/sim/prefix_cache.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace tandem {
namespace {

constexpr std::size_t token_bytes = 4;
constexpr std::uint64_t fnv_offset = 14'695'981'039'346'656'037ull;
constexpr std::uint64_t fnv_prime = 1'099'511'628'211ull;

/// The table looks at the high bits.
std::uint64_t spread(std::uint64_t hash) {
  return hash * 0x9E37'79B9'7F4A'7C15ull;
}

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
    : blocks_max_{std::min(blocks_max, slot_table::none - 1)},
      block_tokens_{std::max<std::uint32_t>(block_tokens, 1)} {
  clear();
}

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

std::uint32_t prefix_cache::find(std::uint64_t hash) const {
  return places_->find(spread(hash),
                       [&](std::uint32_t place) { return blocks_[place].hash == hash; });
}

void prefix_cache::unlink(std::uint32_t place) {
  const auto& b = blocks_[place];
  blocks_[b.before].after = b.after;
  blocks_[b.after].before = b.before;
}

void prefix_cache::link_first(std::uint32_t place) {
  auto& b = blocks_[place];
  b.before = 0;
  b.after = blocks_[0].after;
  blocks_[b.after].before = place;
  blocks_[0].after = place;
}

std::uint64_t prefix_cache::hit_tokens(const std::vector<std::uint64_t>& blocks) {
  if (blocks_max_ == 0) return 0;
  found_.clear();
  for (auto hash : blocks) {
    auto place = find(hash);
    if (place == slot_table::none) break;
    found_.push_back(place);
  }
  // From the last to the first, so that a prompt's end leaves before its beginning.
  for (auto i = found_.size(); i-- > 0;) {
    unlink(found_[i]);
    link_first(found_[i]);
  }
  return found_.size() * block_tokens_;
}

void prefix_cache::insert(const std::vector<std::uint64_t>& blocks) {
  const auto count = std::min(blocks.size(), blocks_max_);
  for (std::size_t i = 0; i < count; ++i) places_->prefetch(spread(blocks[i]));
  for (auto i = count; i-- > 0;) {
    auto place = find(blocks[i]);
    if (place != slot_table::none) {
      unlink(place);
    } else {
      if (blocks_.size() <= blocks_max_) {
        place = static_cast<std::uint32_t>(blocks_.size());
        blocks_.emplace_back();
      } else {
        place = blocks_[0].before;
        unlink(place);
        places_->erase(spread(blocks_[place].hash), place);
      }
      blocks_[place].hash = blocks[i];
      places_->insert(spread(blocks[i]), place);
    }
    link_first(place);
  }
}

void prefix_cache::clear() {
  blocks_.assign(1, {});
  if (blocks_max_ != 0) places_.emplace(slot_table::slots_for(blocks_max_));
}

float prefix_cache::usage() const {
  if (blocks_max_ == 0) return -1;
  return static_cast<float>(blocks_.size() - 1) / static_cast<float>(blocks_max_);
}

}  // namespace tandem
