#include "actors/replication/replica_writer.hpp"

#include <algorithm>
#include <utility>

#include "actors/status.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {

namespace {

std::string_view as_text(capnp::Data::Reader bytes) {
  return {reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
}

}  // namespace

void replica_writer_state::open() {
  auto opened = storage::replica::open(start.folder, start.journal);
  if (opened) {
    copy = std::move(*opened);
    copy->learn_epoch(epoch);
    failed = {};
  } else if (code_of(opened.error()) != errc::not_found) {
    failed = std::move(opened.error());
  }
}

void replica_writer_state::acknowledge(pointer self, errc why) {
  if (!primary || hosted) return;
  message_builder<schema::ReplicaAck> ack;
  ack->setJournal(start.journal.value);
  ack->setEpoch(std::max(epoch, copy ? copy->known_epoch() : 0));
  ack->setNode(text(start.node));
  if (copy) {
    ack->setCopy(copy->copy());
    ack->setSequence(copy->position().sequence);
    ack->setPositionEpoch(copy->position().epoch);
  }
  if (failed) {
    const auto words = message_of(failed);
    ack->getError().setCode(static_cast<schema::Errc>(code_of(failed)));
    ack->getError().setMessage(text(words));
  } else if (why != errc::unknown) {
    ack->getError().setCode(static_cast<schema::Errc>(why));
  }
  self->send(primary, replica_atom_v, ack.finish());
}

void replica_writer_state::add(pointer self, schema::ReplicaWrite::Reader piece) {
  if (piece.getEpoch() < epoch) return acknowledge(self, errc::conflict);
  if (!copy) return;
  auto whole = pieces.add(piece);
  if (!whole) {
    failed = whole.error();
    acknowledge(self);
    failed = {};
    return;
  }
  for (auto& write : *whole) waiting.push_back(std::move(write));
  if (waiting.empty()) return;
  // Whatever is in the mailbox by now joins the group.
  if (!std::exchange(commit_sent, true)) self->send(self, commit_atom_v);
  if (waiting.size() >= start.group_max) apply(self);
}

void replica_writer_state::apply(pointer self) {
  if (waiting.empty() || !copy) return;
  const auto writes = std::exchange(waiting, {});
  const auto before = copy->position();
  auto said = copy->apply(writes, epoch, start.durability);
  handled += copy->position().sequence - before.sequence;
  const bool refused = said.failure && code_of(said.failure) == errc::malformed_message;
  if (said.failure) failed = std::move(said.failure);
  switch (said.stopped) {
    case storage::verdict::gap:
    case storage::verdict::diverged:
      acknowledge(self, errc::not_found);
      break;
    case storage::verdict::fenced:
      acknowledge(self, errc::conflict);
      break;
    default:
      acknowledge(self);
  }
  // The copy itself is as good as before.
  if (refused) failed = {};
}

void replica_writer_state::begin_snapshot(pointer self) {
  if (snapshot || hosted || !primary) return;
  waiting.clear();
  auto begun = storage::snapshot_writer::begin(start.folder, start.journal, 0);
  if (!begun) {
    failed = begun.error();
    acknowledge(self);
    return;
  }
  snapshot = std::move(*begun);
  snapshot_id = 0;
  ask_chunk(self);
}

void replica_writer_state::ask_chunk(pointer self) {
  message_builder<schema::ReplicaQuery> query;
  query->setJournal(start.journal.value);
  query->setSnapshot(snapshot_id);
  query->setOffset(snapshot->offset());
  query->setFollower(self->id());
  self->request(primary, start.chunk_timeout, replica_atom_v, query.finish())
      .then([self](const tmsg::repchnk& chunk) { self->state.add_chunk(self, *chunk.read()); },
            [self](const caf::error& err) {
              self->state.give_up_snapshot(err);
              // Says that it still needs one, later.
              self->delayed_send(self, self->state.start.retry, commit_atom_v);
            });
}

void replica_writer_state::add_chunk(pointer self, schema::ReplicaChunk::Reader chunk) {
  if (!snapshot || chunk.getEpoch() < epoch || chunk.getOffset() != snapshot->offset()) return;
  snapshot_id = chunk.getSnapshot();
  auto err = snapshot->add(as_text(chunk.getData()));
  if (!err && !chunk.getLast()) return ask_chunk(self);
  if (!err) {
    copy.reset();
    err = snapshot->finish();
    snapshot.reset();
    open();
  }
  if (err) give_up_snapshot(err);
  acknowledge(self);
}

void replica_writer_state::give_up_snapshot(const caf::error& why) {
  snapshot.reset();
  const auto code = code_of(why);
  if (code == errc::storage_failed || code == errc::corrupted) failed = why;
}

std::string_view replica_writer_state::words() const {
  if (hosted) return "hosted here";
  if (failed) return "failed";
  if (snapshot) return "receives a snapshot";
  if (!primary) return "follows nobody";
  return copy ? "ok" : "has nothing yet";
}

replica_writer_actor::behavior_type replica_writer_behavior(replica_writer_state::pointer self,
                                                            const replica_writer_start& start) {
  self->state.start = start;
  self->state.open();
  return {
      [self](replica_atom, const tmsg::repwrite& write) {
        const auto reader = write.read();
        auto& state = self->state;
        if (state.hosted || reader->getJournal() != state.start.journal.value) return;
        state.add(self, *reader);
      },
      [self](load_atom, const tmsg::repack& order) {
        const auto reader = order.read();
        auto& state = self->state;
        if (reader->getJournal() != state.start.journal.value || reader->getEpoch() < state.epoch)
          return;
        state.begin_snapshot(self);
      },
      [self](follow_atom, const caf::actor& primary, std::uint64_t epoch) {
        auto& state = self->state;
        if (state.hosted || epoch < state.epoch) return;
        auto handle = caf::actor_cast<replicated_journal_actor>(primary);
        // Said again it only asks how far this copy is.
        if (state.primary != handle || state.epoch != epoch) {
          state.primary = handle;
          state.epoch = epoch;
          state.waiting.clear();
          state.snapshot.reset();
        }
        // A disk that had failed may have room again.
        if (state.failed) {
          state.copy.reset();
          state.open();
        }
        if (state.copy) state.copy->learn_epoch(epoch);
        state.acknowledge(self);
      },
      [self](host_atom, std::uint64_t epoch) -> caf::result<std::uint64_t> {
        auto& state = self->state;
        if (!state.copy)
          return make_error(errc::not_found, "there is no copy of journal " +
                                                 to_string(state.start.journal) + " here");
        state.apply(self);
        state.hosted = true;
        state.epoch = std::max(state.epoch, epoch);
        const auto id = state.copy->copy();
        state.copy.reset();
        return id;
      },
      [self](commit_atom) {
        auto& state = self->state;
        state.commit_sent = false;
        if (state.waiting.empty() && !state.snapshot) {
          state.acknowledge(self);
        } else {
          state.apply(self);
        }
      },
      [self](status_atom) {
        const auto& state = self->state;
        const auto who = "replica " + to_string(state.start.journal);
        return actor_status({.name = who,
                             .kind = "replica",
                             .parent = "replicas",
                             .mailbox_depth = self->mailbox().size(),
                             .queued = state.waiting.size(),
                             .handled = state.handled,
                             .noun = "writes",
                             .state = state.words()});
      }};
}

}  // namespace tandem
