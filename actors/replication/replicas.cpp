#include "actors/replication/replicas.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>
#include <caf/send.hpp>

#include "actors/etcd/etcd_mail.hpp"
#include "actors/replication/replica_writer.hpp"
#include "actors/status.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {

namespace {

constexpr std::size_t births_max = 4096;

}  // namespace

replicas_state::~replicas_state() {
  for (auto& [journal, one] : keeps)
    if (one.writer) caf::anon_send_exit(one.writer, caf::exit_reason::user_shutdown);
}

void replicas_state::begin(pointer self) {
  for (auto& one : start.led) lead(self, one);
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator{start.folder, none}) {
    auto journal = parse_journal_id(entry.path().filename().string());
    if (journal && entry.is_directory() && leads.count(journal->value) == 0)
      keep(self, journal->value);
  }
}

void replicas_state::lead(pointer self, led_journal what) {
  auto journal = what.journal.value;
  auto& one = leads[journal];
  one.what = std::move(what);
  one.what.agreement->watch(mail_to<replicas_inside>(self, view_atom_v, journal),
                            [](const register_reply&) {});
}

void replicas_state::keep(pointer self, std::uint64_t journal) {
  auto& one = keeps[journal];
  open_writer(self, journal, one);
  one.watch = start.open_register(journal_id{journal}, {start.node, 0});
  one.watch->watch(mail_to<replicas_inside>(self, view_atom_v, journal),
                   [](const register_reply&) {});
}

void replicas_state::open_writer(pointer self, std::uint64_t journal, kept& one) {
  replica_writer_start writer{.folder = start.storage,
                              .journal = journal_id{journal},
                              .durability = start.durability,
                              .node = start.node};
  writer.folder.folder = start.folder / to_string(journal_id{journal});
  one.writer = self->spawn<caf::detached>(replica_writer_behavior, writer);
}

void replicas_state::follow(pointer self, kept& one) {
  // Whoever it followed before it crashed may be primary no more: the record tells.
  if (!one.primary || !one.view || one.taking_over) return;
  if (one.view->record && one.view->record->epoch > one.epoch) return;
  self->send(one.writer, follow_atom_v, one.primary, one.epoch);
}

void replicas_state::on_member(pointer self, const tmsg::member& member,
                               const peer_handles& handles) {
  const auto reader = member.read();
  std::string node{view(reader->getName())};
  auto births = reader->getJournalBirthsMs();
  auto journals = reader->getJournals();
  for (unsigned i = 0; i < std::min(births.size(), journals.size()); ++i)
    if (births[i] != 0 && (keeps.count(journals[i]) > 0 || start.births.size() < births_max))
      start.births[journals[i]] = births[i];
  if (handles.replicas) {
    auto is_planner = false;
    for (auto role : reader->getRoles()) is_planner = is_planner || view(role) == "planner";
    others[node] = {caf::actor_cast<replicas_actor>(handles.replicas),
                    is_planner && !reader->getDraining()};
    return;
  }
  if (others.erase(node) == 0) return;
  for (const auto& [journal, one] : leads) {
    const auto& record = one.view && one.view->record ? *one.view->record : one.what.record;
    for (const auto& copy : copies_on(record, node))
      if (one.committer) self->anon_send(one.committer, gone_atom_v, copy.replica);
  }
}

void replicas_state::on_view(pointer self, std::uint64_t journal, const register_view& view) {
  if (auto found = leads.find(journal); found != leads.end()) {
    found->second.view = view;
    look_at_led(self, journal, found->second);
  } else if (auto copy = keeps.find(journal); copy != keeps.end()) {
    copy->second.view = view;
    follow(self, copy->second);
    look_at_kept(self, journal, copy->second);
  }
}

void replicas_state::look_at_led(pointer self, std::uint64_t journal, led& one) {
  if (!one.committer) return;
  const auto epoch = one.what.record.epoch;
  const auto& record = one.view && one.view->record ? *one.view->record : one.what.record;
  if (record.epoch > epoch) return self->anon_send(one.committer, expire_atom_v, record.epoch);
  if (record.epoch < epoch) return;
  std::vector<copy_place> places;
  for (const auto& [node, other] : others) places.push_back({node, other.takes_new});
  for (const auto& node : nodes_to_follow(journal_id{journal}, record, places))
    self->send(others[node].replicas, follow_atom_v, journal, epoch, one.committer);
  const auto lease = start.lease();
  if (lease == 0 || lease == one.held_with || one.holding) return;
  one.holding = true;
  one.what.agreement->perform(register_hold{epoch}, lease,
                              mail_to<replicas_inside>(self, open_atom_v, journal, lease));
}

void replicas_state::on_held(pointer self, std::uint64_t journal, std::int64_t lease,
                             const register_reply& reply) {
  auto found = leads.find(journal);
  if (found == leads.end()) return;
  auto& one = found->second;
  one.holding = false;
  if (reply.ok())
    one.held_with = lease;
  else
    last_error = reply.text;
  if (reply.outcome == register_outcome::fenced && one.committer) {
    auto epoch = reply.view.record ? reply.view.record->epoch : 0;
    self->anon_send(one.committer, expire_atom_v, std::max(epoch, one.what.record.epoch + 1));
  }
}

void replicas_state::look_at_kept(pointer self, std::uint64_t journal, kept& one) {
  const auto now = clock::now();
  if (one.taking_over || !one.view) return;
  const auto delay =
      takeover_delay(journal_id{journal}, *one.view, start.node, start.takeover_step);
  if (!delay) {
    one.vacant_since.reset();
    return;
  }
  if (!one.vacant_since) one.vacant_since = now;
  if (now < *one.vacant_since + *delay || now < one.not_before || start.lease() == 0) return;
  take_over(self, journal, one);
}

