#include "actors/router/route_backlog.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "schema/text.hpp"

namespace tandem {
namespace {

/// Puts each of `later` in the place of the one with its key, else at the end.
template <class Key, class Item, class KeyOf>
void merge(std::vector<Item>& into, const std::vector<Item>& later, KeyOf key_of) {
  std::map<Key, std::size_t> places;
  for (std::size_t i = 0; i < into.size(); ++i) places.insert_or_assign(key_of(into[i]), i);
  for (const auto& item : later) {
    auto [place, is_new] = places.try_emplace(key_of(item), into.size());
    if (is_new)
      into.push_back(item);
    else
      into[place->second] = item;
  }
}

using arm_key = std::tuple<std::uint64_t, std::uint16_t, std::string>;

arm_key key_of_statistics(const tmsg::armstat& statistics) {
  auto reader = statistics.read();
  return {reader->getOrigin(), static_cast<std::uint16_t>(reader->getPurpose()),
          std::string{view(reader->getModel())}};
}

std::uint64_t id_of(const tmsg::decrec& decision) {
  return decision.read()->getId();
}

void append_new(std::vector<std::uint64_t>& to, const std::vector<std::uint64_t>& from) {
  std::unordered_set<std::uint64_t> known(to.begin(), to.end());
  for (auto id : from)
    if (known.insert(id).second) to.push_back(id);
}

}  // namespace

void route_backlog::add(const storage::route_batch& later) {
  // In the order of a write: what a batch forgets goes before what it brings.
  auto forgets = [](const std::vector<std::uint64_t>& ids, std::uint64_t id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  std::erase_if(batch_.statistics, [&](const auto& one) {
    return forgets(later.forgotten_origins, one.read()->getOrigin());
  });
  std::erase_if(batch_.decisions,
                [&](const auto& one) { return forgets(later.forgotten_decisions, id_of(one)); });
  append_new(batch_.forgotten_origins, later.forgotten_origins);
  append_new(batch_.forgotten_decisions, later.forgotten_decisions);
  merge<arm_key>(batch_.statistics, later.statistics, key_of_statistics);
  merge<std::uint64_t>(batch_.decisions, later.decisions, id_of);
  merge<std::string>(batch_.states, later.states, [](const auto& state) { return state.name; });
  batch_.changes.insert(batch_.changes.end(), later.changes.begin(), later.changes.end());
  if (!later.setting.empty()) batch_.setting = later.setting;
  trim();
}

void route_backlog::trim() {
  if (batch_.decisions.size() > decisions_max_) {
    auto excess = batch_.decisions.size() - decisions_max_;
    auto end = batch_.decisions.begin() + static_cast<std::ptrdiff_t>(excess);
    std::vector<std::uint64_t> gone;
    std::transform(batch_.decisions.begin(), end, std::back_inserter(gone), id_of);
    append_new(batch_.forgotten_decisions, gone);
    batch_.decisions.erase(batch_.decisions.begin(), end);
    lost_ += excess;
  }
  auto& forgotten = batch_.forgotten_decisions;
  if (forgotten.size() > forgotten_max)
    forgotten.erase(forgotten.begin(),
                    forgotten.end() - static_cast<std::ptrdiff_t>(forgotten_max));
  auto& changes = batch_.changes;
  if (changes.size() <= changes_max) return;
  lost_ += changes.size() - changes_max;
  changes.erase(changes.begin(), changes.end() - static_cast<std::ptrdiff_t>(changes_max));
}

}  // namespace tandem
