#include "actors/cache_shard/cache_entry.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "schema/text.hpp"
#include "storage/crc32c.hpp"

namespace tandem {
namespace {

std::uint32_t crc_of(capnp::Text::Reader text) {
  return storage::crc32c_of(std::as_bytes(std::span{text.cStr(), text.size()}));
}

std::uint32_t crc_of(capnp::Data::Reader data) {
  return storage::crc32c_of(std::as_bytes(std::span{data.begin(), data.size()}));
}

}  // namespace

/// Over all that is served or decided by.
std::uint32_t checksum(schema::CacheEntry::Reader entry) {
  auto scope = entry.getScope();
  auto result = entry.getResult();
  std::array<std::uint64_t, 14> parts{
      crc_of(entry.getKey()),
      crc_of(scope.getTier()),
      crc_of(scope.getTenant()),
      crc_of(scope.getModel()),
      crc_of(scope.getWeightVersion()),
      static_cast<std::uint64_t>(scope.getPurpose()),
      entry.getCreatedMs(),
      entry.getExpiresMs(),
      crc_of(result.getText()),
      result.getText().size(),
      crc_of(result.getModel()),
      crc_of(result.getWeightVersion()),
      static_cast<std::uint64_t>(result.getUsage().getCostNanousd()),
      crc_of(entry.getGoal().getText()),
  };
  return storage::crc32c_of(std::as_bytes(std::span{parts}));
}

cache_key read_key(capnp::Data::Reader bytes) {
  cache_key key{};
  if (bytes.size() == key.bytes.size()) std::copy(bytes.begin(), bytes.end(), key.bytes.begin());
  return key;
}

capnp::Data::Reader as_data(const cache_key& key) {
  return {key.bytes.data(), key.bytes.size()};
}

tmsg::cachent make_entry(const entry_facts& facts, schema::AttemptResult::Reader result) {
  message_builder<schema::CacheEntry> out;
  out->setKey(as_data(facts.key));
  out->setVariant(facts.variant);
  auto scope = out->initScope();
  scope.setTier(text(facts.tier));
  scope.setTenant(text(facts.tenant));
  scope.setModel(text(facts.model));
  scope.setWeightVersion(text(facts.weight_version));
  scope.setPurpose(facts.purpose);
  out->setCreatedMs(facts.created_ms);
  out->setExpiresMs(facts.expires_ms);
  out->setComputeUs(result.getTotalUs());
  out->setLead(facts.lead);
  out->setAsker(facts.asker);
  auto kept = out->initResult();
  kept.setText(result.getText());
  kept.setFinish(result.getFinish());
  kept.setUsage(result.getUsage());
  kept.setEngine(result.getEngine());
  kept.setModel(result.getModel());
  kept.setTier(result.getTier());
  kept.setWeightVersion(result.getWeightVersion());
  kept.setTotalUs(result.getTotalUs());
  kept.setSimulated(result.getSimulated());
  if (!facts.goal.empty()) {
    auto goal = out->initGoal();
    goal.setText(text(facts.goal));
    goal.setPlace(facts.place);
    auto vector = goal.initEmbedding(static_cast<unsigned>(facts.embedding.size()));
    for (unsigned i = 0; i < vector.size(); ++i) vector.set(i, facts.embedding[i]);
  }
  out->setCrc(checksum(out->asReader()));
  return out.finish();
}

std::string problem_of(schema::CacheEntry::Reader entry, const cache_key& key,
                       schema::CacheScope::Reader scope) {
  auto own = entry.getScope();
  if (entry.getKey().size() != key.bytes.size() || read_key(entry.getKey()) != key)
    return "it is another key's";
  if (entry.getCrc() != checksum(entry)) return "its checksum is wrong";
  if (own.getTenant() != scope.getTenant()) return "it is another tenant's";
  if (own.getModel() != scope.getModel() || entry.getResult().getModel() != scope.getModel())
    return "it is another model's";
  if (own.getWeightVersion() != scope.getWeightVersion()) return "it is of other weights";
  if (own.getTier() != scope.getTier() || own.getPurpose() != scope.getPurpose())
    return "it is of another sort";
  if (entry.getResult().getFinish() != schema::Finish::STOP) return "it is no whole answer";
  return {};
}

}  // namespace tandem
