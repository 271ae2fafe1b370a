#include "actors/replication/replica_set.hpp"

#include <algorithm>

namespace tandem {

replica_set::replica_set(copy_id self, storage::log_position start,
                         const std::vector<copy_id>& in_sync, replica_set_limits limits, time now)
    : self_(self),
      epoch_(start.epoch),
      limits_(limits),
      written_(start.sequence),
      local_(0),
      acknowledged_(0),
      not_before_(now) {
  members_[self].in_sync = true;
  for (const auto copy : in_sync) members_[copy].in_sync = true;
  for (auto& [copy, one] : members_) one.progress = now;
}

void replica_set::on_written(std::uint64_t sequence, time now) {
  // Whoever had everything begins to be waited for now.
  for (auto& [copy, one] : members_)
    if (one.acked == written_) one.progress = now;
  written_ = sequence;
}

void replica_set::on_local(std::uint64_t sequence) {
  local_ = std::max(local_, sequence);
  advance();
}

void replica_set::on_ack(copy_id copy, storage::log_position has, std::uint64_t known_epoch,
                         time now) {
  if (known_epoch > epoch_) fence(known_epoch);
  if (copy == self_) return;
  auto& one = members_[copy];
  one.lost = false;
  // What it has of earlier epochs may be another past; more than there is, nonsense.
  if (has.epoch != epoch_ || has.sequence > written_ || has.sequence <= one.acked) return;
  one.acked = has.sequence;
  one.progress = now;
  advance();
}

void replica_set::on_lost(copy_id copy) {
  const auto found = members_.find(copy);
  if (found == members_.end() || copy == self_) return;
  found->second.lost = true;
  if (!is_required(copy)) members_.erase(found);
}

void replica_set::fence(std::uint64_t higher_epoch) {
  fenced_by_ = std::max(fenced_by_, std::max(higher_epoch, epoch_ + 1));
}

bool replica_set::is_in_sync(copy_id copy) const {
  const auto found = members_.find(copy);
  return found != members_.end() && found->second.in_sync;
}

bool replica_set::is_required(copy_id copy) const {
  const auto found = members_.find(copy);
  return found != members_.end() && (found->second.in_sync || found->second.maybe_added);
}

std::size_t replica_set::in_sync_count() const {
  return static_cast<std::size_t>(std::count_if(
      members_.begin(), members_.end(), [](const auto& entry) { return entry.second.in_sync; }));
}

std::vector<replica_set::copy_id> replica_set::in_sync() const {
  std::vector<copy_id> result;
  for (const auto& [copy, one] : members_)
    if (one.in_sync) result.push_back(copy);
  return result;
}

void replica_set::advance() {
  if (is_fenced() || in_sync_count() < limits_.min_in_sync) return;
  auto up_to = local_;
  for (const auto& [copy, one] : members_)
    if (copy != self_ && (one.in_sync || one.maybe_added)) up_to = std::min(up_to, one.acked);
  acknowledged_ = std::max(acknowledged_, up_to);
}

bool replica_set::is_overdue(const member& one, time now) const {
  return one.lost || (one.acked < written_ && now - one.progress >= limits_.ack_timeout);
}

std::optional<replica_set::change> replica_set::next_change(time now) {
  if (is_fenced() || under_way_ || now < not_before_) return std::nullopt;
  for (auto& [copy, one] : members_) {
    if (copy == self_ || !(one.in_sync || one.maybe_added)) continue;
    if (!is_overdue(one, now) && !one.given_up) continue;
    // One that was perhaps added counts for nothing yet.
    if (one.in_sync && in_sync_count() <= std::max(limits_.min_in_sync, 1u)) continue;
    return under_way_ = change{change::kind::remove, copy};
  }
  for (auto& [copy, one] : members_) {
    if (one.in_sync || one.lost) continue;
    const auto may_be_added = in_sync_count() < limits_.copies && one.acked != 0 &&
                              one.acked >= acknowledged_ && !is_overdue(one, now);
    if (!one.maybe_added && !may_be_added) continue;
    one.maybe_added = true;
    return under_way_ = change{change::kind::add, copy};
  }
  return std::nullopt;
}

void replica_set::on_changed(outcome how, time now) {
  if (!under_way_) return;
  const auto asked = *under_way_;
  under_way_.reset();
  if (how == outcome::fenced) fence(epoch_ + 1);
  auto& one = members_[asked.copy];
  if (how != outcome::done) {
    not_before_ = now + limits_.retry;
    if (how == outcome::unknown) one.fate_unknown = true;
    if (asked.what == change::kind::add && how == outcome::refused) {
      // Out of the set for certain only by a removal, when an earlier answer was lost.
      one.given_up = one.fate_unknown;
      one.maybe_added = one.fate_unknown;
    }
  } else if (asked.what == change::kind::add) {
    one.in_sync = true;
    one.maybe_added = one.fate_unknown = one.given_up = false;
  } else {
    members_.erase(asked.copy);
  }
  advance();
}

void replica_set::on_agreed(const std::vector<copy_id>& in_sync, time now) {
  if (under_way_) return;
  for (auto& [copy, one] : members_) {
    if (copy == self_ || !one.in_sync) continue;
    if (std::find(in_sync.begin(), in_sync.end(), copy) != in_sync.end()) continue;
    one.in_sync = false;
    one.maybe_added = one.fate_unknown = true;
  }
  for (const auto copy : in_sync) {
    auto [found, is_new] = members_.try_emplace(copy);
    if (is_new) found->second.progress = now;
    if (!found->second.given_up) found->second.in_sync = true;
  }
  advance();
}

std::optional<replica_set::time> replica_set::next_check() const {
  if (is_fenced() || under_way_) return std::nullopt;
  std::optional<time> soonest;
  const auto at = [&soonest](time when) { soonest = soonest ? std::min(*soonest, when) : when; };
  for (const auto& [copy, one] : members_) {
    if (copy == self_) continue;
    if (one.in_sync || one.maybe_added) {
      if (one.lost || one.maybe_added || one.given_up) at(not_before_);
      if (one.acked < written_) at(std::max(one.progress + limits_.ack_timeout, not_before_));
    } else if (one.acked != 0) {
      at(not_before_);
    }
  }
  return soonest;
}

std::string replica_set::state() const {
  if (is_fenced())
    return "stopped: epoch " + std::to_string(fenced_by_) + " has begun, this one was " +
           std::to_string(epoch_);
  const auto count = in_sync_count();
  if (count < limits_.min_in_sync)
    return "waiting: " + std::to_string(count) + " in-sync copies, min_in_sync is " +
           std::to_string(limits_.min_in_sync);
  if (acknowledged_ < local_) return "waiting for a copy";
  if (count < limits_.copies)
    return "ok: " + std::to_string(count) + " of " + std::to_string(limits_.copies) + " copies";
  return "ok";
}

}  // namespace tandem
