#include "actors/supervisor/supervisor.hpp"

#include <algorithm>
#include <memory>

#include <spdlog/spdlog.h>

#include "actors/clock.hpp"
#include "actors/executor_pool/executor_pool_actor.hpp"
#include "actors/gateway/gateway_actor.hpp"
#include "actors/router/router_actor.hpp"
#include "actors/status.hpp"
#include "actors/weight_sync/weight_sync_actor.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// What every child answers.
using status_source = caf::typed_actor<caf::replies_to<status_atom>::with<tmsg::actstat>>;

/// The child that adds, drains and removes engines.
using engine_changer =
    caf::typed_actor<caf::replies_to<engine_atom, tmsg::engcmd>::with<tmsg::engrep>>;

/// How long the children may take to start; loading a model is the longest part.
constexpr std::chrono::seconds start_timeout{60};

caf::error starting(const node_description& node) {
  return make_error(errc::unavailable, "node '" + node.name + "' is starting; try again");
}

}  // namespace

void supervisor_state::spawn_child(pointer self, child& of) {
  of.handle = of.spec.spawn(self->system());
  self->monitor(of.handle);
}

supervisor_state::child* supervisor_state::find_child(std::string_view name_of_child) {
  auto found = std::find_if(children.begin(), children.end(),
                            [&](const child& c) { return c.spec.name == name_of_child; });
  return found == children.end() ? nullptr : &*found;
}

void supervisor_state::erase_child(std::uint32_t id) {
  auto found =
      std::find_if(children.begin(), children.end(), [&](const child& c) { return c.id == id; });
  if (found == children.end()) return;
  for (auto& removal : found->removals) removal.deliver(caf::ok_atom_v);
  children.erase(found);
}

void supervisor_state::on_down(pointer self, const caf::down_msg& down) {
  for (auto& of : children) {
    if (!of.handle || of.handle.address() != down.source) continue;
    of.handle = nullptr;
    if (of.added.pending()) {
      of.added.deliver(make_error(code_of(down.reason), message_of(down.reason)));
      of.removed = true;
    }
    if (of.removed) {
      erase_child(of.id);
      if (stopping) stop_next(self);
      return;
    }
    if (stopping) return stop_next(self);
    auto normal = down.reason == caf::exit_reason::normal;
    of.last_error = normal ? std::string{} : valid_utf8(message_of(down.reason));
    // What is wrong with the configuration stays wrong.
    auto how = code_of(down.reason) == errc::invalid_argument ? child_end::hopeless
               : normal                                       ? child_end::normal
                                                              : child_end::failed;
    auto next = of.restarts.on_end(how, std::chrono::steady_clock::now());
    if (of.spec.fatal || next.then == restart_decision::what::escalate)
      return escalate(self, of, down.reason);
    if (next.then == restart_decision::what::leave) return;
    spdlog::warn("actor restarts actor={} pause_ms={} reason=\"{}\"", of.spec.name,
                 next.pause.count(), of.last_error);
    self->delayed_send(self, next.pause, wake_atom_v, of.id);
    return;
  }
}

void supervisor_state::escalate(pointer self, const child& of, const caf::error& reason) {
  spdlog::critical("actor failed, the node stops actor={} reason=\"{}\"", of.spec.name,
                   of.last_error);
  failed = make_error(code_of(reason), of.spec.kind + " '" + of.spec.name + "': " + of.last_error);
  stopping = true;
  stop_next(self);
}

supervisor_state::child& supervisor_state::add_child(child_spec spec) {
  auto rule = spec.restart;
  children.push_back({.id = next_child++,
                      .spec = std::move(spec),
                      .handle = nullptr,
                      .restarts = restart_policy{config, rule}});
  return children.back();
}

void supervisor_state::stop_next(pointer self) {
  for (auto i = children.rbegin(); i != children.rend(); ++i) {
    if (!i->handle) continue;
    self->send_exit(i->handle, caf::exit_reason::user_shutdown);
    return;  // its DOWN brings us back
  }
  self->quit(failed ? failed : caf::error{caf::exit_reason::normal});
}

void supervisor_state::confirm(pointer self, const child& of,
                               const std::function<void(caf::error)>& done) {
  self->request(caf::actor_cast<status_source>(of.handle), start_timeout, status_atom_v)
      .then([done](const tmsg::actstat&) { done(caf::none); },
            [done](const caf::error& err) { done(err); });
}

