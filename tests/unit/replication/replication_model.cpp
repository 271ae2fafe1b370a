#include "tests/unit/replication/replication_model.hpp"

#include <algorithm>
#include <utility>

namespace tandem::test {

namespace {

constexpr std::size_t node_count = 3;
using outcome = replica_set::outcome;

bool holds(const std::vector<std::uint64_t>& set, std::uint64_t copy) {
  return std::find(set.begin(), set.end(), copy) != set.end();
}

}  // namespace

replication_model::replication_model(std::uint64_t seed, faults with) : random_(seed), with_(with) {
  nodes_.resize(node_count);
  for (auto& one : nodes_) one.copy = ++next_copy_;
  record_ = {.epoch = 0, .primary = 0, .in_sync = {nodes_[0].copy}, .version = 1};
  take_over(0);
}

storage::log_position replication_model::end_of(const node& one) {
  return one.disk.empty() ? storage::log_position{} : one.disk.back().at;
}

void replication_model::check(bool holds, const std::string& what) {
  if (!holds && broken_.empty()) broken_ = what;
}

void replication_model::later(event what) {
  pending_.push_back(std::move(what));
}

void replication_model::send(std::size_t to, event what) {
  const auto copies = chance(with_.message_loss_percent) ? 0 : chance(5) ? 2 : 1;
  for (int i = 0; i < copies; ++i)
    later([this, to, what] {
      if (nodes_[to].up) what();
    });
}

void replication_model::run(int count) {
  for (int i = 0; i < count && broken_.empty(); ++i) step();
}

void replication_model::step() {
  now_ += std::chrono::milliseconds(pick(50));
  // Any pending event may be the next: that is delay and disorder.
  if (!pending_.empty() && chance(60)) {
    const auto which = pick(pending_.size());
    auto next = std::move(pending_[which]);
    pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(which));
    next();
    return;
  }
  const auto at = pick(node_count);
  auto& one = nodes_[at];
  if (!one.up) {
    if (chance(20)) restart(at);
    return;
  }
  if (chance(with_.crash_percent)) return crash(at);
  // Without faults a lease ends only with its holder.
  if (chance(2) && (with_.lease_loss || !has_primary())) return take_over(at);
  if (!one.set) return sync(at);
  switch (pick(4)) {
    case 0:
      return client_write(at);
    case 1:
      return sync(at);
    case 2:
      return ask_changes(at);
    default:
      for (std::size_t to = 0; to < node_count; ++to)
        if (to != at) replicate(at, to);
  }
}

bool replication_model::has_primary() const {
  return std::any_of(nodes_.begin(), nodes_.end(), [this](const node& one) {
    return one.up && one.set && !one.set->is_fenced() && one.set->epoch() == record_.epoch;
  });
}

void replication_model::client_write(std::size_t at) {
  auto& one = nodes_[at];
  if (one.set->is_fenced()) return;
  const auto before = end_of(one);
  one.disk.push_back({{one.set->epoch(), before.sequence + 1}, before.epoch, ++next_value_});
  one.set->on_written(before.sequence + 1, now_);
  for (std::size_t to = 0; to < node_count; ++to)
    if (to != at) replicate(at, to);
}

void replication_model::sync(std::size_t at) {
  auto& one = nodes_[at];
  one.synced = one.disk.size();
  if (!one.set) return;
  one.set->on_local(end_of(one).sequence);
  answer(at);
}

void replication_model::crash(std::size_t at) {
  auto& one = nodes_[at];
  one.up = false;
  one.set.reset();
  ++one.run;
  one.disk.resize(one.synced);
  one.known_epoch = end_of(one).epoch;
  // No more disks than the configuration can lose: some other in-sync copy is up, and stays.
  const auto others = std::count_if(nodes_.begin(), nodes_.end(), [this](const node& other) {
    return other.up && holds(record_.in_sync, other.copy);
  });
  if (!chance(with_.lost_disk_percent)) return;
  if (holds(record_.in_sync, one.copy) && others == 0) return;
  one.disk.clear();
  one.synced = 0;
  one.known_epoch = 0;
  one.copy = ++next_copy_;
}

