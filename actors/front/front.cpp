#include "actors/front/front.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "actors/clock.hpp"
#include "actors/status.hpp"
#include "schema/errc.hpp"
#include "schema/ids.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// To the journal that the request is about, here or elsewhere.
template <class Reply, class Verb, class Message>
caf::result<Reply> route(front_state::pointer self, Verb verb, const Message& request) {
  auto& state = self->state;
  ++state.handled;
  auto journal = request.read()->getJob().getJournal();
  if (const auto* planner = state.local(journal)) return self->delegate(*planner, verb, request);
  if (const auto* home = state.home(journal)) return self->delegate(home->link, verb, request);
  return state.no_home(journal);
}

/// The same for a request that another front has passed on: here or nowhere.
template <class Reply, class Verb, class Message>
caf::result<Reply> route_here(front_state::pointer self, Verb verb, const Message& request,
                              std::uint64_t journal) {
  auto& state = self->state;
  ++state.handled;
  if (const auto* planner = state.local(journal)) return self->delegate(*planner, verb, request);
  return make_error(errc::unavailable, "journal " + to_string(journal_id{journal}) +
                                           " is not open on node " + state.start.node +
                                           " any more; ask again");
}

template <class Reply, class Verb, class Message>
caf::result<Reply> route_here(front_state::pointer self, Verb verb, const Message& request) {
  return route_here<Reply>(self, verb, request, request.read()->getJob().getJournal());
}

bool plans(schema::Member::Reader member) {
  for (auto role : member.getRoles())
    if (role == "planner") return member.getJournals().size() != 0;
  return false;
}

bool is_there(schema::Member::Reader member) {
  return member.getState() == schema::MemberState::ALIVE ||
         member.getState() == schema::MemberState::SUSPECT;
}

}  // namespace

front_state::~front_state() {
  auto err = make_error(errc::unavailable, "the front of node " + start.node +
                                               " has stopped; ask again, a submission with the "
                                               "same client key");
  for (auto& [call, fail] : std::exchange(pending, {})) fail(err);
}

std::uint64_t front_state::add_pending(std::function<void(const caf::error&)> fail) {
  pending.emplace(next_pending, std::move(fail));
  return next_pending++;
}

const planner_actor* front_state::local(std::uint64_t journal) const {
  auto found = planners.find(journal);
  return found == planners.end() ? nullptr : &found->second;
}

const front_state::peer* front_state::home(std::uint64_t journal) const {
  auto found = homes.find(journal);
  return found == homes.end() ? nullptr : &peers.at(found->second);
}

std::string front_state::place_of(std::uint64_t journal) const {
  auto text = "journal " + to_string(journal_id{journal});
  const auto* place = start.book->where(journal);
  if (place == nullptr || place->node.empty()) return text + " (of a node not seen yet)";
  return text + " (node " + place->node + ", last at " + place->address + ')';
}

caf::error front_state::no_home(std::uint64_t journal) const {
  if (journal != 0 && journal == start.own.journal)
    return make_error(errc::unavailable, "journal " + to_string(journal_id{journal}) +
                                             " of this node is not open; ask again in a moment, "
                                             "and look at the node's log if it stays so");
  if (!start.book->knows(journal))
    return make_error(errc::not_found, "no journal " + to_string(journal_id{journal}) +
                                           " is known here; 'tandem jobs' lists the jobs of all "
                                           "that are");
  return make_error(errc::unavailable, "waiting for " + place_of(journal) +
                                           ": start that node again with its data folder");
}

void front_state::drop_peer(pointer self, std::uint64_t incarnation) {
  auto found = peers.find(incarnation);
  if (found == peers.end()) return;
  if (found->second.link) self->send(found->second.link, gone_atom_v);
  peers.erase(found);
  find_homes();
}

void front_state::find_homes() {
  homes.clear();
  for (const auto& [incarnation, peer] : peers)
    if (peer.link)
      for (auto journal : peer.journals) homes.insert_or_assign(journal, incarnation);
}

