#include "tests/support/weights/weight_fleet.hpp"

namespace tandem::testing {
namespace {

bool equal(const roll_record& one, const roll_record& other) {
  return one.coordinator == other.coordinator && one.incarnation == other.incarnation &&
         one.phase == other.phase && one.reason == other.reason && one.engines == other.engines;
}

}  // namespace

errc modelled_agreement::write(const roll_record& next, const roll_mark& replaces,
                               const std::optional<wanted_version>& wants) {
  if (is_down) return errc::unavailable;
  roll_mark now;
  if (roll) {
    now = mark_of(*roll);
    if (now == mark_of(next) && equal(*roll, next)) return errc::unknown;
    // An own write whose answer was lost, and which is another by now.
    auto is_ours = now.id == next.id && roll->coordinator == next.coordinator &&
                   roll->incarnation == next.incarnation;
    if (is_ours) now = replaces;
  }
  if (now != replaces) return errc::conflict;
  roll = next;
  if (wants) wanted = *wants;
  ++writes;
  return std::exchange(loses_answer, false) ? errc::unavailable : errc::unknown;
}

weight_fleet::weight_fleet(const fleet_options& options)
    : options_{options}, random_{options.seed} {
  for (std::size_t i = 0; i < options_.nodes; ++i) {
    nodes_.push_back(std::make_unique<modelled_node>(*this, i));
    nodes_.back()->start("1");
  }
}

bool weight_fleet::is_cut(std::size_t one, std::size_t other, us at) const {
  auto found = cuts_.find(std::minmax(one, other));
  return found != cuts_.end() && found->second.from <= at && at < found->second.until;
}

bool weight_fleet::sees(std::size_t by, std::size_t of) const {
  if (by == of) return nodes_[by]->is_alive();
  auto now = time_.now();
  auto since = now - options_.missed;
  const auto& it = *nodes_[of];
  if (is_cut(by, of, now) && is_cut(by, of, since)) return false;
  return it.is_alive() || it.changed_at() > since;
}

void weight_fleet::cut(std::size_t one, std::size_t other, us span) {
  cuts_[std::minmax(one, other)] = {time_.now(), time_.now() + span};
}

void weight_fleet::send(std::size_t from, std::size_t to,
                        std::function<void(modelled_node&)> what) {
  if (from == to) {
    time_.after(us{20}, [this, to, what, life = nodes_[to]->incarnation()] {
      if (nodes_[to]->is_alive() && nodes_[to]->incarnation() == life) what(*nodes_[to]);
    });
    return;
  }
  std::uniform_real_distribution<double> share{0, 1};
  auto copies = 1;
  if (options_.lost > 0 && share(random_) < options_.lost) copies = 0;
  if (options_.doubled > 0 && share(random_) < options_.doubled) ++copies;
  if (is_cut(from, to, time_.now())) copies = 0;
  for (; copies > 0; --copies) {
    auto takes = options_.hop;
    if (options_.hop_spread.count() != 0)
      takes += us{static_cast<std::int64_t>(share(random_) *
                                            static_cast<double>(options_.hop_spread.count()))};
    time_.after(takes, [this, to, what, life = nodes_[to]->incarnation()] {
      auto& node = *nodes_[to];
      if (node.is_alive() && node.incarnation() == life) what(node);
    });
  }
}

}  // namespace tandem::testing
