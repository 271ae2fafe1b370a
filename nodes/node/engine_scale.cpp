// Engines of which there are more while calls wait.

#include <algorithm>
#include <chrono>
#include <optional>

#include <spdlog/spdlog.h>
#include <caf/send.hpp>

#include "nodes/node/engine_admin.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::chrono::milliseconds look_pause{500};
constexpr std::chrono::seconds answer_wait{5};
/// After a copy has failed; doubles while they do.
constexpr std::chrono::seconds failure_pause{30};
constexpr std::uint32_t failure_doublings_max = 5;
/// What a copy has is finished before it is stopped; then it is done elsewhere.
constexpr std::chrono::minutes drain_wait{10};
constexpr std::chrono::seconds failed_drain_wait{10};

tmsg::engcmd removal_of(const std::string& engine, std::chrono::milliseconds deadline) {
  message_builder<schema::EngineCommand> out;
  out->setAction(schema::EngineAction::REMOVE);
  out->setName(engine);
  out->setDeadlineMs(static_cast<std::uint64_t>(deadline.count()));
  return out.finish();
}

/// As `tandem engine explain` says it.
std::string why_not(const tmsg::engstat* status) {
  if (status == nullptr) return "it does not answer";
  auto changes = status->read()->getChanges();
  return changes.size() == 0 ? "it does not serve"
                             : std::string{view(changes[changes.size() - 1].getReason())};
}

void note_failure(scaled_engine& group, scaled_engine::time_point now) {
  group.not_before = now + failure_pause * (1 << std::min(group.failures, failure_doublings_max));
  ++group.failures;
}

}  // namespace

void engine_admin_state::look_at_scale(pointer self) {
  is_looking = false;
  for (const auto& engine : engines) {
    if (engine.scale.max <= 1) continue;
    is_looking = true;
    auto found = scaled.find(engine.name);
    if (found == scaled.end())
      found = scaled
                  .emplace(engine.name,
                           scaled_engine{.rule = scale_rule{engine.scale}, .number = ++rounds})
                  .first;
    auto& group = found->second;
    if (group.asked != 0) continue;
    group.facts = {};
    group.queues.clear();
    group.failed.clear();
    group.round = ++rounds;
    std::vector<std::string> names{engine.name};
    for (const auto& each : group.copies) names.push_back(each.name);
    group.asked = names.size();
    for (const auto& each : names) {
      auto handle = parts.engines->find(each);
      if (!handle) {
        note_scale(self, engine.name, group.round, each, nullptr);
        continue;
      }
      auto note = [self, first = engine.name, round = group.round, each](const auto* status) {
        self->state.note_scale(self, first, round, each, status);
      };
      self->request(handle, answer_wait, engine_atom_v)
          .then([note](const tmsg::engstat& status) { note(&status); },
                [note](const caf::error&) { note(static_cast<const tmsg::engstat*>(nullptr)); });
    }
  }
  if (is_looking) self->delayed_send(self, look_pause, wake_atom_v);
}

void engine_admin_state::note_scale(pointer self, const std::string& first, std::uint64_t round,
                                    const std::string& engine, const tmsg::engstat* status) {
  auto found = scaled.find(first);
  if (found == scaled.end() || found->second.round != round) return;
  auto& group = found->second;
  auto& facts = group.facts;
  auto now = self->clock().now();
  auto copy = std::find_if(group.copies.begin(), group.copies.end(),
                           [&](const auto& each) { return each.name == engine; });
  using schema::Health;
  auto health = status == nullptr ? Health::UNKNOWN : status->read()->getHealth();
  auto serves = health == Health::HEALTHY || health == Health::BUSY;
  if (status != nullptr) {
    auto reader = status->read();
    facts.finished += reader->getRequests();
    facts.busy += std::chrono::microseconds{reader->getBusyUs()};
    if (serves) {
      std::uint64_t places =
          reader->getLimit() == 0 ? reader->getConcurrency() : reader->getLimit();
      ++facts.serving;
      facts.places += places;
      facts.running += reader->getInFlight();
      facts.queued += reader->getQueued();
      auto has_room = reader->getQueued() == 0 && reader->getInFlight() < places;
      facts.idle += has_room ? 1 : 0;
      group.queues.push_back({.engine = engine,
                              .weight_version = std::string{view(reader->getWeightVersion())},
                              .queued = reader->getQueued(),
                              .has_room = has_room});
    }
  }
  if (copy != group.copies.end()) {
    copy->serves = serves;
    if (serves) {
      copy->fine = now;
      group.failures = 0;
    }
  }
  // Servers that load their weights refuse connections, die and are started anew: they have the
  // time that one start may take. The first one is looked after as any engine is.
  auto patience = std::chrono::milliseconds{process_config{}.start_timeout};
  for (const auto& each : engines)
    if (each.name == first) patience = each.process.start_timeout;
  if (health == Health::DRAINING || engine == group.leaving) {
    ++facts.draining;
  } else if (!serves && health != Health::UPDATING && copy != group.copies.end() &&
             now - copy->fine > patience) {
    ++facts.failed;
    group.failed = engine;
    group.failed_why = why_not(status);
  } else if (!serves && (copy != group.copies.end() || health == Health::STARTING ||
                         health == Health::UPDATING)) {
    ++facts.starting;
  }
  if (--group.asked == 0) change_scale(self, first);
}

