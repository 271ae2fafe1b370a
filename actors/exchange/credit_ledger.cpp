#include "actors/exchange/credit_ledger.hpp"

#include <algorithm>

namespace tandem {
namespace {

/// Waiting at the engine, so that a place that becomes free is taken at once.
std::uint32_t backlog(std::uint32_t concurrency) {
  return std::max(concurrency / 4, 1u);
}

}  // namespace

void credit_ledger::set_engine(std::string_view name, std::uint32_t concurrency) {
  auto found = engines_.find(name);
  if (found == engines_.end()) {
    found = engines_.emplace(std::string{name}, engine{}).first;
    for (auto who : parties_) found->second.shares.try_emplace(who);
  } else if (found->second.concurrency == concurrency) {
    return;
  }
  found->second.concurrency = concurrency;
  found->second.changed = true;
}

void credit_ledger::remove_engine(std::string_view name) {
  if (auto found = engines_.find(name); found != engines_.end()) engines_.erase(found);
}

void credit_ledger::add_party(party who) {
  if (!parties_.insert(who).second) return;
  for (auto& [name, of] : engines_) {
    of.shares.try_emplace(who);
    of.changed = true;
  }
}

void credit_ledger::remove_party(party who) {
  if (who == own || parties_.erase(who) == 0) return;
  for (auto& [name, of] : engines_) {
    of.shares.erase(who);
    of.changed = true;
  }
}

credit_ledger::share* credit_ledger::find(std::string_view name, party who) {
  auto of = engines_.find(name);
  if (of == engines_.end()) return nullptr;
  auto found = of->second.shares.find(who);
  if (found == of->second.shares.end()) return nullptr;
  of->second.used = true;
  return &found->second;
}

const credit_ledger::share* credit_ledger::find(std::string_view name, party who) const {
  auto of = engines_.find(name);
  if (of == engines_.end()) return nullptr;
  auto found = of->second.shares.find(who);
  return found == of->second.shares.end() ? nullptr : &found->second;
}

void credit_ledger::begin(std::string_view engine, party who) {
  if (auto* found = find(engine, who)) ++found->in_use;
}

void credit_ledger::end(std::string_view engine, party who) {
  if (auto* found = find(engine, who); found != nullptr && found->in_use > 0) --found->in_use;
}

void credit_ledger::set_own(std::string_view engine, std::uint32_t in_use) {
  if (auto* found = find(engine, own)) found->in_use = in_use;
}

std::uint32_t credit_ledger::granted(std::string_view engine, party who) const {
  const auto* found = find(engine, who);
  return found == nullptr ? 0 : found->granted;
}

std::uint32_t credit_ledger::in_use(std::string_view engine, party who) const {
  const auto* found = find(engine, who);
  return found == nullptr ? 0 : found->in_use;
}

std::vector<std::uint32_t> credit_ledger::fair(const engine& of) {
  auto count = static_cast<std::uint32_t>(of.shares.size());
  std::vector<std::uint32_t> grants(count, of.concurrency == 0 ? 0 : 1);
  if (of.concurrency == 0) return grants;
  auto total = of.concurrency + backlog(of.concurrency);
  auto left = total > count ? total - count : 0;
  std::vector<std::uint32_t> wants;
  for (const auto& [who, has] : of.shares)
    // Whoever has used its share up may want twice as much; the others want a place more.
    wants.push_back(has.in_use >= has.granted ? 2 * std::max(has.in_use, 1u) : has.in_use + 1);
  for (bool any = true; any && left > 0;) {
    auto unserved = static_cast<std::uint32_t>(std::count_if(
        wants.begin(), wants.end(),
        [&, i = std::size_t{0}](std::uint32_t want) mutable { return want > grants[i++]; }));
    if (unserved == 0) break;
    auto part = std::max(left / unserved, 1u);
    any = false;
    for (std::size_t i = 0; i < wants.size() && left > 0; ++i) {
      if (wants[i] <= grants[i]) continue;
      auto more = std::min({part, wants[i] - grants[i], left});
      grants[i] += more;
      left -= more;
      any = true;
    }
  }
  for (auto& each : grants) each += left / count;
  return grants;
}

std::set<credit_ledger::party> credit_ledger::divide() {
  std::set<party> changed;
  for (auto& [name, of] : engines_) {
    if (!of.changed && !of.used) continue;
    auto grants = fair(of);
    bool idle = true;
    bool lacking = false;
    std::size_t place = 0;
    for (const auto& [who, has] : of.shares) {
      idle = idle && has.in_use == 0;
      lacking = lacking || (has.in_use >= has.granted && grants[place] > has.granted);
      ++place;
    }
    auto move = of.changed || idle || lacking;
    of.changed = of.used = false;
    if (!move) continue;
    place = 0;
    for (auto& [who, has] : of.shares) {
      if (has.granted != grants[place]) changed.insert(who);
      has.granted = grants[place++];
    }
  }
  return changed;
}

}  // namespace tandem
