// What runs on this node, and on all of them.

#include <fstream>
#include <memory>
#include <set>

#include <unistd.h>

#include "actors/alarm/alarm_book.hpp"
#include "actors/status.hpp"
#include "actors/supervisor/supervisor.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// What every child answers.
using status_source = caf::typed_actor<caf::replies_to<status_atom>::with<tmsg::actstat>>;

std::uint64_t resident_bytes() {
  std::ifstream statm{"/proc/self/statm"};
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

/// Answers gathered from the children for one request; a child that is removed meanwhile is in it.
struct gathering {
  struct line {
    tmsg::actstat status;
    std::string kind;
    std::uint32_t restarts = 0;
    std::string last_error;
  };
  std::vector<line> actors;
  std::vector<tmsg::engstat> engines;
  std::size_t missing = 0;
};

tmsg::actstat silent(const supervisor_state::child& of) {
  return actor_status({.name = of.spec.name,
                       .kind = of.spec.kind,
                       .parent = "supervisor",
                       .noun = "",
                       .state = of.handle ? "silent" : "restarting"});
}

void write_actors(schema::NodeStatus::Builder node, const gathering& found,
                  std::size_t mailbox_depth) {
  auto actors = node.initActors(static_cast<unsigned>(found.actors.size()) + 1);
  actors[0].setName("supervisor");
  actors[0].setKind("supervisor");
  actors[0].setState("ok");
  actors[0].setMailboxDepth(static_cast<std::uint32_t>(mailbox_depth));
  std::uint32_t running = 0;
  std::uint32_t queued = 0;
  for (unsigned i = 0; i < found.actors.size(); ++i) {
    const auto& line = found.actors[i];
    actors.setWithCaveats(i + 1, *line.status.read());
    auto actor = actors[i + 1];
    actor.setRestarts(line.restarts);
    if (!line.last_error.empty()) actor.setLastError(line.last_error);
    if (line.kind != "planner") continue;
    running += actor.getInFlight();
    queued += actor.getQueued();
  }
  node.setJobsRunning(running);
  node.setJobsQueued(queued);
  auto engines = node.initEngines(static_cast<unsigned>(found.engines.size()));
  for (unsigned i = 0; i < engines.size(); ++i) engines.setWithCaveats(i, *found.engines[i].read());
}

tmsg::nodstat write_report(const supervisor_state& state, const gathering& found,
                           std::size_t mailbox_depth) {
  message_builder<schema::NodeStatus> node;
  node->setName(state.node.name);
  node->setIncarnation(state.node.incarnation);
  node->setJournal(state.node.journal.value);
  node->setAddress(state.node.address);
  node->setHttp(state.node.http);
  node->setVersion(state.node.version);
  node->setStartedAtMs(state.started_at_ms);
  node->setResidentBytes(resident_bytes());
  auto roles = node->initRoles(static_cast<unsigned>(state.node.roles.size()));
  for (unsigned i = 0; i < roles.size(); ++i) roles.set(i, state.node.roles[i]);
  write_actors(*node, found, mailbox_depth);
  if (state.services.alarms) write_alarms(*node, state.services.alarms->active());
  auto member = node->initMember();
  member.setName(state.node.name);
  member.setIncarnation(state.node.incarnation);
  member.setState(schema::MemberState::ALIVE);
  member.setDraining(state.draining);
  return node.finish();
}

/// The nodes of one topology, as they answer.
struct survey {
  struct place {
    tmsg::member member;
    tmsg::nodstat status;
  };
  /// The asked node first.
  std::vector<place> nodes;
  std::size_t missing = 0;
};

void write_node(schema::NodeStatus::Builder out, const survey::place& from) {
  if (from.member.empty()) return;
  auto member = from.member.read();
  out.setMember(*member);
  if (!from.status.empty()) return;
  out.setName(member->getName());
  out.setIncarnation(member->getIncarnation());
  out.setAddress(member->getAddress());
  out.setVersion(member->getVersion());
  out.setStartedAtMs(member->getStartedAtMs());
  out.setRoles(member->getRoles());
  if (member->getJournals().size() > 0) out.setJournal(member->getJournals()[0]);
}

/// Journals of nodes that are gone, which no node that is there has open.
std::vector<std::pair<std::uint64_t, schema::Member::Reader>> waiting_journals(
    const std::vector<schema::Member::Reader>& members, std::uint64_t own) {
  std::set<std::uint64_t> open{own};
  auto is_there = [](schema::Member::Reader member) {
    auto state = member.getState();
    return state == schema::MemberState::ALIVE || state == schema::MemberState::SUSPECT;
  };
  for (auto member : members)
    if (is_there(member))
      for (auto journal : member.getJournals()) open.insert(journal);
  std::vector<std::pair<std::uint64_t, schema::Member::Reader>> waiting;
  for (auto member : members) {
    if (is_there(member)) continue;
    for (auto journal : member.getJournals())
      if (open.insert(journal).second) waiting.emplace_back(journal, member);
  }
  return waiting;
}

tmsg::topo write_topology(const survey& found) {
  message_builder<schema::Topology> out;
  auto nodes = out->initNodes(static_cast<unsigned>(found.nodes.size()));
  for (unsigned i = 0; i < nodes.size(); ++i) {
    if (!found.nodes[i].status.empty()) nodes.setWithCaveats(i, *found.nodes[i].status.read());
    write_node(nodes[i], found.nodes[i]);
  }
  std::vector<schema::Member::Reader> members;
  for (auto node : nodes)
    if (node.hasMember()) members.push_back(node.asReader().getMember());
  auto gone = waiting_journals(members, nodes[0].getJournal());
  auto waiting = out->initWaiting(static_cast<unsigned>(gone.size()));
  for (unsigned i = 0; i < waiting.size(); ++i) {
    const auto& [journal, member] = gone[i];
    waiting[i].setJournal(journal);
    waiting[i].setNode(member.getName());
    waiting[i].setAddress(member.getAddress());
    waiting[i].setSinceMs(member.getSinceMs());
  }
  return out.finish();
}

}  // namespace

