#include "actors/cache_shard/miss_notes.hpp"

#include <algorithm>

#include "schema/text.hpp"

namespace tandem {
namespace {

/// Without an allocation in std::string.
constexpr std::size_t version_bytes_max = 15;

}  // namespace

miss_notes::miss_notes(std::size_t places)
    : places_(std::max<std::size_t>(places, 1)), versions_(places_.size()) {}

void miss_notes::keep(const cache_key& key, std::uint64_t variant, std::string_view weight_version,
                      std::uint64_t expires_ms) {
  auto hash = hash_of(key);
  places_[hash % places_.size()] = {hash, expires_ms, loss::none};
  auto& last = versions_[variant % versions_.size()];
  last.variant = variant;
  last.weights = cut(weight_version, version_bytes_max);
}

void miss_notes::lose(const cache_key& key, loss how) {
  auto hash = hash_of(key);
  auto& at = places_[hash % places_.size()];
  if (at.key != hash) at = {hash, UINT64_MAX, how};
  at.how = how;
}

std::string miss_notes::reason(const cache_key& key, std::uint64_t variant,
                               std::string_view weight_version, std::uint64_t now_ms) const {
  auto hash = hash_of(key);
  if (const auto& at = places_[hash % places_.size()]; at.key == hash) {
    if (at.how == loss::damaged) return "its entry was damaged, and dropped";
    if (at.how == loss::purged) return "it was purged";
    if (now_ms >= at.expires_ms)
      return "it expired " + std::to_string((now_ms - at.expires_ms) / 1000) + " s ago";
    return "it was there, and made room for others";
  }
  if (const auto& last = versions_[variant % versions_.size()];
      last.variant == variant && last.weights != cut(weight_version, version_bytes_max))
    return "it is there for weights '" + last.weights + "', and the engine has '" +
           std::string{cut(weight_version, version_bytes_max)} + "'";
  return "nobody has asked this before, or it is forgotten";
}

}  // namespace tandem
