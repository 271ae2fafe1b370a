#include <algorithm>

#include <spdlog/spdlog.h>

#include "actors/clock.hpp"
#include "actors/weight_sync/weight_sync.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// In which any job reads a result.
constexpr std::chrono::milliseconds pins_pause{100};
constexpr std::uint64_t catch_up_again_ms = 15'000;
// The engine bounds itself; this is for one that does not.
constexpr std::chrono::minutes engine_wait{60};
constexpr std::chrono::seconds status_wait{4};

/// Left gated by an update that could not go back.
bool has_failed(const roll_record& roll, const std::string& node, const std::string& engine) {
  return roll.phase == schema::RollPhase::GATED &&
         std::any_of(roll.engines.begin(), roll.engines.end(), [&](const auto& each) {
           return each.node == node && each.name == engine &&
                  each.phase == schema::EnginePhase::FAILED;
         });
}

std::string cannot(const std::string& engine, const std::string& why) {
  return "engine '" + engine + "' " + why;
}

}  // namespace

void weight_sync_state::on_order(pointer self, const tmsg::wtorder& order) {
  auto reader = order.read();
  auto known = reader->getFrom() == start.incarnation || peers.contains(reader->getFrom());
  // Of a node that is gone, or not there yet: it tells again.
  if (!known) return;
  tmsg::wtoutcm before;
  if (!done.begin(reader->getId(), before)) {
    if (!before.empty()) send_outcome(self, reader->getFrom(), before);
    return;
  }
  std::string model{view(reader->getModel())};
  auto here = facts.newest(model) != nullptr ||
              std::any_of(engines.begin(), engines.end(), [&](const auto& each) {
                return each.second.engine.config.model == model;
              });
  if (!is_sound(model, reader->getEpoch()) || !here) {
    done.forget(reader->getId());
    return;
  }
  auto& fence = fences[model];
  if (const auto* last = facts.roll(model)) fence.know(last->epoch, last->id);
  if (const auto* wanted = facts.wanted(model)) fence.know(wanted->epoch, 0);
  if (!fence.admit(reader->getEpoch(), reader->getRoll()))
    return outcome(self, order,
                   make_error(errc::conflict, "another coordinator has gone on with it"));
  carry_out(self, order);
}

void weight_sync_state::carry_out(pointer self, const tmsg::wtorder& order) {
  auto reader = order.read();
  std::string model{view(reader->getModel())};
  std::string name{view(reader->getVersion())};
  switch (reader->getAction()) {
    case schema::OrderAction::FETCH: {
      const auto* version = facts.find(model, name);
      if (version == nullptr) {
        // The news that tell of it are under way: the order comes again.
        done.forget(reader->getId());
        return;
      }
      waiting_orders.insert_or_assign(reader->getId(), order);
      auto copy = *version;
      return bring(self, copy, reader->getId(), std::nullopt);
    }
    case schema::OrderAction::ASK:
      return ask_pins(self, order);
    case schema::OrderAction::UPDATE: {
      const auto* version = facts.find(model, name);
      if (version == nullptr || start.versions->is_complete(manifest_of(*version->read())))
        return change_engine(self, order);
      // Going back to what was dropped meanwhile.
      waiting_orders.insert_or_assign(reader->getId(), order);
      auto copy = *version;
      return bring(self, copy, reader->getId(), std::nullopt);
    }
    case schema::OrderAction::HOLD:
      return change_engine(self, order);
    case schema::OrderAction::UNKNOWN:
      break;
  }
  outcome(self, order, make_error(errc::invalid_argument, "no such order"));
}

caf::expected<std::filesystem::path> weight_sync_state::path_for(
    const std::string& model, const std::string& version, const engine_config& engine) const {
  if (const auto* known = facts.find(model, version))
    return start.versions->path_of(manifest_of(*known->read()));
  // What it was started with, before anybody named it.
  return engine.path;
}

