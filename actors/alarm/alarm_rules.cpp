#include "actors/alarm/alarm_rules.hpp"

#include <algorithm>
#include <string_view>

namespace tandem {
namespace {

/// Whether what this alarm is about can be seen in the view.
bool is_known(std::string_view name, const alarm_view& view) {
  if (name == "WeightUpdateFailed") return !view.weights.empty();
  if (name == "CacheHarm") return !view.cache.empty();
  if (name == "ErrorBudgetBurn" || name == "CostOverBudget") return true;
  if (name == "CertificateExpiry") return view.certificate_ends_at_ms != 0;
  if (name == "DiskLow") return view.disk_size_bytes != 0;
  return !view.topology.empty();
}

/// A clock may jump back.
bool has_passed(std::uint64_t since_ms, std::uint64_t now_ms, std::uint64_t time_ms) {
  return now_ms >= since_ms && now_ms - since_ms >= time_ms;
}

}  // namespace

std::size_t alarm_rules::active_count() const {
  return static_cast<std::size_t>(std::count_if(
      tracks_.begin(), tracks_.end(), [](const auto& each) { return each.second.active; }));
}

void alarm_rules::take(const alarm_finding& found, std::uint64_t now_ms, alarm_changes& changes) {
  key named{found.what.name, found.what.subject};
  auto known = tracks_.find(named);
  if (known == tracks_.end()) {
    if (!found.raises) return;
    known = tracks_.emplace(std::move(named), track{.bad_since_ms = now_ms}).first;
  }
  auto& of = known->second;
  of.seen = true;
  of.good_since_ms = 0;
  if (of.active) {
    of.what.text = found.what.text;
    return;
  }
  if (!found.raises || now_ms < of.bad_since_ms) of.bad_since_ms = now_ms;
  if (!found.raises || !has_passed(of.bad_since_ms, now_ms, found.hold_ms)) return;
  if (active_count() >= alarm_book::active_max) return;
  auto since = found.what.since_ms != 0 ? found.what.since_ms : of.bad_since_ms;
  of.what = found.what;
  of.what.since_ms = since;
  of.rest_ms = found.rest_ms;
  of.active = true;
  changes.begun.push_back(of.what);
}

void alarm_rules::rest(std::uint64_t now_ms, const alarm_view& view, alarm_changes& changes) {
  for (auto& [named, of] : tracks_) {
    if (of.seen || !of.active || !is_known(named.first, view)) continue;
    if (of.good_since_ms == 0 || now_ms < of.good_since_ms) of.good_since_ms = now_ms;
    if (!has_passed(of.good_since_ms, now_ms, of.rest_ms)) continue;
    of.active = false;
    changes.ended.push_back({of.what, now_ms});
  }
  std::erase_if(tracks_, [&view](const auto& each) {
    const auto& [named, of] = each;
    return !of.active && !of.seen && is_known(named.first, view);
  });
}

alarm_changes alarm_rules::look(const alarm_view& view) {
  for (auto& [named, of] : tracks_) of.seen = false;
  growth_.add(view.sums, view.now_ms);
  findings found;
  find_nodes(view, found);
  find_engines(view, found);
  find_mailboxes(view, found);
  find_errors(found);
  find_cost(found);
  find_mixed_weights(view, found);
  find_failed_updates(view, found);
  find_cache_harm(view, found);
  find_certificate(view, found);
  find_disk(view, found);
  alarm_changes changes;
  for (const auto& each : found) take(each, view.now_ms, changes);
  rest(view.now_ms, view, changes);
  return changes;
}

std::vector<alarm> alarm_rules::active() const {
  std::vector<alarm> all;
  for (const auto& [named, of] : tracks_)
    if (of.active) all.push_back(of.what);
  return all;
}

}  // namespace tandem
