#include "actors/semantic/semantic_index.hpp"

#include <algorithm>

#include "actors/semantic/goal_hash.hpp"

namespace tandem {
namespace {

/// Nodes of the tables, lists and sets that name an entry.
constexpr std::size_t entry_overhead = sizeof(semantic_entry) + 320;
constexpr std::size_t scope_overhead = 512;
/// What a bound may hold, from its first label on.
constexpr std::size_t label_bytes = sizeof(hit_label);

std::uint64_t hash_of(std::string_view goal, const std::vector<std::string>& tool_arguments) {
  auto h = goal_hash(goal);
  for (const auto& argument : tool_arguments) h = goal_hash(argument, h);
  return h;
}

std::size_t text_bytes(const semantic_entry& entry) {
  auto sum = entry.scope.capacity() + entry.goal.capacity() + entry.payload.capacity();
  for (const auto& argument : entry.tool_arguments) sum += argument.capacity() + sizeof argument;
  return sum;
}

}  // namespace

std::size_t semantic_index::bytes_of(const scope_state& scope) {
  return scope.vectors ? scope.vectors->bytes_at_most() : 0;
}

semantic_index::scope_state& semantic_index::scope_of(std::string_view name) {
  std::string key{name};
  if (auto found = scopes_.find(key); found != scopes_.end()) {
    scopes_used_.splice(scopes_used_.end(), scopes_used_, found->second.used);
    return found->second;
  }
  if (scopes_.size() >= config_.scopes_max) drop_scope(std::string{scopes_used_.front()});
  auto& scope = scopes_[key];
  scope.bound = std::make_unique<hit_bound>(config_.bound);
  scope.used = scopes_used_.insert(scopes_used_.end(), key);
  bytes_ += scope_overhead + 2 * key.size() + config_.bound.labels_kept * label_bytes;
  return scope;
}

void semantic_index::drop_scope(const std::string& name) {
  auto found = scopes_.find(name);
  if (found == scopes_.end()) return;
  auto ids = found->second.ids;
  for (auto id : ids) {
    erase(id);
    ++evicted_;
  }
  bytes_ -= bytes_of(found->second) + scope_overhead + 2 * name.size() +
            config_.bound.labels_kept * label_bytes;
  if (found->second.vectors) rebuilds_dropped_ += found->second.vectors->rebuilds();
  scopes_used_.erase(found->second.used);
  scopes_.erase(found);
}

std::uint64_t semantic_index::put(semantic_entry entry, std::span<const float> vector,
                                  std::int64_t now_ms) {
  auto hash = hash_of(entry.goal, entry.tool_arguments);
  auto& scope = scope_of(entry.scope);
  if (!scope.vectors) {
    scope.vectors = std::make_unique<vector_space>(vector.size(), config_.seed);
    bytes_ += bytes_of(scope);
  }
  if (scope.vectors->dimension() != vector.size()) return 0;
  if (auto old = scope.by_text.find(hash); old != scope.by_text.end()) erase(old->second);
  auto id = next_id_++;
  auto before = bytes_of(scope);
  if (!scope.vectors->add(id, vector)) return 0;
  bytes_ += bytes_of(scope) - before;
  entry.id = id;
  entry.expires_at_ms = now_ms + config_.ttl_ms;
  scope.by_text.emplace(hash, id);
  scope.ids.insert(id);
  by_expiry_.emplace(entry.expires_at_ms, id);
  auto bytes = text_bytes(entry) + entry_overhead;
  bytes_ += bytes;
  entries_.emplace(id, held_entry{std::move(entry), hash, used_.insert(used_.end(), id), bytes});
  evict(id);
  return entries_.contains(id) ? id : 0;
}

void semantic_index::evict(std::uint64_t spared) {
  auto beyond = [&] { return entries_.size() > config_.entries_max || bytes_ > config_.bytes_max; };
  while (beyond() && entries_.size() > 1 && used_.front() != spared) {
    erase(used_.front());
    ++evicted_;
  }
  // Scopes without entries still hold what they learned.
  while (beyond() && scopes_.size() > 1) drop_scope(std::string{scopes_used_.front()});
  if (beyond()) erase(spared);
}

std::vector<semantic_index::match> semantic_index::nearest(std::string_view scope,
                                                           std::span<const float> vector,
                                                           std::size_t count, std::int64_t now_ms) {
  std::vector<match> out;
  auto found = scopes_.find(std::string{scope});
  if (found == scopes_.end() || !found->second.vectors) return out;
  scopes_used_.splice(scopes_used_.end(), scopes_used_, found->second.used);
  for (const auto& n : found->second.vectors->nearest(vector, count)) {
    auto* entry = find(n.id);
    if (!entry) continue;
    if (entry->expires_at_ms <= now_ms) {
      erase(n.id);
    } else {
      out.push_back({entry, n.similarity});
    }
  }
  return out;
}

semantic_entry* semantic_index::same(std::string_view scope, std::string_view goal,
                                     const std::vector<std::string>& tool_arguments,
                                     std::int64_t now_ms) {
  auto found = scopes_.find(std::string{scope});
  if (found == scopes_.end()) return nullptr;
  auto by_text = found->second.by_text.find(hash_of(goal, tool_arguments));
  if (by_text == found->second.by_text.end()) return nullptr;
  auto* entry = find(by_text->second);
  if (!entry || entry->goal != goal || entry->tool_arguments != tool_arguments) return nullptr;
  if (entry->expires_at_ms > now_ms) return entry;
  erase(entry->id);
  return nullptr;
}

semantic_entry* semantic_index::find(std::uint64_t id) {
  auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second.entry;
}

void semantic_index::touch(std::uint64_t id) {
  if (auto found = entries_.find(id); found != entries_.end())
    used_.splice(used_.end(), used_, found->second.used);
}

bool semantic_index::erase(std::uint64_t id) {
  auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  auto& held = found->second;
  auto& scope = scopes_.at(held.entry.scope);
  auto before = bytes_of(scope);
  scope.vectors->remove(id);
  bytes_ -= before - bytes_of(scope) + held.bytes;
  scope.by_text.erase(held.text_hash);
  scope.ids.erase(id);
  by_expiry_.erase({held.entry.expires_at_ms, id});
  used_.erase(held.used);
  entries_.erase(found);
  return true;
}

std::size_t semantic_index::expire(std::int64_t now_ms, std::size_t most) {
  std::size_t count = 0;
  for (; count < most && !by_expiry_.empty() && by_expiry_.begin()->first <= now_ms; ++count)
    erase(by_expiry_.begin()->second);
  return count;
}

bool semantic_index::maintain(std::size_t entries) {
  for (auto& [name, scope] : scopes_) {
    if (!scope.vectors) continue;
    auto before = bytes_of(scope);
    bool more = scope.vectors->maintain(entries);
    bytes_ = bytes_ - before + bytes_of(scope);
    if (more) return true;
  }
  return false;
}

hit_bound& semantic_index::bound(std::string_view scope) {
  return *scope_of(scope).bound;
}

const hit_bound* semantic_index::find_bound(std::string_view scope) const {
  auto found = scopes_.find(std::string{scope});
  return found == scopes_.end() ? nullptr : found->second.bound.get();
}

std::size_t semantic_index::size_of(std::string_view scope) const {
  auto found = scopes_.find(std::string{scope});
  return found == scopes_.end() ? 0 : found->second.ids.size();
}

std::size_t semantic_index::vector_bytes() const {
  std::size_t sum = 0;
  for (const auto& [name, scope] : scopes_) sum += scope.vectors ? scope.vectors->bytes() : 0;
  return sum;
}

std::uint64_t semantic_index::rebuilds() const {
  auto sum = rebuilds_dropped_;
  for (const auto& [name, scope] : scopes_) sum += scope.vectors ? scope.vectors->rebuilds() : 0;
  return sum;
}

}  // namespace tandem
