#include "actors/replication/replicated_journal.hpp"

#include <algorithm>
#include <utility>

#include "actors/journal/journal.hpp"
#include "actors/metrics/node_metrics.hpp"
#include "actors/status.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {

namespace {

constexpr std::size_t snapshots_max = 4;
constexpr std::size_t followers_max = 16;

replica_set::time now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

replicated_journal_state::~replicated_journal_state() {
  fail(failed ? failed : make_error(errc::unavailable, "the journal has stopped"));
}

void replicated_journal_state::fail(const caf::error& why) {
  for (auto& one : groups)
    for (auto& promise : one.promises) promise.deliver(why);
  groups.clear();
  for (auto& promise : waiting) promise.deliver(why);
  waiting.clear();
  batch.clear();
}

void replicated_journal_state::begin(pointer self) {
  log.emplace(start.log_bytes_max);
  failed = start.store->start_epoch(
      start.epoch, [this, self](storage::replica_write write) { give_out(self, write); });
  if (failed) return;
  std::vector<std::uint64_t> in_sync;
  for (const auto& copy : start.in_sync) {
    in_sync.push_back(copy.replica);
    followers[copy.replica].node = copy.node;
  }
  followers.erase(start.self.replica);
  const auto at = start.store->position();
  copies.emplace(start.self.replica, at, in_sync, start.limits, now());
  copies->on_local(at.sequence);
}

void replicated_journal_state::give_out(pointer self, const storage::replica_write& write) {
  write_log::entry entry;
  entry.at = write.at;
  entry.previous_epoch = write.previous_epoch;
  entry.messages = to_messages(start.store->id(), start.epoch, write);
  for (const auto& message : entry.messages) entry.bytes += message.bytes().size();
  log->add(std::move(entry));
  if (!copies) return;
  copies->on_written(write.at.sequence, now());
  for (auto& [copy, one] : followers) send_writes(self, one);
}

void replicated_journal_state::send_writes(pointer self, follower& to) {
  if (!to.writer || !to.follows) return;
  const auto& entries = log->entries();
  const auto first = entries.front().at.sequence;
  if (to.sent + 1 < first) {
    to.follows = false;
    return;
  }
  std::size_t under_way = 0;
  for (auto i = std::max(to.acked + 1, first) - first; i < entries.size(); ++i) {
    const auto& entry = entries[i];
    under_way += entry.bytes;
    if (entry.at.sequence <= to.sent) continue;
    if (under_way > start.window_bytes_max && entry.at.sequence > to.acked + 1) return;
    for (const auto& message : entry.messages) self->send(to.writer, replica_atom_v, message);
    to.sent = entry.at.sequence;
  }
}

void replicated_journal_state::commit() {
  if (waiting.empty() || failed || groups.size() >= start.pipeline_max) return;
  const storage::journal_batch* batches[] = {&batch};
  const auto before = copies->written();
  const auto began = now();
  failed = start.store->commit(batches, start.config.durability);
  if (failed) return;
  if (start.metrics)
    start.metrics->on_commit(batch_records, std::chrono::duration<double>{now() - began}.count());
  batch.clear();
  batch_records = 0;
  // An empty batch is no write: it waits for the one before.
  copies->on_local(std::max(before, copies->written()));
  groups.push_back({copies->written(), std::exchange(waiting, {})});
}

void replicated_journal_state::on_ack(pointer self, schema::ReplicaAck::Reader ack) {
  const auto copy = ack.getCopy();
  const storage::log_position has{ack.getPositionEpoch(), ack.getSequence()};
  if (copy == start.self.replica || !self->current_sender()) return;
  if (copy != 0 && followers.count(copy) == 0 && followers.size() >= followers_max) return;
  const auto code = static_cast<errc>(ack.getError().getCode());
  const bool cannot_write =
      code != errc::unknown && code != errc::not_found && code != errc::conflict;
  auto& one = followers[copy];
  const auto sender = caf::actor_cast<replica_writer_actor>(self->current_sender());
  if (one.writer != sender) one = {.writer = sender, .node = {}};
  one.node = view(ack.getNode());
  if (copy != 0) copies->on_ack(copy, has, ack.getEpoch(), now());
  if (copy != 0 && cannot_write) {
    copies->on_lost(copy);
    return;
  }
  one.acked = std::max(one.acked, has.epoch == start.epoch ? has.sequence : 0);
  if (!one.follows || code == errc::not_found || one.sent < has.sequence) {
    const auto next = copy == 0 ? -1 : log->after(has);
    one.follows = next >= 0;
    one.sent = has.sequence;
    if (!one.follows) {
      message_builder<schema::ReplicaAck> order;
      order->setJournal(start.store->id().value);
      order->setEpoch(start.epoch);
      order->setSequence(copies->written());
      self->send(sender, load_atom_v, order.finish());
      if (copy == 0) followers.erase(copy);
      return;
    }
  }
  send_writes(self, one);
}

caf::expected<tmsg::repchnk> replicated_journal_state::chunk(schema::ReplicaQuery::Reader query) {
  auto found = std::find_if(snapshots.begin(), snapshots.end(),
                            [&query](const auto& one) { return one.id == query.getSnapshot(); });
  if (query.getSnapshot() == 0) {
    // A follower that begins anew gives its old one up.
    std::erase_if(snapshots, [&query](const snapshot_for& one) {
      return one.follower == query.getFollower();
    });
    if (snapshots.size() >= snapshots_max)
      snapshots.erase(
          std::min_element(snapshots.begin(), snapshots.end(),
                           [](const auto& a, const auto& b) { return a.used < b.used; }));
    auto reader = start.store->snapshot();
    if (!reader) return std::move(reader.error());
    snapshots.push_back({++next_snapshot, query.getFollower(), std::move(*reader), now()});
    found = snapshots.end() - 1;
  } else if (found == snapshots.end()) {
    return make_error(errc::not_found, "this snapshot was given up: begin another one");
  }
  auto bytes = found->reader->read(query.getOffset(), replica_piece_bytes);
  if (!bytes) return std::move(bytes.error());
  found->used = now();
  message_builder<schema::ReplicaChunk> chunk;
  chunk->setJournal(start.store->id().value);
  chunk->setEpoch(start.epoch);
  chunk->setSnapshot(found->id);
  chunk->setSequence(found->reader->position().sequence);
  chunk->setOffset(query.getOffset());
  chunk->setData({reinterpret_cast<const capnp::byte*>(bytes->data()), bytes->size()});
  chunk->setLast(bytes->empty());
  if (bytes->empty()) snapshots.erase(found);
  return chunk.finish();
}

void replicated_journal_state::ask_change(pointer self, replica_set::change what) {
  const agreed_copy copy{followers[what.copy].node, what.copy};
  auto done = [to = caf::actor_cast<caf::actor>(self)](replica_set::outcome how) {
    caf::anon_send(to, done_atom_v, static_cast<std::uint8_t>(how));
  };
  if (what.what == replica_set::change::kind::add) {
    start.agreement->add(start.epoch, copy, std::move(done));
  } else {
    start.agreement->remove(start.epoch, copy, std::move(done));
  }
}

void replicated_journal_state::proceed(pointer self) {
  if (!failed && copies->is_fenced())
    failed = make_error(errc::conflict, "journal " + to_string(start.store->id()) +
                                            " has another primary: " + copies->state());
  if (failed) {
    // Its supervisor ends the node: nothing can be promised any more.
    fail(failed);
    self->quit(failed);
    return;
  }
  while (!groups.empty() && groups.front().sequence <= copies->acknowledged()) {
    for (auto& promise : groups.front().promises) promise.deliver(caf::ok_atom_v);
    groups.pop_front();
  }
  if (!waiting.empty() && !commit_sent && groups.size() < start.pipeline_max) {
    commit_sent = true;
    self->send(self, commit_atom_v);
  }
  if (const auto what = copies->next_change(now())) ask_change(self, *what);
  if (const auto when = copies->next_check(); when && !wake_sent) {
    wake_sent = true;
    const auto wait = std::max(*when - now(), replica_set::time::duration::zero());
    self->delayed_send(self, wait + std::chrono::milliseconds{1}, wake_atom_v);
  }
}

replicated_journal_actor::behavior_type replicated_journal_behavior(
    replicated_journal_state::pointer self, replicated_journal_start start) {
  auto& begun = self->state;
  begun.start = std::move(start);
  begun.begin(self);
  if (begun.failed) self->quit(begun.failed);
  return {[self](write_atom, const journal_write& write) {
            auto& state = self->state;
            auto promise = self->make_response_promise<caf::ok_atom>();
            if (state.failed) {
              promise.deliver(state.failed);
              return promise;
            }
            add_write(state.batch, write);
            if (state.start.metrics) count_write(*state.start.metrics, write);
            state.handled += write.records.size();
            state.batch_records += write.records.size();
            state.waiting.push_back(promise);
            if (!state.commit_sent && state.groups.size() < state.start.pipeline_max) {
              state.commit_sent = true;
              self->send(self, commit_atom_v);
            }
            return promise;
          },
          [self](commit_atom) {
            self->state.commit_sent = false;
            self->state.commit();
            self->state.proceed(self);
          },
          [self](purge_atom, std::uint64_t job) -> caf::result<std::uint64_t> {
            auto& state = self->state;
            auto bytes = state.start.store->purge(job);
            if (!bytes) return std::move(bytes.error());
            state.copies->on_local(state.copies->written());
            state.proceed(self);
            return *bytes;
          },
          [self](status_atom) {
            auto& state = self->state;
            const auto words = state.copies ? state.copies->state() : message_of(state.failed);
            return actor_status({.name = "journal",
                                 .kind = "journal",
                                 .parent = "supervisor",
                                 .mailbox_depth = self->mailbox().size(),
                                 .in_flight = state.groups.size(),
                                 .queued = state.waiting.size(),
                                 .handled = state.handled,
                                 .noun = "records",
                                 .state = words});
          },
          [self](replica_atom, const tmsg::repack& ack) {
            const auto reader = ack.read();
            if (self->state.failed || reader->getJournal() != self->state.start.store->id().value)
              return;
            self->state.on_ack(self, *reader);
            self->state.proceed(self);
          },
          [self](replica_atom, const tmsg::repqry& query) -> caf::result<tmsg::repchnk> {
            if (self->state.failed) return self->state.failed;
            auto chunk = self->state.chunk(*query.read());
            if (!chunk) return std::move(chunk.error());
            return std::move(*chunk);
          },
          [self](gone_atom, std::uint64_t copy) {
            auto& state = self->state;
            state.copies->on_lost(copy);
            if (const auto found = state.followers.find(copy); found != state.followers.end()) {
              found->second.writer = nullptr;
              found->second.follows = false;
            }
            state.proceed(self);
          },
          [self](expire_atom, std::uint64_t epoch) {
            self->state.copies->fence(epoch);
            self->state.proceed(self);
          },
          [self](done_atom, std::uint8_t how) {
            self->state.copies->on_changed(static_cast<replica_set::outcome>(how), now());
            self->state.proceed(self);
          },
          [self](wake_atom) {
            self->state.wake_sent = false;
            self->state.proceed(self);
          }};
}

}  // namespace tandem