void front_state::on_member(pointer self, const tmsg::member& member, const peer_handles& handles) {
  auto reader = member.read();
  auto incarnation = reader->getIncarnation();
  auto journals = reader->getJournals();
  auto births = reader->getJournalBirthsMs();
  journal_place place{.node = std::string{view(reader->getName())},
                      .address = std::string{view(reader->getAddress())},
                      .seen_ms = unix_ms()};
  auto news = false;
  for (unsigned i = 0; i < journals.size(); ++i) {
    // Without its birth it would count as the oldest, and everybody would ask it first.
    if (births.size() != journals.size() || births[i] == 0) continue;
    if (!start.book->knows(journals[i]) && start.book->is_full())
      spdlog::error("journal not remembered, the book is full journal={} node={}",
                    to_string(journal_id{journals[i]}), place.node);
    news |= start.book->learn({births[i], journals[i]});
    if (local(journals[i]) == nullptr) news |= start.book->place(journals[i], place);
  }
  if (news) changed(self);
  if (!is_there(*reader)) return drop_peer(self, incarnation);
  auto& peer = peers[incarnation];
  if (peer.front != handles.front) {
    if (peer.link) self->send(peer.link, gone_atom_v);
    peer.link = nullptr;
    peer.front = handles.front;
    if (peer.front)
      peer.link = self->spawn<caf::linked>(
          peer_link_behavior, place.node + " (" + place.address + ')',
          caf::actor_cast<front_peer>(peer.front), config.peer_requests_max);
  }
  peer.name = place.node;
  peer.address = place.address;
  peer.plans = plans(*reader);
  peer.takes_work =
      reader->getState() == schema::MemberState::ALIVE && !reader->getDraining() && peer.link;
  peer.journals.clear();
  for (auto journal : journals) peer.journals.push_back(journal);
  find_homes();
}

caf::result<tmsg::submitd> front_state::submit(pointer self, const tmsg::submit& request) {
  ++handled;
  // Wherever its home is: which node that is must not decide whether a job is taken.
  if (auto bytes = request.bytes().size(); bytes > submit_bytes_max)
    return make_error(errc::invalid_argument,
                      "the submission has " + std::to_string(bytes) +
                          " bytes, and a message between nodes carries " +
                          std::to_string(submit_bytes_max) +
                          " of it, however much jobs.goal_bytes_max allows");
  if (request.read()->getClientKey().size() != 0) return submit_key(self, request);
  if (!draining && !planners.empty()) {
    const auto* own = local(start.own.journal);
    return self->delegate(own != nullptr ? *own : planners.begin()->second, submit_atom_v, request);
  }
  std::vector<const peer*> takers;
  for (const auto& [incarnation, peer] : peers)
    if (peer.plans && peer.takes_work) takers.push_back(&peer);
  if (!takers.empty())
    return self->delegate(takers[turn++ % takers.size()]->link, submit_atom_v, request);
  return make_error(errc::unavailable,
                    draining ? "node " + start.node +
                                   " drains, and no other node that plans is alive; end the drain "
                                   "or start another node"
                             : "no node that plans is alive; start one with the role 'planner'");
}

void front_state::changed(pointer self) {
  ++book_version;
  save(self);
}

void front_state::save(pointer self) {
  if (!start.writer) {
    saved_version = book_version;
    return;
  }
  if (saving) return;
  saving = true;
  self->request(start.writer, caf::infinite, write_atom_v, start.book->to_text())
      .then(
          [self, version = book_version](caf::ok_atom) {
            auto& state = self->state;
            state.saving = false;
            state.saved_version = version;
            auto calls = std::exchange(state.after_save, {});
            for (auto& call : calls) {
              // What they tell others is the book as it is then, and one of them may change it.
              if (state.saved_version == state.book_version)
                call(caf::none);
              else
                state.after_save.push_back(std::move(call));
            }
            if (state.saved_version != state.book_version) state.save(self);
          },
          [self](const caf::error& err) {
            // Whoever needs it next makes it try again.
            self->state.saving = false;
            spdlog::error("known journals not saved reason=\"{}\"", message_of(err));
            for (auto& call : std::exchange(self->state.after_save, {})) call(err);
          });
}

void front_state::when_saved(pointer self, std::function<void(const caf::error&)> then) {
  if (saved_version == book_version) return then(caf::none);
  after_save.push_back(std::move(then));
  save(self);
}

