#include "actors/cache/purge_rules.hpp"

#include <algorithm>
#include <utility>

namespace tandem {

namespace {

bool fits(const std::string& wanted, std::string_view is) {
  return wanted.empty() || wanted == is;
}

/// All that `b` has purged, `a` has too.
bool covers(const purge_rule& a, const purge_rule& b) {
  return a.at_ms >= b.at_ms && fits(a.tier, b.tier) && fits(a.tenant, b.tenant) &&
         fits(a.model, b.model) && fits(a.weight_version, b.weight_version);
}

void widen(std::string& to, const std::string& other) {
  if (to != other) to.clear();
}

/// Covers both; `b` is the newer one.
purge_rule cover(purge_rule a, const purge_rule& b) {
  widen(a.tier, b.tier);
  widen(a.tenant, b.tenant);
  widen(a.model, b.model);
  widen(a.weight_version, b.weight_version);
  a.at_ms = b.at_ms;
  return a;
}

bool is_before(const purge_rule& a, const purge_rule& b) {
  return a.at_ms < b.at_ms;
}

}  // namespace

purge_rules::purge_rules(std::uint64_t ttl_ms_max, std::size_t rules_max)
    : ttl_ms_max_(ttl_ms_max), rules_max_(std::max<std::size_t>(rules_max, 1)) {}

void purge_rules::add(purge_rule rule, std::uint64_t now_ms) {
  std::erase_if(rules_, [&](const purge_rule& one) {
    return one.at_ms < now_ms && now_ms - one.at_ms >= ttl_ms_max_;
  });
  rule.at_ms = std::min(rule.at_ms, now_ms + clock_slack_ms);
  for (const auto& one : rules_)
    if (covers(one, rule)) return;
  std::erase_if(rules_, [&](const purge_rule& one) { return covers(rule, one); });
  rules_.insert(std::upper_bound(rules_.begin(), rules_.end(), rule, is_before), std::move(rule));
  while (rules_.size() > rules_max_) {
    rules_[1] = cover(std::move(rules_[0]), rules_[1]);
    rules_.erase(rules_.begin());
  }
}

const purge_rule* purge_rules::reason(const purge_subject& of) const {
  // Newest first: most answers are younger than any rule.
  for (auto rule = rules_.rbegin(); rule != rules_.rend() && of.created_ms <= rule->at_ms; ++rule)
    if (fits(rule->tier, of.tier) && fits(rule->tenant, of.tenant) && fits(rule->model, of.model) &&
        fits(rule->weight_version, of.weight_version))
      return &*rule;
  return nullptr;
}

bool purge_rules::is_gone(const purge_subject& of) const {
  return reason(of) != nullptr;
}

}  // namespace tandem