void engine_admin_state::change_scale(pointer self, const std::string& first) {
  auto& group = scaled.at(first);
  share_queues(group);
  auto now = self->clock().now();
  switch (group.rule.look(group.facts, now)) {
    case scale_step::grow:
      if (!group.is_growing && now >= group.not_before) add_copy(self, first);
      return;
    case scale_step::shrink:
      if (group.leaving.empty()) remove_copy(self, first);
      return;
    case scale_step::stay:
      return;
  }
}

void engine_admin_state::share_queues(const scaled_engine& group) {
  if (group.facts.idle == 0 || group.facts.queued == 0) return;
  // Each call that waits is an engine's from the time that it was routed; an engine that has come
  // since has none.
  auto fair = group.facts.queued / group.facts.serving;
  for (const auto& from : group.queues) {
    // A job that holds its weights finds no place at others.
    auto is_like = [&](const auto& to) {
      return to.has_room && to.weight_version == from.weight_version;
    };
    if (from.queued <= fair || std::none_of(group.queues.begin(), group.queues.end(), is_like))
      continue;
    if (auto handle = parts.engines->find(from.engine); handle)
      caf::anon_send(handle, offer_atom_v, from.queued - fair);
  }
}

void engine_admin_state::add_copy(pointer self, const std::string& first) {
  auto found = std::find_if(engines.begin(), engines.end(),
                            [&](const auto& each) { return each.name == first; });
  if (found == engines.end() || busy.contains(first) || engines.size() >= engines_max) return;
  auto copy = *found;
  auto is_taken = [&](const std::string& name) {
    return busy.contains(name) || parts.engines->find(name) ||
           std::any_of(engines.begin(), engines.end(),
                       [&](const auto& each) { return each.name == name; });
  };
  for (int number = 2; copy.name == first || is_taken(copy.name); ++number)
    copy.name = first + "-" + std::to_string(number);
  copy.warm_first = found->scale.warm;
  copy.scale = {};
  auto& group = scaled.at(first);
  group.is_growing = true;
  busy.insert(copy.name);
  spdlog::info("engine grows engine={} copy={} wait_ms={} queued={}", first, copy.name,
               group.rule.delay().count(), group.facts.queued);
  auto own = [self, first, number = group.number]() -> scaled_engine* {
    auto at = self->state.scaled.find(first);
    return at == self->state.scaled.end() || at->second.number != number ? nullptr : &at->second;
  };
  self->request(parts.host(), caf::infinite, add_atom_v,
                registered_engine(copy, parts.engines, parts.make_child))
      .then(
          [self, own, copy](caf::ok_atom) {
            auto& state = self->state;
            state.busy.erase(copy.name);
            state.engines.push_back(copy);
            state.copies.insert(copy.name);
            if (auto* group = own(); group != nullptr) {
              group->copies.push_back({.name = copy.name, .fine = self->clock().now()});
              group->is_growing = false;
              return;
            }
            // The first one was removed meanwhile.
            self->request(caf::actor_cast<engine_admin_actor>(self), caf::infinite, engine_atom_v,
                          removal_of(copy.name, failed_drain_wait))
                .then([](const tmsg::engrep&) {}, [](const caf::error&) {});
          },
          [self, own, first, copy](const caf::error& err) {
            auto& state = self->state;
            state.busy.erase(copy.name);
            // A conflict is somebody else's engine.
            if (code_of(err) != errc::conflict) state.parts.engines->erase(copy.name);
            spdlog::warn("engine cannot grow engine={} copy={} reason=\"{}\"", first, copy.name,
                         message_of(err));
            if (auto* group = own(); group != nullptr) {
              group->is_growing = false;
              note_failure(*group, self->clock().now());
            }
          });
}

void engine_admin_state::remove_copy(pointer self, const std::string& first) {
  auto& group = scaled.at(first);
  std::string copy = group.failed;
  // The latest of those that serve.
  for (const auto& each : group.copies)
    if (group.failed.empty() && each.serves) copy = each.name;
  if (copy.empty() || busy.contains(copy)) return;
  auto is_failed = !group.failed.empty();
  if (is_failed) note_failure(group, self->clock().now());
  group.leaving = copy;
  if (is_failed)
    spdlog::warn(
        "engine's copy is given up engine={} copy={} reason=\"{}\" output={} again_in_s={}", first,
        copy, group.failed_why, (parts.config.data / "logs" / (copy + ".log")).string(),
        std::chrono::duration_cast<std::chrono::seconds>(group.not_before - self->clock().now())
            .count());
  else
    spdlog::info("engine shrinks engine={} copy={} reason=\"one fewer would have been enough\"",
                 first, copy);
  auto done = [self, first, copy] {
    auto at = self->state.scaled.find(first);
    if (at != self->state.scaled.end() && at->second.leaving == copy) at->second.leaving.clear();
  };
  std::chrono::milliseconds wait = drain_wait;
  if (is_failed) wait = failed_drain_wait;
  self->request(caf::actor_cast<engine_admin_actor>(self), caf::infinite, engine_atom_v,
                removal_of(copy, wait))
      .then([done](const tmsg::engrep&) { done(); }, [done](const caf::error&) { done(); });
}

void engine_admin_state::forget_scale(pointer self, const std::string& engine) {
  for (auto& [first, group] : scaled)
    std::erase_if(group.copies, [&](const auto& each) { return each.name == engine; });
  auto found = scaled.find(engine);
  if (found == scaled.end()) return;
  auto gone = std::move(found->second.copies);
  scaled.erase(found);
  for (const auto& each : gone)
    self->request(caf::actor_cast<engine_admin_actor>(self), caf::infinite, engine_atom_v,
                  removal_of(each.name, drain_wait))
        .then([](const tmsg::engrep&) {}, [](const caf::error&) {});
}

}  // namespace tandem