void replication_model::restart(std::size_t at) {
  nodes_[at].up = true;
  // A copy asks the register for the epoch before it follows anybody: it may have forgotten that it
  // has taken over itself.
  nodes_[at].known_epoch = std::max(nodes_[at].known_epoch, record_.epoch);
  for (std::size_t to = 0; to < node_count; ++to)
    if (to != at) send_ack(at, to);
}

// A compare-and-swap upon what was read a moment ago; the lease may have ended at any moment.
void replication_model::take_over(std::size_t at) {
  auto& one = nodes_[at];
  if (one.set && !one.set->is_fenced()) return;
  const auto seen = record_;
  if (!holds(seen.in_sync, one.copy)) return;
  later([this, at, seen, run = one.run] {
    if (record_.version != seen.version) return;
    const auto former = record_.primary;
    record_.epoch = seen.epoch + 1;
    record_.primary = nodes_[at].copy;
    if (!nodes_[at].up || nodes_[at].run != run) {
      // It died before it heard that it had won.
      ++record_.version;
      return;
    }
    if (former != nodes_[at].copy && record_.in_sync.size() > with_.min_in_sync)
      std::erase(record_.in_sync, former);
    ++record_.version;
    begin_epoch(at, record_);
  });
}

void replication_model::begin_epoch(std::size_t at, const record& seen) {
  auto& one = nodes_[at];
  if (one.known_epoch > seen.epoch) return;
  one.known_epoch = seen.epoch;
  const auto before = end_of(one);
  at_takeover_[seen.epoch] = one.disk;
  for (const auto& [sequence, has] : acknowledged_)
    check(sequence <= one.disk.size() && one.disk[sequence - 1] == has,
          "epoch " + std::to_string(seen.epoch) + " begins without acknowledged write " +
              std::to_string(sequence));
  one.disk.push_back({{seen.epoch, before.sequence + 1}, before.epoch, ++next_value_});
  replica_set_limits limits;
  limits.copies = node_count;
  limits.min_in_sync = with_.min_in_sync;
  one.set = std::make_unique<replica_set>(one.copy, end_of(one), seen.in_sync, limits, now_);
  one.answered = before.sequence;
}

void replication_model::ask_changes(std::size_t at) {
  auto& one = nodes_[at];
  if (chance(30) && record_.epoch == one.set->epoch()) one.set->on_agreed(record_.in_sync, now_);
  if (chance(10) && record_.epoch > one.set->epoch()) one.set->fence(record_.epoch);
  if (const auto what = one.set->next_change(now_)) change_record(at, *what);
}

void replication_model::change_record(std::size_t at, replica_set::change what) {
  const auto epoch = nodes_[at].set->epoch();
  const auto run = nodes_[at].run;
  const auto tell = [this, at, epoch, run, told = std::make_shared<bool>(false)](outcome how) {
    auto& one = nodes_[at];
    if (std::exchange(*told, true)) return;
    if (!one.up || one.run != run || !one.set || one.set->epoch() != epoch) return;
    one.set->on_changed(how, now_);
    answer(at);
  };
  const auto upon = record_.version;
  const auto is_lost = chance(with_.register_loss_percent);
  if (is_lost && chance(50)) {
    // The answer is given up before the write comes, or never comes.
    tell(outcome::unknown);
    if (chance(50)) return;
  }
  later([this, what, epoch, upon, is_lost, tell] {
    const auto end = [&](outcome how) {
      if (!is_lost) later([tell, how] { tell(how); });
    };
    if (record_.epoch != epoch) return end(outcome::fenced);
    if (record_.version != upon) return end(outcome::unavailable);
    auto& set = record_.in_sync;
    if (what.what == replica_set::change::kind::add) {
      if (set.size() >= node_count && !holds(set, what.copy)) return end(outcome::refused);
      if (!holds(set, what.copy)) set.push_back(what.copy);
    } else {
      if (holds(set, what.copy) && set.size() <= with_.min_in_sync) return end(outcome::refused);
      removals_ += holds(set, what.copy);
      std::erase(set, what.copy);
    }
    // Also without a change: no earlier try may come after it.
    ++record_.version;
    end(outcome::done);
    if (is_lost) later([tell] { tell(outcome::unknown); });
  });
}

