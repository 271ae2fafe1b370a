#include "actors/replication/copy_plan.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tandem {
namespace {

/// The same on every node and in every build.
std::uint64_t weight(journal_id journal, const std::string& node) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (unsigned char c : node) hash = (hash ^ c) * 0x100000001b3;
  hash ^= journal.value * 0x9e3779b97f4a7c15;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  return hash ^ (hash >> 31);
}

bool is_on(const journal_record& record, const std::string& node) {
  return std::any_of(record.in_sync.begin(), record.in_sync.end(),
                     [&node](const journal_copy& copy) { return copy.node == node; });
}

}  // namespace

std::vector<std::string> nodes_to_follow(journal_id journal, const journal_record& record,
                                         const std::vector<copy_place>& places) {
  struct candidate {
    bool in_sync = false;
    std::uint64_t weight = 0;
    std::string node;
  };
  std::vector<candidate> candidates;
  for (const auto& place : places) {
    if (record.primary && record.primary->copy.node == place.node) continue;
    auto in_sync = is_on(record, place.node);
    if (in_sync || place.takes_new)
      candidates.push_back({in_sync, weight(journal, place.node), place.node});
  }
  std::sort(candidates.begin(), candidates.end(), [](const candidate& a, const candidate& b) {
    if (a.in_sync != b.in_sync) return a.in_sync;
    return std::pair{a.weight, a.node} > std::pair{b.weight, b.node};
  });
  if (candidates.size() + 1 > record.copies) candidates.resize(record.copies - 1);
  std::vector<std::string> out;
  for (auto& one : candidates) out.push_back(std::move(one.node));
  return out;
}

std::vector<journal_copy> copies_on(const journal_record& record, const std::string& node) {
  std::vector<journal_copy> out;
  for (const auto& copy : record.in_sync)
    if (copy.node == node && !(record.primary && record.primary->copy == copy)) out.push_back(copy);
  return out;
}

std::optional<std::chrono::milliseconds> takeover_delay(journal_id journal,
                                                        const register_view& view,
                                                        const std::string& node,
                                                        std::chrono::milliseconds step) {
  if (!view.record) return std::nullopt;
  const auto& record = *view.record;
  auto here = std::find_if(record.in_sync.begin(), record.in_sync.end(),
                           [&node](const journal_copy& copy) { return copy.node == node; });
  if (here == record.in_sync.end()) return std::nullopt;
  if (!view.lease.empty() && !is_lease_of(view.lease, *here)) return std::nullopt;
  auto own = weight(journal, node);
  std::int64_t before = 0;
  for (const auto& copy : record.in_sync) {
    // The former primary decides at its start.
    if (copy.node == node || (record.primary && record.primary->copy == copy)) continue;
    if (std::pair{weight(journal, copy.node), copy.node} > std::pair{own, node}) ++before;
  }
  return step * before;
}

home_decision decide_home(const register_view& view, const journal_copy& own) {
  if (!view.record) return home_decision::create;
  if (!view.record->has(own)) return home_decision::follow;
  if (!view.lease.empty() && !is_lease_of(view.lease, own)) return home_decision::follow;
  return home_decision::take_over;
}

}  // namespace tandem
