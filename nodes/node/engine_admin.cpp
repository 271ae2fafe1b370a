#include "nodes/node/engine_admin.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "actors/status.hpp"
#include "config/engine_changes.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::chrono::seconds status_timeout{5};

tmsg::engrep as_report(schema::EngineStatus::Reader status) {
  message_builder<schema::EngineReport> report;
  report->setStatus(status);
  return report.finish();
}

tmsg::engrep name_only(const std::string& engine) {
  message_builder<schema::EngineReport> report;
  report->initStatus().setName(engine);
  return report.finish();
}

}  // namespace

caf::error engine_admin_state::check(const std::string& engine) const {
  if (busy.contains(engine))
    return make_error(errc::conflict,
                      "engine '" + engine + "' is being added or removed; try again later");
  std::string known;
  for (const auto& each : engines) {
    if (each.name == engine) return caf::none;
    known += (known.empty() ? "" : ", ") + each.name;
  }
  return make_error(errc::not_found, "there is no engine '" + engine + "' here; there is " +
                                         (known.empty() ? "none" : known));
}

caf::error engine_admin_state::save(const engine_changes& wanted, const std::string& engine) {
  if (copies.contains(engine)) return caf::none;
  if (auto err = save_engine_changes(parts.config.data, wanted)) return err;
  changes = wanted;
  return caf::none;
}

void engine_admin_state::report(pointer self, const std::string& engine, promise promise) {
  auto handle = parts.engines->find(engine);
  if (!handle) {
    promise.deliver(name_only(engine));
    return;
  }
  self->request(handle, status_timeout, engine_atom_v)
      .then(
          [promise](const tmsg::engstat& status) mutable {
            promise.deliver(as_report(*status.read()));
          },
          [promise, engine](const caf::error&) mutable { promise.deliver(name_only(engine)); });
}

void engine_admin_state::add(pointer self, schema::EngineCommand::Reader command, promise promise) {
  auto read = read_added_engine(parts.config, engines, view(command.getToml()));
  if (!read) {
    promise.deliver(read.error());
    return;
  }
  auto engine = std::move(*read);
  if (busy.contains(engine.name)) {
    promise.deliver(make_error(
        errc::conflict, "engine '" + engine.name + "' is being added or removed; try again later"));
    return;
  }
  busy.insert(engine.name);
  // Its first start is nobody else's trouble: see restart_rule.
  self->request(parts.host(), caf::infinite, add_atom_v,
                registered_engine(engine, parts.engines, parts.make_child))
      .then([self, engine, promise](caf::ok_atom) { self->state.started(self, engine, promise); },
            [self, engine, promise](const caf::error& err) mutable {
              self->state.busy.erase(engine.name);
              self->state.parts.engines->erase(engine.name);
              promise.deliver(err);
            });
}

void engine_admin_state::started(pointer self, const engine_config& engine, promise promise) {
  auto wanted = changes;
  note_added(wanted, engine);
  if (auto err = save(wanted, engine.name)) {
    // It would be gone after a restart: better now, with the reason.
    self->request(parts.host(), caf::infinite, remove_atom_v, engine.name)
        .then([](caf::ok_atom) {}, [](const caf::error&) {});
    parts.engines->erase(engine.name);
    busy.erase(engine.name);
    promise.deliver(err);
    return;
  }
  busy.erase(engine.name);
  engines.push_back(engine);
  spdlog::info("engine added engine={} kind={} model={}", engine.name, engine.kind, engine.model);
  report(self, engine.name, promise);
  if (!is_looking) look_at_scale(self);
}

caf::result<tmsg::engrep> engine_admin_state::drain(pointer self, const std::string& engine,
                                                    bool is_drained) {
  if (auto err = check(engine)) return err;
  auto wanted = changes;
  note_drained(wanted, engine, is_drained);
  if (auto err = save(wanted, engine)) return err;
  parts.engines->set_draining(engine, is_drained);
  spdlog::info("engine {} engine={}", is_drained ? "drains" : "takes work again", engine);
  auto promise = self->make_response_promise<tmsg::engrep>();
  auto handle = parts.engines->find(engine);
  if (!handle) {
    promise.deliver(name_only(engine));
    return promise;
  }
  self->request(handle, status_timeout, drain_atom_v, is_drained)
      .then(
          [promise](const tmsg::engstat& status) mutable {
            promise.deliver(as_report(*status.read()));
          },
          // It is being restarted, and will do as it is told then.
          [promise, engine](const caf::error&) mutable { promise.deliver(name_only(engine)); });
  return promise;
}