void weight_sync_state::change_engine(pointer self, const tmsg::wtorder& order) {
  auto reader = order.read();
  std::string engine{view(reader->getEngine())};
  std::string model{view(reader->getModel())};
  std::string version{view(reader->getVersion())};
  auto present = start.engines();
  auto found = std::find_if(present.begin(), present.end(),
                            [&](const auto& each) { return each.config.name == engine; });
  if (found == present.end() || !found->handle)
    return outcome(self, order, make_error(errc::cancelled, cannot(engine, "is not there")));
  if (found->config.model != model)
    return outcome(self, order,
                   make_error(errc::invalid_argument,
                              cannot(engine, "is of model '" + found->config.model + "'")));
  auto path = path_for(model, version, found->config);
  if (!path) return outcome(self, order, path.error());
  message_builder<schema::EngineUpdate> update;
  update->setRoll(reader->getRoll());
  update->setEpoch(reader->getEpoch());
  update->setVersion(version);
  update->setPath(path->string());
  update->setOptions(reader->getOptions());
  update->setAction(reader->getAction());
  ++updating[engine];
  auto ended = [this, engine] {
    if (auto at = updating.find(engine); at != updating.end() && --at->second == 0)
      updating.erase(at);
  };
  // News of the engine go before the outcome, so that nobody decides by older ones afterwards.
  auto tell_end = [this, self, order, engine, handle = found->handle](
                      const caf::error& err, schema::EnginePhase phase, std::string now) {
    auto end = [this, self, order, engine, err, phase, now] {
      auto present = start.engines();
      auto is_there = std::any_of(present.begin(), present.end(), [&](const auto& each) {
        return each.config.name == engine && each.handle;
      });
      auto gone = make_error(errc::cancelled, cannot(engine, "was taken out"));
      tell(self);
      outcome(self, order, err && !is_there ? gone : err, phase, now);
      react(self);
    };
    self->request(handle, status_wait, engine_atom_v)
        .then(
            [this, engine, end](const tmsg::engstat& status) {
              if (auto at = engines.find(engine); at != engines.end()) at->second.status = status;
              end();
            },
            [end](const caf::error&) { end(); });
  };
  self->request(found->handle, engine_wait, weight_atom_v, update.finish())
      .then(
          [ended, tell_end](const tmsg::engupdd& done) {
            ended();
            auto reader = done.read();
            caf::error err;
            if (reader->getError().getCode() != schema::Errc::UNKNOWN)
              err = make_error(static_cast<errc>(reader->getError().getCode()),
                               std::string{view(reader->getError().getMessage())});
            tell_end(err, reader->getPhase(), std::string{view(reader->getVersion())});
          },
          [ended, tell_end](const caf::error& err) {
            ended();
            tell_end(err, schema::EnginePhase::UNKNOWN, {});
          });
}

/// Twice: while a job reads its first result, the pool holds its pin no more, and its planner not
/// yet.
void weight_sync_state::ask_pins(pointer self, const tmsg::wtorder& order) {
  auto count = std::make_shared<pin_count>();
  count->order = order;
  count_pins(self, count);
}

void weight_sync_state::count_pins(pointer self, const std::shared_ptr<pin_count>& count) {
  count->now.clear();
  count->open = pin_keepers.size() + 1;
  auto answered = [this, self, count] {
    if (--count->open != 0) return;
    for (const auto& [version, jobs] : count->now) {
      auto& most = count->most[version];
      most = std::max(most, jobs);
    }
    if (count->is_second || count->failed) return end_pins(self, *count);
    count->is_second = true;
    auto id = count->order.read()->getId();
    pin_counts.insert_or_assign(id, count);
    self->delayed_send(self, pins_pause, pin_atom_v, id);
  };
  message_builder<schema::WeightPin> question;
  question->setModel(count->order.read()->getModel());
  auto message = question.finish();
  for (const auto& [journal, each] : pin_keepers)
    self->request(each, std::chrono::seconds{5}, pin_atom_v, message)
        .then(
            [count, answered](const tmsg::wtoutcm& reply) {
              auto reader = reply.read();
              for (auto pin : reader->getPins())
                count->now[std::string{view(pin.getVersion())}] += pin.getJobs();
              answered();
            },
            [count, answered](const caf::error& err) {
              count->failed = err;
              answered();
            });
  answered();
}

