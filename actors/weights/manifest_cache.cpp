#include "actors/weights/manifest_cache.hpp"

#include <algorithm>

namespace tandem {
namespace {

constexpr std::size_t entries_max = 4;

}  // namespace

std::shared_ptr<const manifest_cache::entry> manifest_cache::get(const weight_hash& hash) {
  std::lock_guard lock{mutex_};
  auto found = std::find_if(entries_.begin(), entries_.end(),
                            [&](const auto& one) { return one->hash == hash; });
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
    return entries_.front();
  }
  auto bytes = store_->manifest_bytes(hash);
  if (!bytes) return nullptr;
  auto manifest = store_->manifest(hash);
  if (!manifest) return nullptr;
  entries_.push_front(
      std::make_shared<entry>(entry{hash, std::move(*bytes), std::move(*manifest)}));
  if (entries_.size() > entries_max) entries_.pop_back();
  return entries_.front();
}

}  // namespace tandem
