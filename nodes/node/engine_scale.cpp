// Engines of which there are more while calls wait.

#include <algorithm>
#include <chrono>

#include <spdlog/spdlog.h>
#include <caf/send.hpp>

#include "nodes/node/engine_admin.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::chrono::milliseconds look_pause{500};
constexpr std::chrono::seconds answer_wait{5};
/// After a copy could not be started.
constexpr std::chrono::seconds failure_pause{30};
/// What a copy has is finished before it is stopped; then jobs have it done elsewhere.
constexpr std::chrono::minutes drain_wait{10};

void add_serving(scale_facts& to, schema::EngineStatus::Reader status) {
  ++to.serving;
  to.places += status.getLimit() == 0 ? status.getConcurrency() : status.getLimit();
  to.running += status.getInFlight();
  to.queued += status.getQueued();
}

tmsg::engcmd removal_of(const std::string& engine) {
  message_builder<schema::EngineCommand> out;
  out->setAction(schema::EngineAction::REMOVE);
  out->setName(engine);
  out->setDeadlineMs(std::chrono::milliseconds{drain_wait}.count());
  return out.finish();
}

}  // namespace

void engine_admin_state::look_at_scale(pointer self) {
  is_looking = false;
  for (const auto& engine : engines) {
    if (engine.scale.max <= 1) continue;
    is_looking = true;
    auto& group = scaled.try_emplace(engine.name, scaled_engine{.rule = scale_rule{engine.scale}})
                      .first->second;
    if (group.asked != 0 || group.is_changing) continue;
    group.facts = {};
    group.failed.clear();
    auto names = group.copies;
    names.push_back(engine.name);
    group.asked = names.size();
    for (const auto& each : names) {
      auto handle = parts.engines->find(each);
      if (!handle) {
        note_scale(self, engine.name, each, nullptr);
        continue;
      }
      self->request(handle, answer_wait, engine_atom_v)
          .then(
              [self, first = engine.name, each](const tmsg::engstat& status) {
                self->state.note_scale(self, first, each, &status);
              },
              [self, first = engine.name, each](const caf::error&) {
                self->state.note_scale(self, first, each, nullptr);
              });
    }
  }
  if (is_looking) self->delayed_send(self, look_pause, wake_atom_v);
}

void engine_admin_state::note_scale(pointer self, const std::string& first,
                                    const std::string& engine, const tmsg::engstat* status) {
  auto found = scaled.find(first);
  if (found == scaled.end() || found->second.asked == 0) return;
  auto& group = found->second;
  using schema::Health;
  auto health = status == nullptr ? Health::UNHEALTHY : status->read()->getHealth();
  if (health == Health::HEALTHY || health == Health::BUSY) {
    add_serving(group.facts, *status->read());
  } else if (health == Health::STARTING || health == Health::UPDATING) {
    ++group.facts.starting;
  } else if (health != Health::DRAINING && engine != first) {
    // The first one is looked after like any engine.
    ++group.facts.failed;
    group.failed = engine;
  }
  if (status != nullptr) {
    group.facts.finished += status->read()->getRequests();
    group.facts.busy += std::chrono::microseconds{status->read()->getBusyUs()};
  }
  if (--group.asked == 0) change_scale(self, first);
}

void engine_admin_state::change_scale(pointer self, const std::string& first) {
  auto& group = scaled.at(first);
  switch (group.rule.look(group.facts, self->clock().now())) {
    case scale_step::grow:
      return add_copy(self, first);
    case scale_step::shrink:
      return remove_copy(self, first);
    case scale_step::stay:
      return;
  }
}

void engine_admin_state::add_copy(pointer self, const std::string& first) {
  auto found = std::find_if(engines.begin(), engines.end(),
                            [&](const auto& each) { return each.name == first; });
  if (found == engines.end()) return;
  auto copy = *found;
  auto is_taken = [&](const std::string& name) {
    return busy.contains(name) || std::any_of(engines.begin(), engines.end(),
                                              [&](const auto& each) { return each.name == name; });
  };
  for (int number = 2; copy.name == first || is_taken(copy.name); ++number)
    copy.name = first + "-" + std::to_string(number);
  copy.warm_first = found->scale.warm;
  copy.scale = {};
  auto& group = scaled.at(first);
  group.is_changing = true;
  busy.insert(copy.name);
  spdlog::info("engine grows engine={} copy={} wait_ms={} queued={}", first, copy.name,
               group.rule.delay().count(), group.facts.queued);
  self->request(parts.host(), caf::infinite, add_atom_v,
                registered_engine(copy, parts.engines, parts.make_child))
      .then(
          [self, first, copy](caf::ok_atom) {
            auto& state = self->state;
            state.busy.erase(copy.name);
            state.engines.push_back(copy);
            state.copies.insert(copy.name);
            auto group = state.scaled.find(first);
            if (group == state.scaled.end()) {
              // The first one was removed meanwhile.
              self->request(caf::actor_cast<engine_admin_actor>(self), caf::infinite, engine_atom_v,
                            removal_of(copy.name))
                  .then([](const tmsg::engrep&) {}, [](const caf::error&) {});
              return;
            }
            group->second.copies.push_back(copy.name);
            group->second.is_changing = false;
          },
          [self, first, copy](const caf::error& err) {
            auto& state = self->state;
            state.busy.erase(copy.name);
            state.parts.engines->erase(copy.name);
            spdlog::warn("engine cannot grow engine={} copy={} reason=\"{}\"", first, copy.name,
                         message_of(err));
            self->delayed_send(self, failure_pause, wake_atom_v, first);
          });
}

void engine_admin_state::remove_copy(pointer self, const std::string& first) {
  auto& group = scaled.at(first);
  if (group.copies.empty()) return;
  auto copy = group.failed.empty() ? group.copies.back() : group.failed;
  group.is_changing = true;
  spdlog::info("engine shrinks engine={} copy={} reason=\"{}\"", first, copy,
               group.failed.empty() ? "one fewer would have been enough" : "it does not answer");
  auto done = [self, first] {
    auto group = self->state.scaled.find(first);
    if (group != self->state.scaled.end()) group->second.is_changing = false;
  };
  self->request(caf::actor_cast<engine_admin_actor>(self), caf::infinite, engine_atom_v,
                removal_of(copy))
      .then([done](const tmsg::engrep&) { done(); }, [done](const caf::error&) { done(); });
}

void engine_admin_state::forget_scale(pointer self, const std::string& engine) {
  for (auto& [first, group] : scaled) std::erase(group.copies, engine);
  auto found = scaled.find(engine);
  if (found == scaled.end()) return;
  auto copies = std::move(found->second.copies);
  scaled.erase(found);
  for (const auto& each : copies)
    self->request(caf::actor_cast<engine_admin_actor>(self), caf::infinite, engine_atom_v,
                  removal_of(each))
        .then([](const tmsg::engrep&) {}, [](const caf::error&) {});
}

}  // namespace tandem
