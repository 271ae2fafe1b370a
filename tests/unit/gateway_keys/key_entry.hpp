#pragma once

#include <string>
#include <vector>

#include "actors/gateway/keys/key_book.hpp"
#include "actors/gateway/keys/key_text.hpp"

namespace tandem::testing {

/// What a test says of an entry.
struct entry_facts {
  std::string id = "abcdefghijkl";
  std::string name = "somebody";
  std::uint64_t created = 1000;
  std::uint64_t changed = 1000;
  std::uint64_t revoked = 0;
  std::uint64_t expires = 0;
  std::vector<std::string> models = {};
  std::uint32_t requests_per_min = 0;
  /// Whose hash the entry has; empty: of nobody's.
  std::string text = {};
};

inline key_entry make_entry(const entry_facts& facts) {
  message_builder<schema::ApiKey> out;
  auto hash = hash_key(facts.text);
  out->setId(facts.id);
  out->setHash({hash.data(), hash.size()});
  out->setName(facts.name);
  out->setTenant("acme");
  auto models = out->initModels(static_cast<unsigned>(facts.models.size()));
  for (unsigned i = 0; i < models.size(); ++i) models.set(i, facts.models[i]);
  out->setRequestsPerMin(facts.requests_per_min);
  out->setCreatedAtMs(facts.created);
  out->setChangedAtMs(facts.changed);
  out->setRevokedAtMs(facts.revoked);
  out->setExpiresAtMs(facts.expires);
  return out.finish();
}

}  // namespace tandem::testing