void replicas_state::take_over(pointer self, std::uint64_t journal, kept& one) {
  one.taking_over = true;
  spdlog::info("nobody leads a journal whose copy is here; taking it over journal={} epoch={}",
               to_string(journal_id{journal}), one.view->record->epoch);
  // First closed, so that nothing more is written that the record's next epoch does not know.
  self->request(one.writer, caf::infinite, host_atom_v, one.view->record->epoch)
      .then([self, journal](
                std::uint64_t replica) { self->state.on_copy_closed(self, journal, replica); },
            [self, journal](const caf::error& err) {
              self->state.give_back(self, journal, message_of(err));
            });
}

void replicas_state::on_copy_closed(pointer self, std::uint64_t journal, std::uint64_t replica) {
  auto& one = keeps[journal];
  led_journal candidate{.journal = journal_id{journal},
                        .folder = start.folder / to_string(journal_id{journal}),
                        .self = {start.node, replica},
                        .record = {},
                        .agreement = {}};
  candidate.agreement = start.open_register(candidate.journal, candidate.self);
  one.candidate = candidate;
  candidate.agreement->perform(register_take_over{one.view->record->epoch}, start.lease(),
                               mail_to<replicas_inside>(self, done_atom_v, journal));
}

void replicas_state::on_taken(pointer self, std::uint64_t journal, const register_reply& reply) {
  auto found = keeps.find(journal);
  if (found == keeps.end() || !found->second.candidate) return;
  if (!reply.ok() || !reply.view.record) return give_back(self, journal, reply.text);
  auto taken = *found->second.candidate;
  taken.record = *reply.view.record;
  // Ready before the committer starts and makes itself known.
  if (auto birth = start.births.find(journal); birth != start.births.end())
    taken.birth_ms = birth->second;
  auto writer = found->second.writer;
  lead(self, taken);
  if (auto err = start.host(taken)) {
    leads.erase(journal);
    taken.agreement->perform(register_resign{taken.record.epoch}, 0, [](const register_reply&) {});
    return give_back(self, journal, message_of(err));
  }
  caf::anon_send_exit(writer, caf::exit_reason::user_shutdown);
  keeps.erase(journal);
  ++takeovers;
  spdlog::info("a journal was taken over journal={} epoch={}", to_string(taken.journal),
               taken.record.epoch);
}

void replicas_state::give_back(pointer self, std::uint64_t journal, const std::string& why) {
  auto found = keeps.find(journal);
  if (found == keeps.end()) return;
  auto& one = found->second;
  last_error = why;
  spdlog::warn("a journal was not taken over journal={} why=\"{}\"", to_string(journal_id{journal}),
               why);
  one.candidate.reset();
  one.taking_over = false;
  one.vacant_since.reset();
  one.not_before = clock::now() + start.takeover_retry;
  caf::anon_send_exit(one.writer, caf::exit_reason::user_shutdown);
  open_writer(self, journal, one);
  follow(self, one);
}

replicas_inside::behavior_type replicas_behavior(replicas_state::pointer self,
                                                 replicas_start start) {
  self->state.start = std::move(start);
  self->state.begin(self);
  self->delayed_send(self, self->state.start.tick, wake_atom_v);
  return {
      [self](follow_atom, std::uint64_t journal, std::uint64_t epoch, const caf::actor& primary) {
        auto& state = self->state;
        if (state.leads.count(journal) > 0) return;
        auto found = state.keeps.find(journal);
        if (found == state.keeps.end()) {
          if (state.keeps.size() >= state.start.copies_max) return;
          state.keep(self, journal);
          found = state.keeps.find(journal);
        }
        auto& one = found->second;
        if (epoch < one.epoch) return;
        one.primary = primary;
        one.epoch = epoch;
        state.follow(self, one);
      },
      [self](member_atom, const tmsg::member& member, const peer_handles& handles) {
        self->state.on_member(self, member, handles);
      },
      [self](wire_atom, std::uint64_t journal, std::uint64_t epoch, const caf::actor& committer) {
        auto found = self->state.leads.find(journal);
        if (found == self->state.leads.end() || found->second.what.record.epoch != epoch) return;
        found->second.committer = committer;
        self->state.look_at_led(self, journal, found->second);
      },
      [self](status_atom) {
        const auto& state = self->state;
        return actor_status({.name = "replicas",
                             .kind = "replicas",
                             .parent = "supervisor",
                             .mailbox_depth = self->mailbox().size(),
                             .in_flight = state.leads.size(),
                             .queued = state.keeps.size(),
                             .handled = state.takeovers,
                             .noun = "take-overs",
                             .state = state.start.lease() == 0 ? "no lease" : "ok",
                             .last_error = state.last_error});
      },
      [self](view_atom, std::uint64_t journal, const register_view& view) {
        self->state.on_view(self, journal, view);
      },
      [self](done_atom, std::uint64_t journal, const register_reply& reply) {
        self->state.on_taken(self, journal, reply);
      },
      [self](open_atom, std::uint64_t journal, std::int64_t lease, const register_reply& reply) {
        self->state.on_held(self, journal, lease, reply);
      },
      [self](wake_atom) {
        auto& state = self->state;
        for (auto& [journal, one] : state.leads) state.look_at_led(self, journal, one);
        for (auto& [journal, one] : state.keeps) state.look_at_kept(self, journal, one);
        self->delayed_send(self, state.start.tick, wake_atom_v);
      }};
}

}  // namespace tandem
