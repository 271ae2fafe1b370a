#include "tests/bench/warm_prompts.hpp"

#include <charconv>
#include <cstdio>

namespace tandem::bench {
namespace {

/// Role and mark before a message.
constexpr std::size_t before_text = 2;
constexpr std::size_t digits = 16;

}  // namespace

std::string prompt_text(std::span<const std::uint64_t> blocks, std::size_t block_bytes) {
  std::string text;
  text.reserve(blocks.size() * block_bytes);
  std::size_t end = 0;
  for (auto id : blocks) {
    char name[digits + 1];
    std::snprintf(name, sizeof name, "%016llx", static_cast<unsigned long long>(id));
    end += block_bytes;
    text.append(name, digits);
    text.resize(end - before_text, '.');
  }
  return text;
}

std::vector<std::uint64_t> blocks_of_text(std::string_view text, std::size_t block_bytes) {
  std::vector<std::uint64_t> blocks((text.size() + before_text) / block_bytes);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto* at = text.data() + (i == 0 ? 0 : i * block_bytes - before_text);
    std::from_chars(at, at + digits, blocks[i], 16);
  }
  return blocks;
}

}  // namespace tandem::bench