void engine_admin_state::remove(pointer self, const std::string& engine,
                                std::chrono::milliseconds deadline, promise promise) {
  if (auto err = check(engine)) {
    promise.deliver(err);
    return;
  }
  busy.insert(engine);
  parts.engines->set_draining(engine, true);
  auto handle = parts.engines->find(engine);
  if (!handle || deadline == std::chrono::milliseconds::zero()) return stop(self, engine, promise);
  self->request(handle, deadline, drain_atom_v)
      .then([self, engine, promise](caf::ok_atom) { self->state.stop(self, engine, promise); },
            [self, engine, promise, deadline](const caf::error& err) {
              spdlog::warn(
                  "engine is removed before its work is done engine={} deadline_ms={} "
                  "reason=\"{}\"",
                  engine, deadline.count(), message_of(err));
              self->state.stop(self, engine, promise);
            });
}

void engine_admin_state::stop(pointer self, const std::string& engine, promise promise) {
  auto wanted = changes;
  note_removed(wanted, engine);
  if (auto err = save(wanted, engine)) {
    // It stays, as drained or not as it was.
    auto was_drained =
        std::find(changes.drained.begin(), changes.drained.end(), engine) != changes.drained.end();
    parts.engines->set_draining(engine, was_drained);
    if (auto handle = parts.engines->find(engine); handle)
      self->request(handle, status_timeout, drain_atom_v, was_drained)
          .then([](const tmsg::engstat&) {}, [](const caf::error&) {});
    busy.erase(engine);
    promise.deliver(err);
    return;
  }
  auto done = [self, engine, promise]() mutable {
    auto& state = self->state;
    state.busy.erase(engine);
    state.parts.engines->erase(engine);
    std::erase_if(state.engines, [&](const auto& each) { return each.name == engine; });
    state.copies.erase(engine);
    state.forget_scale(self, engine);
    spdlog::info("engine removed engine={}", engine);
    promise.deliver(name_only(engine));
  };
  self->request(parts.host(), caf::infinite, remove_atom_v, engine)
      .then([done](caf::ok_atom) mutable { done(); },
            [done](const caf::error&) mutable { done(); });
}

engine_admin_inside::behavior_type engine_admin_behavior(engine_admin_state::pointer self,
                                                         engine_admin_parts parts) {
  self->state.parts = std::move(parts);
  self->state.engines = self->state.parts.config.engines;
  self->state.changes = self->state.parts.config.at_run_time;
  self->state.look_at_scale(self);
  return {[self](engine_atom, const tmsg::engcmd& command) -> caf::result<tmsg::engrep> {
            auto& state = self->state;
            ++state.handled;
            auto reader = command.read();
            std::string engine{view(reader->getName())};
            using action = schema::EngineAction;
            switch (reader->getAction()) {
              case action::DRAIN:
              case action::UNDRAIN:
                return state.drain(self, engine, reader->getAction() == action::DRAIN);
              case action::ADD: {
                auto promise = self->make_response_promise<tmsg::engrep>();
                state.add(self, *reader, promise);
                return promise;
              }
              case action::REMOVE: {
                constexpr std::uint64_t deadline_ms_max = 24ull * 3600 * 1000;
                auto promise = self->make_response_promise<tmsg::engrep>();
                state.remove(
                    self, engine,
                    std::chrono::milliseconds{std::min(reader->getDeadlineMs(), deadline_ms_max)},
                    promise);
                return promise;
              }
              default:
                return make_error(errc::invalid_argument,
                                  "an engine is added, drained, undrained or removed");
            }
          },
          [self](status_atom) {
            return actor_status({.name = "engine_admin",
                                 .kind = "engine_admin",
                                 .parent = "supervisor",
                                 .mailbox_depth = self->mailbox().size(),
                                 .in_flight = self->state.busy.size(),
                                 .handled = self->state.handled,
                                 .noun = "commands"});
          },
          [self](wake_atom) { self->state.look_at_scale(self); }};
}

child_spec registered_engine(const engine_config& engine,
                             const std::shared_ptr<engine_registry>& engines,
                             const engine_factory& make_child) {
  auto spec = make_child(engine);
  spec.spawn = [engine, engines, make_child](caf::actor_system& system) {
    auto now = engine;
    now.draining = engines->is_draining(engine.name);
    auto handle = make_child(now).spawn(system);
    engines->put(engine, caf::actor_cast<engine_inside>(handle));
    return handle;
  };
  return spec;
}

void announce_engine_changes(const node_config& config, engine_registry& engines) {
  const auto& changes = config.at_run_time;
  for (const auto& engine : changes.added)
    spdlog::info("engine added at run time engine={} file={}", engine.name, engines_file);
  for (const auto& name : changes.removed)
    spdlog::info("engine of the config file removed at run time engine={} file={}", name,
                 engines_file);
  for (const auto& name : changes.drained) {
    engines.set_draining(name, true);
    spdlog::info("engine drained at run time engine={} file={}", name, engines_file);
  }
}

}  // namespace tandem