void supervisor_state::confirm_start(pointer self, ok_promise promise) {
  if (failed) {
    promise.deliver(failed);
    return;
  }
  auto missing = std::make_shared<std::size_t>(children.size());
  for (const auto& of : children) {
    confirm(self, of, [self, missing, promise](const caf::error& err) mutable {
      if (!promise.pending()) return;
      // The child's own reason comes with its DOWN, which may be a moment later.
      if (err)
        promise.deliver(self->state.failed ? self->state.failed : err);
      else if (--*missing == 0)
        promise.deliver(caf::ok_atom_v);
    });
  }
}

void supervisor_state::on_member(const tmsg::member& member, const peer_handles& handles) {
  auto reader = member.read();
  auto incarnation = reader->getIncarnation();
  // Others still tell of this node's earlier starts, too.
  if (incarnation == node.incarnation || view(reader->getName()) == node.name) return;
  // Of a node that came back only the start that lives is shown, else the latest, in whatever order
  // they are told of.
  auto is_namesake = [&](const auto& entry) {
    return entry.first != incarnation &&
           view(entry.second.member.read()->getName()) == view(reader->getName());
  };
  if (!handles.supervisor && std::any_of(others.begin(), others.end(), [&](const auto& entry) {
        return is_namesake(entry) && entry.second.supervisor;
      })) {
    others.erase(incarnation);
    return;
  }
  std::erase_if(others, [&](const auto& entry) {
    return is_namesake(entry) &&
           (handles.supervisor ||
            entry.second.member.read()->getStartedAtMs() <= reader->getStartedAtMs());
  });
  others[incarnation] = {member, caf::actor_cast<supervisor_actor>(handles.supervisor)};
}

caf::expected<supervisor_actor> supervisor_state::find_node(std::string_view wanted) const {
  std::string known = node.name;
  for (const auto& [incarnation, other] : others) {
    auto member = other.member.read();
    auto its_name = view(member->getName());
    known += ", " + std::string{its_name};
    if (its_name != wanted) continue;
    if (other.supervisor) return other.supervisor;
    return make_error(errc::unavailable, "node '" + std::string{wanted} + "' does not answer");
  }
  return make_error(errc::not_found, "there is no node '" + std::string{wanted} +
                                         "' in this cluster; there is " + known);
}

