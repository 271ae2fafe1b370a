#include "actors/gateway/keys/key_holder.hpp"

#include <algorithm>

#include "schema/text.hpp"

namespace tandem {

bool key_holder::may_use(std::string_view model) const {
  if (models.empty()) return true;
  return std::any_of(models.begin(), models.end(), [&](std::string_view allowed) {
    if (allowed.ends_with('*')) return model.starts_with(allowed.substr(0, allowed.size() - 1));
    return model == allowed;
  });
}

std::int32_t key_holder::priority(std::int32_t wish) const {
  return std::min(wish, priority_max);
}

key_holder read_holder(schema::ApiKey::Reader entry) {
  key_holder out;
  out.id = view(entry.getId());
  out.name = view(entry.getName());
  out.tenant = view(entry.getTenant());
  for (auto model : entry.getModels()) out.models.emplace_back(view(model));
  out.is_admin = entry.getAdmin();
  out.priority_max = entry.getPriorityMax();
  out.expires_at_ms = entry.getExpiresAtMs();
  out.revoked_at_ms = entry.getRevokedAtMs();
  auto hash = entry.getHash();
  std::copy_n(hash.begin(), std::min<std::size_t>(hash.size(), out.hash.size()), out.hash.begin());
  return out;
}

}  // namespace tandem
