#include "actors/front/key_owner.hpp"

#include <algorithm>

namespace tandem {
namespace {

/// The finalizer of SplitMix64: every bit of the result depends on every bit of `x`.
std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xBF58476D1CE4E5B9u;
  x ^= x >> 27;
  x *= 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

/// FNV-1a.
std::uint64_t add(std::uint64_t hash, std::string_view bytes) {
  for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

struct candidate {
  std::uint64_t weight = 0;
  std::uint64_t journal = 0;
  friend auto operator<=>(const candidate&, const candidate&) = default;
};

candidate weigh(std::uint64_t hash, std::uint64_t journal) {
  return {mix(hash ^ mix(journal + 0x9E3779B97F4A7C15u)), journal};
}

}  // namespace

std::uint64_t key_hash(std::string_view tenant, std::string_view key) {
  // Texts have no zero bytes: it keeps ("ab", "c") apart from ("a", "bc").
  auto hash = add(0xCBF29CE484222325u, tenant);
  return mix(add(add(hash, std::string_view{"\0", 1}), key));
}

std::uint64_t key_owner(std::uint64_t hash, std::span<const journal_birth> journals) {
  candidate best;
  for (const auto& each : journals) best = std::max(best, weigh(hash, each.journal));
  return best.journal;
}

std::vector<std::uint64_t> key_owners_so_far(std::uint64_t hash,
                                             std::span<const journal_birth> in_order) {
  std::vector<std::uint64_t> owners;
  candidate best;
  for (const auto& each : in_order) {
    auto next = weigh(hash, each.journal);
    if (next <= best) continue;
    best = next;
    owners.push_back(each.journal);
  }
  return owners;
}

}  // namespace tandem
