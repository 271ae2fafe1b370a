#include "storage/cache_store.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "schema/errc.hpp"
#include "storage/cache_record.hpp"
#include "storage/cache_store_state.hpp"
#include "storage/keys.hpp"
#include "storage/route_record.hpp"
#include "storage/storage_error.hpp"

namespace tandem::storage {

namespace {

constexpr std::size_t tiers_max = 16;
constexpr std::size_t tier_name_bytes_max = 64;
constexpr std::uint64_t value_bytes_max = 16u << 20;
constexpr std::uint64_t value_share = 64;
/// How long something waits in memory for more, as a part of the ttl.
constexpr std::uint64_t waiting_share = 4;

caf::error wrong(std::string what) {
  return make_error(errc::invalid_argument, std::move(what));
}

caf::error check(const cache_store_options& options) {
  if (options.tiers.empty() || options.tiers.size() > tiers_max)
    return wrong("a cache on disk has from 1 to 16 tiers");
  std::set<std::string_view> names{"default"};
  for (const auto& tier : options.tiers) {
    if (tier.name.empty() || tier.name.size() > tier_name_bytes_max)
      return wrong("a cache tier's name has from 1 to 64 bytes");
    if (!names.insert(tier.name).second)
      return wrong("the cache tier '" + tier.name + "' is there twice, or a reserved name");
    if (tier.bytes_max < cache_tier_bytes_min)
      return wrong("the cache tier '" + tier.name + "' has less than 2 MiB on disk");
    if (tier.ttl_ms == 0) return wrong("the cache tier '" + tier.name + "' has no ttl");
  }
  return {};
}

bool is_short(const std::string& name) {
  return name.size() <= cache_name_bytes_max;
}

}  // namespace

bool cache_store::state::takes(std::size_t tier, const stored_item& one) const {
  const auto most = std::min(value_bytes_max, options.tiers[tier].bytes_max / value_share);
  return !one.item.value.empty() && one.item.value.bytes().size() <= most &&
         is_short(one.facts.tenant) && is_short(one.facts.model) &&
         is_short(one.facts.weight_version);
}

caf::error cache_store::state::put(std::size_t tier, std::span<const stored_item> batch,
                                   std::uint64_t now_ms) {
  const auto& [name, bytes_max, ttl_ms] = options.tiers[tier];
  rocksdb::WriteBatch writes;
  for (const auto& one : batch) {
    if (!takes(tier, one)) {
      ++refused;
      continue;
    }
    auto kept = one;
    kept.item.expires_ms = std::min(kept.item.expires_ms, now_ms + ttl_ms);
    const auto row = keys::cached_answer(one.key);
    const auto status = writes.Put(of(tier), row, seal_record(row, cache_content(kept)));
    if (!status.ok()) return failure(status, "writing to the cache");
  }
  if (writes.Count() == 0) return {};
  if (auto err = written(write(writes), "writing to the cache")) return err;
  std::uint64_t none = 0;
  waiting_since_ms[tier].compare_exchange_strong(none, std::max<std::uint64_t>(now_ms, 1));
  const auto most = bytes_max - 2 * cache_buffer_bytes(options, options.tiers[tier]);
  if (number(tier, rocksdb::DB::Properties::kTotalSstFilesSize) <= most) return {};
  return written(shrink(tier), "shrinking the cache");
}

void cache_store::state::drop_damaged(rocksdb::ColumnFamilyHandle* in, std::string_view key) {
  ++damaged;
  rocksdb::WriteBatch writes;
  auto status = writes.Delete(in, key);
  if (status.ok()) status = write(writes);
  if (!status.ok()) broken = true;
}

caf::expected<std::optional<stored_item>> cache_store::state::read(std::size_t tier,
                                                                   const cache_key& key,
                                                                   std::uint64_t now_ms) {
  const auto row = keys::cached_answer(key);
  rocksdb::PinnableSlice value;
  const auto status = db->Get(rocksdb::ReadOptions(), of(tier), row, &value);
  const auto missing = [this](std::atomic<std::uint64_t>& why) {
    ++why;
    return std::optional<stored_item>();
  };
  if (status.IsNotFound()) return missing(misses);
  if (!status.ok() && !status.IsCorruption()) return failure(status, "reading the cache");
  std::optional<cache_content_view> content;
  if (status.ok())
    if (const auto record = open_record(row, value.ToStringView());
        record.is == opened_record::kind::good)
      content = read_cache_content(record.content);
  auto words = content ? words_from(content->words, options.value_schema) : std::nullopt;
  if (!words) {
    drop_damaged(of(tier), row);
    return std::optional<stored_item>();
  }
  stored_item found{
      key, {std::move(*words), content->created_ms, content->expires_ms, content->compute_us}, {}};
  // Left where it is: its file goes as a whole.
  if (!is_fresh(found.item, now_ms)) return missing(expired);
  ++hits;
  found.facts = {std::string(content->tenant), std::string(content->model),
                 std::string(content->weight_version)};
  return std::optional(std::move(found));
}

caf::error cache_store::state::save_list(const std::string& key, std::string_view content) {
  rocksdb::WriteBatch writes;
  auto status = writes.Put(lists(), key, seal_record(key, content));
  if (status.ok()) status = write(writes);
  if (status.ok()) status = db->Flush(rocksdb::FlushOptions(), lists());
  return written(status, "writing the cache's lists");
}

caf::expected<std::optional<std::string>> cache_store::state::load_list(const std::string& key) {
  std::string value;
  const auto status = db->Get(rocksdb::ReadOptions(), lists(), key, &value);
  if (status.IsNotFound()) return std::optional(std::string());
  if (!status.ok() && !status.IsCorruption()) return failure(status, "reading the cache's lists");
  const auto record = open_record(key, value);
  if (status.ok() && record.is == opened_record::kind::good)
    return std::optional(std::string(record.content));
  ++damaged;
  return std::optional<std::string>();
}

cache_store::cache_store(std::unique_ptr<state> state) : state_(std::move(state)) {}
cache_store::~cache_store() = default;

caf::expected<std::unique_ptr<cache_store>> cache_store::open(const cache_store_options& options) {
  if (auto err = check(options)) return err;
  auto opened = std::make_unique<state>(options);
  if (auto err = opened->open()) return err;
  return std::unique_ptr<cache_store>(new cache_store(std::move(opened)));
}

namespace {

caf::error no_tier(std::string_view name) {
  return wrong("the cache on disk has no tier '" + std::string(name) + "'");
}

caf::error closed() {
  return make_error(errc::storage_failed, "the cache on disk could not be opened again");
}

}  // namespace

caf::expected<std::optional<stored_item>> cache_store::get(std::string_view tier,
                                                           const cache_key& key,
                                                           std::uint64_t now_ms) {
  const auto at = state_->tier_of(tier);
  if (!at) return no_tier(tier);
  const std::shared_lock lock(state_->mutex);
  if (!state_->db) return closed();
  return state_->read(*at, key, now_ms);
}

caf::error cache_store::put(std::string_view tier, std::span<const stored_item> batch,
                            std::uint64_t now_ms) {
  const auto at = state_->tier_of(tier);
  if (!at) return no_tier(tier);
  state_->clock->tell(now_ms);
  if (auto err = state_->mend()) return err;
  const std::shared_lock lock(state_->mutex);
  if (!state_->db) return closed();
  return state_->put(*at, batch, now_ms);
}

caf::error cache_store::erase(std::string_view tier, const cache_key& key) {
  const auto at = state_->tier_of(tier);
  if (!at) return no_tier(tier);
  if (auto err = state_->mend()) return err;
  const std::shared_lock lock(state_->mutex);
  if (!state_->db) return closed();
  rocksdb::WriteBatch writes;
  auto status = writes.Delete(state_->of(*at), keys::cached_answer(key));
  if (status.ok()) status = state_->write(writes);
  return state_->written(status, "erasing from the cache");
}

caf::error cache_store::maintain(std::uint64_t now_ms) {
  state_->clock->tell(now_ms);
  if (auto err = state_->mend()) return err;
  const std::shared_lock lock(state_->mutex);
  if (!state_->db) return closed();
  for (std::size_t tier = 0; tier < state_->options.tiers.size(); ++tier) {
    auto& since = state_->waiting_since_ms[tier];
    const auto waits_from = since.load();
    rocksdb::Status status;
    // A clock that has jumped back makes nothing wait longer.
    if (waits_from != 0 &&
        (now_ms < waits_from ||
         now_ms - waits_from >= state_->options.tiers[tier].ttl_ms / waiting_share)) {
      since = 0;
      status = state_->db->Flush(rocksdb::FlushOptions(), state_->of(tier));
    }
    if (status.ok() && state_->has_expired_files(tier, now_ms)) status = state_->shrink(tier);
    if (auto err = state_->written(status, "tidying the cache")) return err;
  }
  return {};
}

caf::error cache_store::save_hot(std::string_view tier, std::span<const cache_key> keys) {
  if (!state_->tier_of(tier)) return no_tier(tier);
  if (auto err = state_->mend()) return err;
  const std::shared_lock lock(state_->mutex);
  if (!state_->db) return closed();
  return state_->save_list(keys::hot_answers(tier),
                           hot_content(keys.first(std::min(keys.size(), hot_keys_max))));
}

caf::expected<std::vector<cache_key>> cache_store::load_hot(std::string_view tier) {
  if (!state_->tier_of(tier)) return no_tier(tier);
  const std::shared_lock lock(state_->mutex);
  if (!state_->db) return closed();
  auto content = state_->load_list(keys::hot_answers(tier));
  if (!content) return std::move(content.error());
  return read_hot_content(content->value_or(std::string()));
}

caf::error cache_store::save_purges(std::span<const purge_rule> rules) {
  if (rules.size() > purge_rules_max) return wrong("more than 4096 purge rules");
  for (const auto& rule : rules)
    for (const auto* name : {&rule.tier, &rule.tenant, &rule.model, &rule.weight_version})
      if (!is_short(*name)) return wrong("a purge rule has a name above 1024 bytes");
  if (auto err = state_->mend()) return err;
  const std::shared_lock lock(state_->mutex);
  if (!state_->db) return closed();
  return state_->save_list(keys::single(keys::tag::purge_rules), purge_content(rules));
}

caf::expected<std::vector<purge_rule>> cache_store::load_purges() {
  const purge_rule everything{{}, {}, {}, {}, ~std::uint64_t{0}};
  const std::shared_lock lock(state_->mutex);
  if (!state_->db) return closed();
  const auto key = keys::single(keys::tag::purge_rules);
  auto content = state_->load_list(key);
  if (!content) return std::move(content.error());
  if (*content)
    if (auto rules = read_purge_content(**content)) return std::move(*rules);
  // What it said is not known: nothing that was there may be served.
  return std::vector<purge_rule>{everything};
}

std::uint64_t cache_store::approximate_bytes(std::string_view tier) const {
  const auto at = state_->tier_of(tier);
  const std::shared_lock lock(state_->mutex);
  if (!at) return 0;
  return state_->number(*at, rocksdb::DB::Properties::kTotalSstFilesSize) +
         state_->number(*at, rocksdb::DB::Properties::kCurSizeAllMemTables);
}

std::uint64_t cache_store::approximate_items(std::string_view tier) const {
  const auto at = state_->tier_of(tier);
  const std::shared_lock lock(state_->mutex);
  return at ? state_->number(*at, rocksdb::DB::Properties::kEstimateNumKeys) : 0;
}

cache_store_counts cache_store::counts() const {
  return {state_->hits, state_->misses, state_->expired, state_->damaged, state_->refused};
}

std::vector<std::string> cache_store::notes() const {
  const std::shared_lock lock(state_->mutex);
  return state_->notes;
}

}  // namespace tandem::storage
