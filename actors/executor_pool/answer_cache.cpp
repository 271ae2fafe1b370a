#include "actors/executor_pool/answer_cache.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "actors/cache_shard/cache_entry.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// Entries leave this memory when nine tenths of their life are over, so that the shard sees hot
/// keys near their end and has them computed anew.
constexpr std::uint64_t life_parts = 10;
constexpr std::uint64_t life_parts_here = 9;

/// The same on every node, and after a restart of that node.
std::uint64_t number_of(std::string_view node) {
  std::uint64_t hash = 14'695'981'039'346'656'037ull;
  for (unsigned char byte : node) hash = (hash ^ byte) * 1'099'511'628'211ull;
  return hash;
}

std::uint64_t ttl_max_ms(const cache_config& config) {
  std::chrono::milliseconds longest{0};
  for (const auto& each : config.tiers) longest = std::max(longest, each.ttl);
  return static_cast<std::uint64_t>(longest.count());
}

}  // namespace

answer_cache::answer_cache(cache_config config)
    : config_{std::move(config)}, purged_{ttl_max_ms(config_)} {
  for (const auto& each : config_.tiers)
    memory_.emplace(
        each.tier,
        make_cache_memory(parse_cache_policy(each.policy).value_or(cache_policy::frequency_lru),
                          pool_bytes(each)));
}

tmsg::cachent answer_cache::find(const cache_key& key, schema::CacheScope::Reader scope,
                                 std::uint64_t now_ms) {
  auto memory = memory_.find(view(scope.getTier()));
  if (memory == memory_.end()) return {};
  const auto* item = memory->second->find(key, now_ms);
  if (item == nullptr) return {};
  tmsg::cachent entry{item->value};
  auto reader = entry.read();
  auto is_damaged = !problem_of(*reader, key, scope).empty();
  if (is_damaged) ++damaged_;
  if (is_damaged || purged_.is_gone({.tier = memory->first,
                                     .tenant = view(scope.getTenant()),
                                     .model = view(scope.getModel()),
                                     .weight_version = view(scope.getWeightVersion()),
                                     .created_ms = reader->getCreatedMs()})) {
    (void)memory->second->erase(key);
    return {};
  }
  return entry;
}

void answer_cache::put(const tmsg::cachent& entry, std::uint64_t now_ms) {
  auto reader = entry.read();
  auto memory = memory_.find(view(reader->getScope().getTier()));
  if (memory == memory_.end() || entry.bytes().size() > config_.value_bytes_max ||
      reader->getExpiresMs() <= now_ms)
    return;
  auto expires = now_ms + (reader->getExpiresMs() - now_ms) / life_parts * life_parts_here;
  (void)memory->second->put(
      read_key(reader->getKey()),
      {.value = entry.words(), .created_ms = reader->getCreatedMs(), .expires_ms = expires});
}

tmsg::cachent answer_cache::take(const cache_key& key) {
  for (auto& [tier, memory] : memory_)
    if (auto item = memory->take(key)) return tmsg::cachent{std::move(item->value)};
  return {};
}

void answer_cache::purge(schema::CachePurge::Reader purge, std::uint64_t now_ms) {
  for (auto rule : purge.getRules())
    purged_.add({.tier = std::string{view(rule.getTier())},
                 .tenant = std::string{view(rule.getTenant())},
                 .model = std::string{view(rule.getModel())},
                 .weight_version = std::string{view(rule.getWeightVersion())},
                 .at_ms = rule.getAtMs()},
                now_ms);
}

void answer_cache::set_shards(std::uint64_t incarnation, std::string_view node,
                              const std::vector<cache_shard_actor>& shards) {
  std::erase_if(shards_,
                [incarnation](const auto& each) { return each.incarnation == incarnation; });
  for (const auto& each : shards) shards_.push_back({incarnation, std::string{node}, each});
  ids_.clear();
  std::map<std::uint64_t, std::uint32_t> numbers;
  for (const auto& each : shards_)
    ids_.push_back({number_of(each.node), numbers[each.incarnation]++});
}

const answer_cache::shard* answer_cache::owner(const cache_key& key) const {
  auto found = tandem::owner(key, ids_);
  if (!found) return nullptr;
  for (std::size_t i = 0; i < ids_.size(); ++i)
    if (ids_[i] == *found) return &shards_[i];
  return nullptr;
}

const answer_cache::shard* answer_cache::owner(std::uint64_t place) const {
  cache_key key;
  std::memcpy(key.bytes.data(), &place, sizeof place);
  return owner(key);
}

void answer_cache::hold_plan(const cache_key& key, plan held) {
  if (auto known = plans_.find(key); known != plans_.end()) {
    known->second.held = std::move(held);
    return;
  }
  if (plans_.size() >= plans_waiting_max) {
    plans_.erase(plan_order_.front());
    plan_order_.pop_front();
  }
  plan_order_.push_back(key);
  plans_.emplace(key, waiting_plan{std::move(held), std::prev(plan_order_.end())});
}

answer_cache::plan answer_cache::take_plan(const cache_key& key) {
  auto found = plans_.find(key);
  if (found == plans_.end()) return {};
  auto held = std::move(found->second.held);
  plan_order_.erase(found->second.place);
  plans_.erase(found);
  return held;
}

std::vector<std::string> answer_cache::tiers() const {
  std::vector<std::string> names;
  for (const auto& [name, memory] : memory_) names.push_back(name);
  return names;
}

void answer_cache::write_level(schema::CacheLevel::Builder out, std::string_view node,
                               std::string_view tier) const {
  const auto& memory = *memory_.find(tier)->second;
  const auto& counts = memory.counts();
  out.setNode(std::string{node});
  out.setLevel(1);
  out.setTier(std::string{tier});
  out.setPolicy(config_.find_tier(tier)->policy);
  out.setTtlMs(static_cast<std::uint64_t>(config_.find_tier(tier)->ttl.count()));
  out.setEntries(memory.size());
  out.setBytes(memory.bytes());
  out.setBytesMax(memory.bytes_max());
  out.setHits(counts.hits);
  out.setMisses(counts.misses);
  out.setExpired(counts.expired);
  out.setEvicted(counts.evicted);
  out.setRefused(counts.refused);
  out.setDamaged(damaged_);
  if (auto known = saved_.find(tier); known != saved_.end()) out.setSavedNanousd(known->second);
}

answer_cache::served_counts& answer_cache::served(std::string_view tier, std::string_view tenant,
                                                  std::string_view model) {
  std::array name{tier, tenant, model};
  if (auto found = served_.find(name); found != served_.end()) return found->second;
  if (served_.size() >= served_max) name[1] = name[2] = {};
  return served_[{std::string{name[0]}, std::string{name[1]}, std::string{name[2]}}];
}

unsigned answer_cache::write_served(capnp::List<schema::CacheServed>::Builder out, unsigned place,
                                    std::string_view node) const {
  for (const auto& [name, counts] : served_) {
    auto row = out[place++];
    row.setNode(text(node));
    row.setTier(name[0]);
    row.setTenant(name[1]);
    row.setModel(name[2]);
    row.setAsked(counts.asked);
    auto hits = row.initHits(static_cast<unsigned>(counts.hits.size()));
    for (unsigned i = 0; i < hits.size(); ++i) hits.set(i, counts.hits[i]);
    row.setSavedNanousd(counts.saved_nanousd);
  }
  return place;
}

}  // namespace tandem