void weight_sync_state::end_pins(pointer self, const pin_count& count) {
  if (count.failed) return outcome(self, count.order, count.failed);
  message_builder<schema::WeightOutcome> out;
  auto reader = count.order.read();
  out->setId(reader->getId());
  out->setRoll(reader->getRoll());
  out->setFrom(start.incarnation);
  auto pins = out->initPins(static_cast<unsigned>(count.most.size()));
  unsigned place = 0;
  for (const auto& [version, jobs] : count.most) {
    pins[place].setVersion(version);
    pins[place++].setJobs(jobs);
  }
  auto told = out.finish();
  done.end(reader->getId(), told);
  send_outcome(self, reader->getFrom(), told);
}

void weight_sync_state::outcome(pointer self, const tmsg::wtorder& order, const caf::error& err,
                                schema::EnginePhase phase, std::string_view version) {
  auto reader = order.read();
  message_builder<schema::WeightOutcome> out;
  out->setId(reader->getId());
  out->setRoll(reader->getRoll());
  out->setPhase(phase);
  out->setVersion(std::string{version});
  out->setFrom(start.incarnation);
  if (err) {
    out->getError().setCode(static_cast<schema::Errc>(code_of(err)));
    out->getError().setMessage(message_of(err));
  }
  auto told = out.finish();
  done.end(reader->getId(), told);
  send_outcome(self, reader->getFrom(), told);
}

void weight_sync_state::send_outcome(pointer self, std::uint64_t to, const tmsg::wtoutcm& told) {
  // Not at once: it may come from within a step.
  if (to == start.incarnation) return self->send(self, order_atom_v, told);
  if (auto found = peers.find(to); found != peers.end() && found->second.handle)
    self->send(found->second.handle, order_atom_v, told);
}

void weight_sync_state::catch_up(pointer self) {
  // Others may know of something newer.
  if (!heard && start.has_cluster) return;
  auto now = unix_ms();
  for (const auto& [name, each] : engines) {
    if (each.status.empty() || updating.contains(name)) continue;
    auto status = each.status.read();
    std::string model{view(status->getModel())};
    const auto* wanted = facts.wanted(model);
    if (status->getWeightsFixed().size() != 0 || is_rolling(model)) continue;
    auto gated = status->getHealth() == schema::Health::UPDATING;
    auto behind = wanted != nullptr && !wanted->version.empty() &&
                  view(status->getWeightVersion()) != wanted->version;
    if (!behind && !gated) continue;
    // Somebody has to look at it.
    if (const auto* last = facts.roll(model);
        last != nullptr && has_failed(*last, start.node, name))
      continue;
    // Nobody can be there to be asked.
    if (status->getHealth() == schema::Health::UNHEALTHY ||
        status->getHealth() == schema::Health::STARTING)
      continue;
    // It is being fetched for it already.
    if (std::any_of(waiting_orders.begin(), waiting_orders.end(), [&](const auto& waits) {
          return view(waits.second.read()->getEngine()) == name;
        }))
      continue;
    auto& again = retry_at_ms[name];
    if (now < again) continue;
    again = now + catch_up_again_ms;
    auto target = behind ? wanted->version : std::string{view(status->getWeightVersion())};
    message_builder<schema::WeightOrder> order;
    order->setId(next_own_order--);
    order->setEpoch(std::max(fences[model].epoch(), wanted != nullptr ? wanted->epoch : 0));
    order->setAction(schema::OrderAction::UPDATE);
    order->setModel(model);
    order->setVersion(target);
    order->setEngine(name);
    order->setFrom(start.incarnation);
    write(roll_options{}, order->initOptions());
    spdlog::info("weights: engine catches up engine={} from={} to={}", name,
                 view(status->getWeightVersion()), target);
    on_order(self, order.finish());
  }
}

}  // namespace tandem