front_inside::behavior_type front_behavior(front_state::pointer self, const front_config& config,
                                           front_start start) {
  auto& state = self->state;
  state.config = config;
  state.start = std::move(start);
  auto& book = *state.start.book;
  if (!state.start.writer && !state.start.file.empty())
    state.start.writer =
        self->spawn<caf::linked + caf::detached>(book_writer_behavior, state.start.file);
  if (state.start.own.journal != 0) {
    book.adopt(state.start.own, state.start.own_is_new);
    book.place(state.start.own.journal, {state.start.node, state.start.address, unix_ms()});
    state.changed(self);
  }
  return {
      // From other nodes' fronts.
      [self](node_atom, submit_atom, const tmsg::submit& request) -> caf::result<tmsg::submitd> {
        auto& state = self->state;
        ++state.handled;
        if (request.read()->getClientKey().size() != 0)
          return make_error(errc::invalid_argument,
                            "a submission with a client key must name its journal");
        if (state.planners.empty() || state.draining)
          return make_error(errc::unavailable,
                            "node " + state.start.node + " takes no new jobs now; submit again");
        const auto* own = state.local(state.start.own.journal);
        return self->delegate(own != nullptr ? *own : state.planners.begin()->second, submit_atom_v,
                              request);
      },
      [self](node_atom, wait_atom verb, const tmsg::jobref& request) {
        return route_here<tmsg::jobsum>(self, verb, request);
      },
      [self](node_atom, summary_atom verb, const tmsg::jobref& request) {
        return route_here<tmsg::jobsum>(self, verb, request);
      },
      [self](node_atom, view_atom verb, const tmsg::jobref& request) {
        return route_here<tmsg::jobview>(self, verb, request);
      },
      [self](node_atom, follow_atom verb, const tmsg::follow& request) {
        return route_here<tmsg::events>(self, verb, request);
      },
      [self](node_atom, result_atom verb, const tmsg::resqry& request) {
        return route_here<tmsg::reschnk>(self, verb, request);
      },
      [self](node_atom, command_atom verb, const tmsg::jobcmd& request) {
        return route_here<tmsg::jobsum>(self, verb, request);
      },
      [self](node_atom, feedback_atom verb, const tmsg::feedbk& request) {
        return route_here<tmsg::jobsum>(self, verb, request);
      },
      [self](node_atom, purge_atom verb, const tmsg::purge& request) {
        return route_here<tmsg::purged>(self, verb, request);
      },
      [self](node_atom, list_atom verb, std::uint64_t journal, const tmsg::jobqry& query) {
        return route_here<tmsg::joblist>(self, verb, query, journal);
      },
      [self](node_atom, cost_atom verb, std::uint64_t journal, const tmsg::costqry& query) {
        return route_here<tmsg::costrep>(self, verb, query, journal);
      },
      [self](node_atom, purge_atom verb, std::uint64_t journal, const tmsg::purge& request) {
        return route_here<tmsg::purged>(self, verb, request, journal);
      },
      [self](node_atom, submit_atom, const tmsg::keyqry& query) {
        return self->state.submit_key_here(self, query);
      },
      [self](node_atom, find_atom, const tmsg::keyqry& query) {
        return self->state.find_key_here(self, query);
      },
      // From clients.
      [self](submit_atom, const tmsg::submit& request) {
        return self->state.submit(self, request);
      },
      [self](wait_atom verb, const tmsg::jobref& request) {
        return route<tmsg::jobsum>(self, verb, request);
      },
      [self](summary_atom verb, const tmsg::jobref& request) {
        return route<tmsg::jobsum>(self, verb, request);
      },
      [self](view_atom verb, const tmsg::jobref& request) {
        return route<tmsg::jobview>(self, verb, request);
      },
      [self](list_atom, const tmsg::jobqry& query) { return self->state.list(self, query); },
      [self](cost_atom, const tmsg::costqry& query) { return self->state.cost(self, query); },
      [self](follow_atom verb, const tmsg::follow& request) {
        return route<tmsg::events>(self, verb, request);
      },
      [self](result_atom verb, const tmsg::resqry& request) {
        return route<tmsg::reschnk>(self, verb, request);
      },
      [self](command_atom verb, const tmsg::jobcmd& request) {
        return route<tmsg::jobsum>(self, verb, request);
      },
      [self](feedback_atom verb, const tmsg::feedbk& request) {
        return route<tmsg::jobsum>(self, verb, request);
      },
      [self](purge_atom verb, const tmsg::purge& request) -> caf::result<tmsg::purged> {
        if (request.read()->getJob().getNumber() == 0)
          return self->state.purge_older(self, request);
        return route<tmsg::purged>(self, verb, request);
      },
      [](find_atom, const tmsg::submit&) -> caf::result<tmsg::submitd> {
        return make_error(errc::invalid_argument,
                          "submit with the same client key to find its job");
      },
      [self](pin_atom, const tmsg::wtpin& question) {
        return self->state.count_pins(self, question);
      },
      [self](status_atom) {
        auto& state = self->state;
        return actor_status({.name = "front",
                             .kind = "front",
                             .parent = "supervisor",
                             .mailbox_depth = self->mailbox().size(),
                             .in_flight = state.pending.size(),
                             .handled = state.handled,
                             .noun = "requests"});
      },
      // From mesh and supervisor.
      [self](member_atom, const tmsg::member& member, const peer_handles& handles) {
        self->state.on_member(self, member, handles);
      },
      [self](wire_atom, std::uint64_t journal, const planner_actor& planner) {
        auto& state = self->state;
        state.planners.insert_or_assign(journal, planner);
        // One that was taken over: this node is its place now.
        if (state.start.book->place(journal, {state.start.node, state.start.address, unix_ms()}))
          state.changed(self);
      },
      [self](gone_atom, std::uint64_t journal) { self->state.planners.erase(journal); },
      [self](drain_atom, bool draining) { self->state.draining = draining; },
      [self](expire_atom, std::uint64_t call) {
        self->state.finish_list(call);
        self->state.finish_cost(call);
      }};
}

}  // namespace tandem