supervisor_inside::behavior_type supervisor_behavior(supervisor_state::pointer self,
                                                     const supervisor_config& config,
                                                     node_description node,
                                                     std::vector<child_spec> children,
                                                     node_services services) {
  auto& state = self->state;
  state.config = config;
  state.node = std::move(node);
  state.started_at_ms = unix_ms();
  state.services = std::move(services);
  self->set_down_handler([self](const caf::down_msg& down) { self->state.on_down(self, down); });
  for (auto& spec : children) state.add_child(std::move(spec));
  for (auto& child : state.children) state.spawn_child(self, child);
  return {
      [self](topo_atom) {
        auto promise = self->make_response_promise<tmsg::topo>();
        self->state.topology(self, promise);
        return promise;
      },
      [self](node_atom) {
        auto promise = self->make_response_promise<tmsg::nodstat>();
        self->state.report(
            self, [promise](const tmsg::nodstat& status) mutable { promise.deliver(status); });
        return promise;
      },
      [self](hello_atom, const tmsg::hello& hello,
             const peer_handles& handles) -> caf::result<tmsg::hello, peer_handles> {
        auto& services = self->state.services;
        auto mesh = services.mesh ? services.mesh() : mesh_actor{};
        if (!mesh) return starting(self->state.node);
        return self->delegate(mesh, hello_atom_v, hello, handles);
      },
      [self](planner_atom) -> caf::result<planner_actor> {
        if (auto planner = self->state.services.planner()) return planner;
        return starting(self->state.node);
      },
      [self](drain_atom, const tmsg::drainqry& query) { return self->state.drain(self, query); },
      [self](engine_atom, const tmsg::engqry& query) -> caf::result<tmsg::engrep> {
        std::string name{view(query.read()->getName())};
        // `engine@node`, as other nodes call it.
        if (auto at = name.rfind('@');
            at != std::string::npos && name.substr(at + 1) != self->state.node.name) {
          auto node = self->state.find_node(name.substr(at + 1));
          if (!node) return std::move(node.error());
          message_builder<schema::EngineQuery> there;
          there->setName(name.substr(0, at));
          return self->delegate(*node, engine_atom_v, there.finish());
        } else if (at != std::string::npos) {
          name.resize(at);
        }
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
      [self](engine_atom, const tmsg::engcmd& command) -> caf::result<tmsg::engrep> {
        for (const auto& child : self->state.children) {
          if (child.spec.kind != "engine_admin" || !child.handle) continue;
          auto promise = self->make_response_promise<tmsg::engrep>();
          self->request(caf::actor_cast<engine_changer>(child.handle), caf::infinite, engine_atom_v,
                        command)
              .then([promise](const tmsg::engrep& report) mutable { promise.deliver(report); },
                    [promise](const caf::error& err) mutable { promise.deliver(err); });
          return promise;
        }
        return make_error(errc::unavailable,
                          "node '" + self->state.node.name + "' cannot change its engines now");
      },
      [self](route_atom, const tmsg::rtcmd& command) -> caf::result<tmsg::rtrep> {
        for (const auto& child : self->state.children)
          if (child.spec.kind == "router" && child.handle)
            return self->delegate(caf::actor_cast<router_actor>(child.handle), route_atom_v,
                                  command);
        return make_error(errc::unavailable,
                          "node '" + self->state.node.name + "' has no router now");
      },
      [self](cache_atom, const tmsg::cachcmd& command) -> caf::result<tmsg::cachrpt> {
        for (const auto& child : self->state.children)
          if (child.spec.kind == "executor_pool" && child.handle)
            return self->delegate(caf::actor_cast<executor_pool_actor>(child.handle), cache_atom_v,
                                  command);
        return make_error(errc::unavailable,
                          "node '" + self->state.node.name + "' has no executor pool now");
      },
      [self](weight_atom, const tmsg::wtcmd& command) -> caf::result<tmsg::wtrep> {
        for (const auto& child : self->state.children)
          if (child.spec.kind == "weight_sync" && child.handle)
            return self->delegate(caf::actor_cast<weight_sync_actor>(child.handle), weight_atom_v,
                                  command);
        return make_error(errc::unavailable,
                          "node '" + self->state.node.name + "' looks after no weights now");
      },
      [self](key_atom, const tmsg::keycmd& command) -> caf::result<tmsg::keyrpt> {
        for (const auto& child : self->state.children)
          if (child.spec.kind == "keys" && child.handle)
            return self->delegate(caf::actor_cast<gateway_actor>(child.handle), key_atom_v,
                                  command);
        return make_error(errc::unavailable,
                          "node '" + self->state.node.name +
                              "' has no gateway now; set [http] listen = \"127.0.0.1:8420\"");
      },
      [self](start_atom) {
        auto promise = self->make_response_promise<caf::ok_atom>();
        self->state.confirm_start(self, promise);
        return promise;
      },
      [self](wire_atom, const std::string& address) { self->state.node.address = address; },
      [self](wire_atom, const std::string& address, const std::string& http) {
        self->state.node.address = address;
        self->state.node.http = http;
      },
      [self](stop_atom) {
        if (self->state.stopping) return;
        self->state.stopping = true;
        self->state.stop_next(self);
      },
      [self](wake_atom, std::uint32_t id) {
        auto& state = self->state;
        for (auto& child : state.children) {
          if (child.id != id || state.stopping || child.handle) continue;
          state.spawn_child(self, child);
          if (child.spec.announce) child.spec.announce();
        }
      },
      [self](add_atom, const child_spec& spec) -> caf::result<caf::ok_atom> {
        auto& state = self->state;
        if (state.stopping) return make_error(errc::unavailable, "the node is stopping");
        if (state.find_child(spec.name) != nullptr)
          return make_error(errc::conflict, "there is an actor '" + spec.name + "' already");
        auto& added = state.add_child(spec);
        auto promise = self->make_response_promise<caf::ok_atom>();
        added.added = promise;
        state.spawn_child(self, added);
        // A failure is told by its DOWN, with the child's own reason.
        state.confirm(self, added, [self, promise, id = added.id](const caf::error& err) mutable {
          if (!promise.pending()) return;
          if (!err) {
            promise.deliver(caf::ok_atom_v);
            return;
          }
          if (err != caf::sec::request_timeout) return;
          // It lives, and says nothing: nobody would know of it.
          for (auto& child : self->state.children) {
            if (child.id != id) continue;
            child.removed = true;
            self->send_exit(child.handle, caf::exit_reason::kill);
          }
          promise.deliver(err);
        });
        return promise;
      },
      [self](remove_atom, const std::string& name) -> caf::result<caf::ok_atom> {
        auto& state = self->state;
        auto* child = state.find_child(name);
        if (child == nullptr)
          return make_error(errc::not_found, "there is no actor '" + name + "' here");
        child->removed = true;
        auto promise = self->make_response_promise<caf::ok_atom>();
        child->removals.push_back(promise);
        if (child->handle)
          self->send_exit(child->handle, caf::exit_reason::user_shutdown);
        else
          state.erase_child(child->id);
        return promise;
      },
      [self](member_atom, const tmsg::member& member, const peer_handles& handles) {
        self->state.on_member(member, handles);
      }};
}

}  // namespace tandem