void replication_model::replicate(std::size_t from, std::size_t to) {
  const auto& one = nodes_[from];
  const auto has = end_of(nodes_[to]);
  // What the follower said last may be old: now and then less or more is sent.
  const auto said = has.sequence - std::min<std::uint64_t>(has.sequence, pick(3));
  const auto epoch = one.set->epoch();
  const bool is_prefix = has.sequence == 0 ||
                         (has.sequence <= one.disk.size() && one.disk[has.sequence - 1].at == has);
  if (!is_prefix || chance(3)) {
    // A snapshot shows what the journal has, synced or not.
    send(to, [this, to, epoch, all = one.disk, from] { install(to, epoch, all, from); });
    return;
  }
  const auto end = said + pick(one.disk.size() - said + 1);
  log part(one.disk.begin() + static_cast<std::ptrdiff_t>(said),
           one.disk.begin() + static_cast<std::ptrdiff_t>(end));
  send(to, [this, to, epoch, part, from] { receive(to, epoch, part, from); });
}

void replication_model::receive(std::size_t at, std::uint64_t epoch, const log& entries,
                                std::size_t from) {
  auto& one = nodes_[at];
  if (one.set && !one.set->is_fenced() && one.set->epoch() >= epoch) return send_ack(at, from);
  if (epoch < one.known_epoch) return send_ack(at, from);
  one.set.reset();
  one.known_epoch = epoch;
  for (const auto& next : entries) {
    // Older writes of a new primary come in its epoch's name.
    const auto said = storage::judge(end_of(one), next.at, next.previous_epoch);
    if (said == storage::verdict::duplicate) continue;
    if (said != storage::verdict::accept) break;
    one.disk.push_back(next);
  }
  one.synced = one.disk.size();
  send_ack(at, from);
}

void replication_model::install(std::size_t at, std::uint64_t epoch, const log& all,
                                std::size_t from) {
  auto& one = nodes_[at];
  if (one.set && !one.set->is_fenced() && one.set->epoch() >= epoch) return send_ack(at, from);
  if (epoch < one.known_epoch) return send_ack(at, from);
  if (all.empty() || all.back().at < end_of(one)) return;
  one.set.reset();
  one.known_epoch = epoch;
  one.disk = all;
  one.synced = all.size();
  send_ack(at, from);
}

void replication_model::send_ack(std::size_t from, std::size_t to) {
  const auto& one = nodes_[from];
  log synced(one.disk.begin(), one.disk.begin() + static_cast<std::ptrdiff_t>(one.synced));
  const auto has = synced.empty() ? storage::log_position{} : synced.back().at;
  send(to, [this, to, copy = one.copy, has, known = one.known_epoch] {
    auto& primary = nodes_[to];
    if (!primary.set) return;
    primary.set->on_ack(copy, has, known, now_);
    answer(to);
  });
}

void replication_model::answer(std::size_t at) {
  auto& one = nodes_[at];
  const auto up_to = one.set->acknowledged();
  if (up_to <= one.answered) return;
  for (auto sequence = one.answered + 1; sequence <= up_to; ++sequence) {
    const auto& has = one.disk[sequence - 1];
    const auto [found, is_new] = acknowledged_.emplace(sequence, has);
    check(is_new || found->second == has,
          "write " + std::to_string(sequence) + " is acknowledged twice, differently");
    for (const auto& [epoch, then] : at_takeover_)
      check(epoch <= has.at.epoch || (sequence <= then.size() && then[sequence - 1] == has),
            "epoch " + std::to_string(has.at.epoch) + " acknowledges write " +
                std::to_string(sequence) + ", which epoch " + std::to_string(epoch) +
                " began without");
  }
  one.answered = up_to;
}

void replication_model::heal() {
  with_ = {.message_loss_percent = 0,
           .crash_percent = 0,
           .lost_disk_percent = 0,
           .register_loss_percent = 0,
           .lease_loss = false,
           .min_in_sync = with_.min_in_sync};
  for (std::size_t at = 0; at < node_count; ++at)
    if (!nodes_[at].up) restart(at);
  const auto before = acknowledged_.size();
  run(20'000);
  // A message that lay long enough for its sender to be removed is no fault.
  for (int i = 0; i < 20'000 && record_.in_sync.size() < node_count; ++i) run(1);
  const auto in_sync = record_.in_sync.size();
  check(acknowledged_.size() > before + 10, "nothing is acknowledged after the faults have ended");
  check(in_sync == node_count, "not all copies are in sync after the faults have ended");
}

}  // namespace tandem::test