void supervisor_state::report(pointer self, const std::function<void(tmsg::nodstat)>& done) {
  auto found = std::make_shared<gathering>();
  for (const auto& of : children) {
    found->actors.push_back({silent(of), of.spec.kind, of.restarts.total(), of.last_error});
    if (of.spec.kind == "engine" && of.handle) ++found->missing;
    if (of.handle) ++found->missing;
  }
  auto answered = [self, found, done] {
    if (found->missing != 0) return;
    done(write_report(self->state, *found, self->mailbox().size()));
  };
  answered();
  auto one_less = [found, answered](const caf::error&) {
    --found->missing;
    answered();
  };
  std::size_t place = 0;
  for (const auto& of : children) {
    auto i = place++;
    if (!of.handle) continue;
    self->request(caf::actor_cast<status_source>(of.handle), config.status_timeout, status_atom_v)
        .then(
            [found, answered, i](const tmsg::actstat& status) {
              found->actors[i].status = status;
              --found->missing;
              answered();
            },
            one_less);
    if (of.spec.kind != "engine") continue;
    self->request(caf::actor_cast<engine_actor>(of.handle), config.status_timeout, engine_atom_v)
        .then(
            [found, answered](const tmsg::engstat& status) {
              found->engines.push_back(status);
              --found->missing;
              answered();
            },
            one_less);
  }
}

void supervisor_state::topology(pointer self, caf::typed_response_promise<tmsg::topo> promise) {
  auto found = std::make_shared<survey>();
  found->nodes.emplace_back();
  found->missing = 1;
  auto answered = [found, promise]() mutable {
    if (found->missing == 0) promise.deliver(write_topology(*found));
  };
  for (const auto& [incarnation, other] : others) {
    auto i = found->nodes.size();
    found->nodes.push_back({other.member, {}});
    if (!other.supervisor) continue;
    ++found->missing;
    // Twice as long: its own children may be silent.
    self->request(other.supervisor, 2 * config.status_timeout, node_atom_v)
        .then(
            [found, answered, i](const tmsg::nodstat& status) mutable {
              found->nodes[i].status = status;
              --found->missing;
              answered();
            },
            [found, answered](const caf::error&) mutable {
              --found->missing;
              answered();
            });
  }
  report(self, [found, answered](const tmsg::nodstat& status) mutable {
    found->nodes.front().status = status;
    --found->missing;
    answered();
  });
}

}  // namespace tandem
