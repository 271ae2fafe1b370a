#include "actors/replication/register_step.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace tandem {
namespace {

using kind = register_step::kind;

register_step stop(kind what, std::string text) {
  return {.what = what, .next = {}, .lease = lease_change::keep, .text = std::move(text)};
}

register_step done() {
  return stop(kind::done, {});
}

std::string shown(const journal_copy& copy) {
  return copy.node + " (copy " + std::to_string(copy.replica) + ")";
}

std::string state_of(const journal_record& record) {
  return "epoch " + std::to_string(record.epoch) + ", primary " +
         (record.primary ? shown(record.primary->copy) : std::string{"nobody"});
}

struct decider {
  const register_view& view;
  const journal_holder& self;
  std::int64_t lease;

  [[nodiscard]] const journal_record& record() const { return *view.record; }

  register_step write(journal_record next, lease_change change = lease_change::keep) const {
    if (change == lease_change::put && lease == 0)
      return stop(kind::refused, "whoever becomes primary needs a lease");
    if (auto problem = problem_of(next); !problem.empty())
      return stop(kind::refused, "the record would be wrong: " + problem);
    return {.what = kind::write, .next = std::move(next), .lease = change, .text = {}};
  }

  /// Led by the caller: done, once the lease key is that of its lease.
  register_step lead() const {
    if (lease != 0 && view.lease == lease_text(self, lease)) return done();
    if (!view.lease.empty() && !is_lease_of(view.lease, self.copy)) return held();
    return write(record(), lease_change::put);
  }

  register_step held() const {
    return stop(kind::held, "its lease is held: " + view.lease + "; " + state_of(record()));
  }

  /// Why the caller does not act as primary of `epoch`.
  std::optional<register_step> not_primary(std::uint64_t epoch) const {
    if (!view.record) return stop(kind::refused, "there is no such journal in etcd");
    if (record().epoch != epoch || !record().is_led_by(self))
      return stop(kind::fenced, "this node is not its primary of epoch " + std::to_string(epoch) +
                                    " any more; it is " + state_of(record()));
    return std::nullopt;
  }

  register_step operator()(const register_create& wanted) const {
    if (view.record) {
      if (record().epoch == 1 && record().is_led_by(self)) return lead();
      return stop(kind::fenced, "it is there already, " + state_of(record()) + "; take it over");
    }
    return write({.epoch = 1,
                  .primary = self,
                  .in_sync = {self.copy},
                  .copies = wanted.copies,
                  .min_in_sync = wanted.min_in_sync},
                 lease_change::put);
  }

  register_step operator()(const register_add& wanted) const {
    if (auto no = not_primary(wanted.epoch)) return *no;
    if (record().has(wanted.copy)) return done();
    if (wanted.copy.node == self.copy.node)
      return stop(kind::refused, "a node has one copy: " + wanted.copy.node);
    auto next = record();
    // A node that lost its folder: its new copy takes the old one's place.
    std::erase_if(next.in_sync, [&](const auto& copy) { return copy.node == wanted.copy.node; });
    if (next.in_sync.size() >= next.copies)
      return stop(kind::refused, "it has its " + std::to_string(next.copies) +
                                     " copies; remove one before another is added");
    next.in_sync.push_back(wanted.copy);
    return write(std::move(next));
  }

  register_step operator()(const register_remove& wanted) const {
    if (auto no = not_primary(wanted.epoch)) return *no;
    if (!record().has(wanted.copy)) return wanted.settle ? write(record()) : done();
    if (wanted.copy == self.copy)
      return stop(kind::refused, "the primary cannot be removed; hand over first");
    if (record().in_sync.size() <= record().min_in_sync)
      return stop(kind::refused, "without " + shown(wanted.copy) + " there would be " +
                                     std::to_string(record().in_sync.size() - 1) +
                                     " copies in sync, below min_in_sync = " +
                                     std::to_string(record().min_in_sync) +
                                     "; bring a follower back");
    auto next = record();
    std::erase(next.in_sync, wanted.copy);
    return write(std::move(next));
  }

  register_step operator()(const register_take_over& wanted) const {
    if (!view.record) return stop(kind::refused, "there is no such journal in etcd");
    auto is_new = wanted.epoch == 0 || record().epoch == wanted.epoch + 1;
    if (record().is_led_by(self) && (is_new || record().epoch == wanted.epoch)) return lead();
    if (wanted.epoch != 0 && record().epoch != wanted.epoch)
      return stop(kind::fenced, "it went on without this node: " + state_of(record()));
    if (!record().has(self.copy))
      return stop(kind::refused, shown(self.copy) + " is not in sync and must not take over; " +
                                     state_of(record()));
    // A former run of this copy is dead: its folder is this node's.
    if (!view.lease.empty() && !is_lease_of(view.lease, self.copy)) return held();
    auto next = record();
    ++next.epoch;
    if (next.primary && next.primary->copy != self.copy && next.in_sync.size() > next.min_in_sync)
      std::erase(next.in_sync, next.primary->copy);
    next.primary = self;
    return write(std::move(next), lease_change::put);
  }

  register_step operator()(const register_hand_over& wanted) const {
    if (view.record && record().epoch == wanted.epoch + 1 && record().is_led_by(wanted.to))
      return done();
    if (auto no = not_primary(wanted.epoch)) return *no;
    if (wanted.to.copy == self.copy)
      return stop(kind::refused, "the journal cannot be handed over to its own primary");
    if (!record().has(wanted.to.copy))
      return stop(kind::refused,
                  shown(wanted.to.copy) + " is not in sync; wait until it has caught up");
    auto next = record();
    ++next.epoch;
    next.primary = wanted.to;
    return write(std::move(next), lease_change::erase);
  }

  register_step operator()(const register_resign& wanted) const {
    if (view.record && record().epoch == wanted.epoch && !record().primary) return done();
    if (auto no = not_primary(wanted.epoch)) return *no;
    auto next = record();
    next.primary.reset();
    return write(std::move(next), lease_change::erase);
  }

  register_step operator()(const register_hold& wanted) const {
    if (auto no = not_primary(wanted.epoch)) return *no;
    return lead();
  }

  register_step operator()(const register_resize& wanted) const {
    if (auto no = not_primary(wanted.epoch)) return *no;
    if (record().copies == wanted.copies && record().min_in_sync == wanted.min_in_sync)
      return done();
    auto next = record();
    next.copies = wanted.copies;
    next.min_in_sync = wanted.min_in_sync;
    return write(std::move(next));
  }
};

}  // namespace

register_step decide(const register_view& view, const journal_holder& self, std::int64_t lease,
                     const register_operation& operation) {
  return std::visit(decider{view, self, lease}, operation);
}

std::string_view name_of(const register_operation& operation) {
  static constexpr std::array<std::string_view, std::variant_size_v<register_operation>> names{
      "create", "add_follower", "remove_follower", "take_over", "hand_over",
      "resign", "hold",         "resize"};
  return names[operation.index()];
}

}  // namespace tandem
