#include "actors/supervisor/supervisor.hpp"

#include <fstream>
#include <memory>

#include <unistd.h>

#include <spdlog/spdlog.h>

#include "actors/clock.hpp"
#include "actors/status.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// What every child answers.
using status_source = caf::typed_actor<caf::replies_to<status_atom>::with<tmsg::actstat>>;

/// How long the children may take to start; loading a model is the longest part.
constexpr std::chrono::seconds start_timeout{60};

std::uint64_t resident_bytes() {
  std::ifstream statm{"/proc/self/statm"};
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

/// Answers gathered from the children for one request.
struct gathering {
  std::vector<tmsg::actstat> actors;
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

void write_topology(schema::Topology::Builder out, const supervisor_state& state,
                    const gathering& found, std::size_t mailbox_depth) {
  auto node = out.initNodes(1)[0];
  node.setName(state.node.name);
  node.setIncarnation(state.node.incarnation);
  node.setJournal(state.node.journal.value);
  node.setAddress(state.node.address);
  node.setVersion(state.node.version);
  node.setStartedAtMs(state.started_at_ms);
  node.setResidentBytes(resident_bytes());
  auto roles = node.initRoles(static_cast<unsigned>(state.node.roles.size()));
  for (unsigned i = 0; i < roles.size(); ++i) roles.set(i, state.node.roles[i]);
  auto actors = node.initActors(static_cast<unsigned>(found.actors.size()) + 1);
  actors[0].setName("supervisor");
  actors[0].setKind("supervisor");
  actors[0].setState("ok");
  actors[0].setMailboxDepth(static_cast<std::uint32_t>(mailbox_depth));
  for (unsigned i = 0; i < found.actors.size(); ++i) {
    actors.setWithCaveats(i + 1, *found.actors[i].read());
    auto actor = actors[i + 1];
    actor.setRestarts(state.children[i].restarts.total());
    if (!state.children[i].last_error.empty()) actor.setLastError(state.children[i].last_error);
    if (state.children[i].spec.kind == "planner") {
      node.setJobsRunning(actor.getInFlight());
      node.setJobsQueued(actor.getQueued());
    }
  }
  auto engines = node.initEngines(static_cast<unsigned>(found.engines.size()));
  for (unsigned i = 0; i < engines.size(); ++i) engines.setWithCaveats(i, *found.engines[i].read());
}

}  // namespace

void supervisor_state::spawn_child(pointer self, child& of) {
  of.handle = of.spec.spawn(self->system());
  self->monitor(of.handle);
}

void supervisor_state::on_down(pointer self, const caf::down_msg& down) {
  for (std::uint32_t i = 0; i < children.size(); ++i) {
    auto& of = children[i];
    if (!of.handle || of.handle.address() != down.source) continue;
    of.handle = nullptr;
    if (stopping) return stop_next(self);
    of.last_error = valid_utf8(message_of(down.reason));
    auto pause = of.restarts.on_failure(std::chrono::steady_clock::now());
    // What is wrong with the configuration stays wrong.
    auto hopeless = code_of(down.reason) == errc::invalid_argument;
    if (of.spec.fatal || hopeless || !pause) {
      spdlog::critical("actor failed, the node stops actor={} reason=\"{}\"", of.spec.name,
                       of.last_error);
      failed = make_error(code_of(down.reason),
                          of.spec.kind + " '" + of.spec.name + "': " + of.last_error);
      stopping = true;
      return stop_next(self);
    }
    spdlog::warn("actor restarts actor={} pause_ms={} reason=\"{}\"", of.spec.name, pause->count(),
                 of.last_error);
    self->delayed_send(self, *pause, wake_atom_v, i);
    return;
  }
}

void supervisor_state::stop_next(pointer self) {
  for (auto i = children.rbegin(); i != children.rend(); ++i) {
    if (!i->handle) continue;
    self->send_exit(i->handle, caf::exit_reason::user_shutdown);
    return;  // its DOWN brings us back
  }
  self->quit(failed ? failed : caf::error{caf::exit_reason::normal});
}

void supervisor_state::topology(pointer self, caf::typed_response_promise<tmsg::topo> promise) {
  auto found = std::make_shared<gathering>();
  for (const auto& of : children) {
    found->actors.push_back(silent(of));
    if (of.spec.kind == "engine" && of.handle) ++found->missing;
    if (of.handle) ++found->missing;
  }
  auto answered = [self, found, promise]() mutable {
    if (found->missing != 0) return;
    message_builder<schema::Topology> reply;
    write_topology(*reply, self->state, *found, self->mailbox().size());
    promise.deliver(reply.finish());
  };
  answered();
  auto one_less = [found, answered](const caf::error&) mutable {
    --found->missing;
    answered();
  };
  for (std::size_t i = 0; i < children.size(); ++i) {
    const auto& of = children[i];
    if (!of.handle) continue;
    self->request(caf::actor_cast<status_source>(of.handle), config.status_timeout, status_atom_v)
        .then(
            [found, answered, i](const tmsg::actstat& status) mutable {
              found->actors[i] = status;
              --found->missing;
              answered();
            },
            one_less);
    if (of.spec.kind != "engine") continue;
    self->request(caf::actor_cast<engine_actor>(of.handle), config.status_timeout, engine_atom_v)
        .then(
            [found, answered](const tmsg::engstat& status) mutable {
              found->engines.push_back(status);
              --found->missing;
              answered();
            },
            one_less);
  }
}

void supervisor_state::confirm_start(pointer self,
                                     caf::typed_response_promise<caf::ok_atom> promise) {
  if (failed) {
    promise.deliver(failed);
    return;
  }
  auto missing = std::make_shared<std::size_t>(children.size());
  for (const auto& of : children) {
    self->request(caf::actor_cast<status_source>(of.handle), start_timeout, status_atom_v)
        .then(
            [missing, promise](const tmsg::actstat&) mutable {
              if (--*missing == 0 && promise.pending()) promise.deliver(caf::ok_atom_v);
            },
            [self, promise](const caf::error& err) mutable {
              // The child's own reason comes with its DOWN, which may be a moment later.
              if (promise.pending()) promise.deliver(self->state.failed ? self->state.failed : err);
            });
  }
}

supervisor_inside::behavior_type supervisor_behavior(supervisor_state::pointer self,
                                                     const supervisor_config& config,
                                                     node_description node,
                                                     std::vector<child_spec> children,
                                                     std::function<planner_actor()> planner) {
  auto& state = self->state;
  state.config = config;
  state.node = std::move(node);
  state.started_at_ms = unix_ms();
  state.planner = std::move(planner);
  self->set_down_handler([self](const caf::down_msg& down) { self->state.on_down(self, down); });
  // References into the vector are kept while children are spawned.
  state.children.reserve(children.size());
  for (auto& spec : children)
    state.children.push_back({std::move(spec), nullptr, restart_policy{config}, {}});
  for (auto& child : state.children) state.spawn_child(self, child);
  return {
      [self](topo_atom) {
        auto promise = self->make_response_promise<tmsg::topo>();
        self->state.topology(self, promise);
        return promise;
      },
      [self](node_atom) -> caf::result<tmsg::nodstat> {
        return make_error(errc::unavailable, "node '" + self->state.node.name + "' is starting");
      },
      [self](hello_atom, const tmsg::hello&,
             const peer_handles&) -> caf::result<tmsg::hello, peer_handles> {
        return make_error(errc::unavailable, "node '" + self->state.node.name + "' is starting");
      },
      [self](planner_atom) -> caf::result<planner_actor> {
        if (auto planner = self->state.planner()) return planner;
        return make_error(errc::unavailable, "node '" + self->state.node.name +
                                                 "' has no planner; connect to one that has");
      },
      [self](engine_atom, const tmsg::engqry& query) -> caf::result<tmsg::engrep> {
        std::string name{view(query.read()->getName())};
        std::string known;
        for (const auto& child : self->state.children) {
          if (child.spec.kind != "engine") continue;
          known += (known.empty() ? "" : ", ") + child.spec.name;
          if (child.spec.name != name) continue;
          if (!child.handle)
            return make_error(errc::unavailable,
                              "engine '" + name + "' is being restarted: " + child.last_error);
          return self->delegate(caf::actor_cast<engine_actor>(child.handle), engine_atom_v, query);
        }
        return make_error(errc::not_found, "there is no engine '" + name + "' here; there is " +
                                               (known.empty() ? "none" : known));
      },
      [self](start_atom) {
        auto promise = self->make_response_promise<caf::ok_atom>();
        self->state.confirm_start(self, promise);
        return promise;
      },
      [self](wire_atom, const std::string& address) { self->state.node.address = address; },
      [self](stop_atom) {
        if (self->state.stopping) return;
        self->state.stopping = true;
        self->state.stop_next(self);
      },
      [self](wake_atom, std::uint32_t place) {
        auto& child = self->state.children[place];
        if (self->state.stopping || child.handle) return;
        self->state.spawn_child(self, child);
        if (child.spec.announce) child.spec.announce();
      }};
}

}  // namespace tandem
