#include <algorithm>
#include <cmath>

#include <spdlog/spdlog.h>
#include <caf/send.hpp>

#include "actors/clock.hpp"
#include "actors/weight_sync/weight_sync.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::uint64_t write_pause_ms = 1000;
constexpr std::uint64_t ask_pause_ms = 200;

std::string engine_key(const std::string& node, std::string_view name) {
  return node + '/' + std::string{name};
}

fleet_engine seen_as(const std::string& node, schema::EngineStatus::Reader status) {
  auto health = status.getHealth();
  return {.node = node,
          .name = std::string{view(status.getName())},
          .version = std::string{view(status.getWeightVersion())},
          .is_up = health == schema::Health::HEALTHY || health == schema::Health::BUSY,
          .is_gated = health == schema::Health::UPDATING,
          .fixed = std::string{view(status.getWeightsFixed())}};
}

struct rewards {
  double weight = 0;
  double sum = 0;
  double variance = 0;
};

void add_rewards(rewards& to, schema::ArmReport::Reader arm) {
  auto weight = arm.getWeight();
  if (!(weight >= 1)) return;
  to.weight += weight;
  to.sum += weight * arm.getQuality();
  to.variance += weight * arm.getDeviation() * arm.getDeviation();
}

service_figures figures_of(const rewards& from) {
  service_figures out;
  if (from.weight < 2) return out;
  out.rewards = from.weight;
  out.quality = from.sum / from.weight;
  out.quality_error = std::sqrt(from.variance / from.weight / from.weight);
  return out;
}

}  // namespace

bool weight_sync_state::is_rolling(const std::string& model) const {
  if (machine && machine->record().model == model) return true;
  const auto* roll = facts.roll(model);
  if (roll == nullptr || roll->is_over()) return false;
  // Somebody coordinates it, or will.
  return start.agreement->is_shared() || roll->coordinator == start.node ||
         std::any_of(peers.begin(), peers.end(), [&](const auto& each) {
           if (each.second.node != roll->coordinator || each.second.news.empty()) return false;
           // Only while it says so itself.
           auto news = each.second.news.read();
           return news->getRoll().getId() == roll->id;
         });
}

fleet_view weight_sync_state::look_at_fleet(const std::string& model, const std::string& version) {
  fleet_view out{.now_ms = unix_ms()};
  const auto* wanted = facts.find(model, version);
  auto manifest = wanted == nullptr ? weight_hash{} : manifest_of(*wanted->read());
  auto judging = machine && machine->record().phase == schema::RollPhase::JUDGING;
  if (!judging) judged.clear();
  // Numbers that a node told before it knew of the judgement are none to begin with.
  auto see = [&](const std::string& node, schema::EngineStatus::Reader status, bool counts) {
    if (view(status.getModel()) != model) return;
    out.engines.push_back(seen_as(node, status));
    if (!judging || !counts) return;
    const auto& known = machine->record().engines;
    auto found = std::find_if(known.begin(), known.end(), [&](const auto& each) {
      return each.node == node && each.name == out.engines.back().name;
    });
    if (found != known.end())
      add_figures(engine_key(node, view(status.getName())), status, found->canary, out);
  };
  out.alive.insert(start.node);
  if (wanted != nullptr && start.versions->is_complete(manifest)) out.have.insert(start.node);
  for (const auto& [name, each] : engines)
    if (!each.status.empty()) see(start.node, *each.status.read(), true);
  for (const auto& [id, each] : peers) {
    if (each.news.empty()) continue;
    out.alive.insert(each.node);
    auto news = each.news.read();
    auto counts = machine && news->getAtMs() == machine->record().judged_from_ms;
    for (auto status : news->getEngines()) see(each.node, status, counts);
    for (auto holding : news->getHoldings())
      if (holding.getComplete() && holding.getManifest().size() == manifest.size() &&
          std::equal(manifest.begin(), manifest.end(), holding.getManifest().begin()))
        out.have.insert(each.node);
  }
  // Known once every living node has answered since the engine was held.
  if (std::all_of(out.alive.begin(), out.alive.end(),
                  [&](const auto& node) { return pins_of.contains(node); })) {
    out.pins.emplace();
    for (const auto& [node, pins] : pins_of)
      for (const auto& [held, jobs] : pins) (*out.pins)[held] += jobs;
  }
  if (rewards_canary && rewards_others) {
    out.canaries.quality = rewards_canary->quality;
    out.canaries.quality_error = rewards_canary->quality_error;
    out.others.quality = rewards_others->quality;
    out.others.quality_error = rewards_others->quality_error;
  }
  return out;
}

void weight_sync_state::add_figures(const std::string& engine, schema::EngineStatus::Reader status,
                                    bool canary, fleet_view& view) {
  judged_from now{status.getRequests(), status.getFailures(), status.getBusyUs()};
  auto [first, is_new] = judged.try_emplace(engine, now);
  // It was started anew: its numbers began at zero.
  if (now.requests < first->second.requests) first->second = {};
  auto& to = canary ? view.canaries : view.others;
  to.requests += now.requests - first->second.requests;
  to.failures += now.failures - std::min(now.failures, first->second.failures);
  to.busy_us += now.busy_us - std::min(now.busy_us, first->second.busy_us);
}

void weight_sync_state::ask_rewards(pointer self) {
  if (!router) return;
  message_builder<schema::RouteCommand> ask;
  ask->setAction(schema::RouteAction::STATUS);
  self->request(router, std::chrono::seconds{5}, route_atom_v, ask.finish())
      .then(
          [this](const tmsg::rtrep& reply) {
            if (!machine) return;
            const auto& roll = machine->record();
            rewards canary, others;
            auto reader = reply.read();
            for (auto arm : reader->getArms()) {
              if (view(arm.getModel()) != roll.model) continue;
              add_rewards(view(arm.getWeightVersion()) == roll.version ? canary : others, arm);
            }
            rewards_canary = figures_of(canary);
            rewards_others = figures_of(others);
          },
          [](const caf::error&) {});
}

bool weight_sync_state::write_roll() {
  if (!machine->take_changed()) return true;
  auto record = machine->record();
  record.sequence = written.sequence + 1;
  std::optional<wanted_version> wanted;
  if (auto version = machine->wanted()) {
    const auto* now = facts.wanted(record.model);
    if (now == nullptr ? !version->empty() : now->version != *version)
      wanted = wanted_version{*version, record.epoch};
  }
  if (auto err = start.agreement->write(record, written, wanted)) {
    last_error = message_of(err);
    machine->keep_changed();
    if (code_of(err) == errc::conflict) {
      spdlog::warn("weights: another node goes on with the update model={}", record.model);
      machine.reset();
      orders.clear();
      if (auto failed = refresh()) last_error = message_of(failed);
    } else {
      spdlog::warn("weights: the update waits, since it cannot be written why=\"{}\"", last_error);
      write_again_ms = unix_ms() + write_pause_ms;
    }
    return false;
  }
  written = {record.id, record.epoch, record.sequence};
  facts.note(record);
  if (wanted && facts.want(record.model, *wanted)) serve_from_folder();
  touch();
  return true;
}

void weight_sync_state::step(pointer self) {
  if (!machine || unix_ms() < write_again_ms) return;
  const auto model = machine->record().model;
  const auto version = machine->record().version;
  if (machine->record().phase == schema::RollPhase::JUDGING) ask_rewards(self);
  auto wanted = machine->step(look_at_fleet(model, version));
  if (!write_roll()) return;
  const auto& roll = machine->record();
  if (roll.is_over()) {
    spdlog::info("weights: update over model={} version={} as={} reason=\"{}\"", roll.model,
                 roll.version, to_string(roll.phase), roll.reason);
    machine.reset();
    orders.clear();
    pins_of.clear();
    rewards_canary.reset();
    rewards_others.reset();
    keep_few();
    return;
  }
  send_orders(self, wanted);
}

void weight_sync_state::send_orders(pointer self, const std::vector<roll_order>& wanted) {
  using schema::OrderAction;
  auto now = unix_ms();
  auto standing = wanted;
  // What jobs hold counts only once the engine takes no new ones.
  auto held = orders.all_done(OrderAction::HOLD, wanted);
  if (!held) {
    std::erase_if(standing, [](const auto& each) { return each.action == OrderAction::ASK; });
    pins_of.clear();
  } else if (now >= asked_pins_ms + ask_pause_ms) {
    asked_pins_ms = now;
    orders.forget_answered(OrderAction::ASK);
  }
  if (std::none_of(wanted.begin(), wanted.end(),
                   [](const auto& each) { return each.action == OrderAction::HOLD; }))
    pins_of.clear();
  auto roll = machine->record();
  auto options = roll.options;
  // What the new weights are to say, the old ones need not.
  if (roll.phase == schema::RollPhase::ROLLING_BACK) options.expected.clear();
  // Random: an order of an earlier run of this node is another one.
  auto seed = roll.id ^ (start.incarnation << 20) ^ (roll.epoch << 52);
  for (const auto& due : orders.stand(standing, now, seed >> 1)) {
    message_builder<schema::WeightOrder> out;
    out->setId(due.id);
    out->setRoll(roll.id);
    out->setEpoch(roll.epoch);
    out->setAction(due.order.action);
    out->setModel(roll.model);
    out->setVersion(due.order.version);
    out->setEngine(due.order.engine);
    out->setFrom(start.incarnation);
    write(options, out->initOptions());
    auto order = out.finish();
    if (due.order.node == start.node) {
      // Not from within: an outcome at once would step into this step.
      self->send(self, order_atom_v, order);
      continue;
    }
    for (const auto& [id, each] : peers)
      if (each.node == due.order.node && each.handle) self->send(each.handle, order_atom_v, order);
  }
}

void weight_sync_state::on_outcome(pointer self, const tmsg::wtoutcm& told) {
  auto reader = told.read();
  if (!machine || reader->getRoll() != machine->record().id) return;
  auto order = orders.take_outcome(reader->getId());
  if (!order) return;
  auto code = static_cast<errc>(reader->getError().getCode());
  auto error = std::string{view(reader->getError().getMessage())};
  if (order->action == schema::OrderAction::ASK) {
    auto& pins = pins_of[order->node];
    pins.clear();
    if (code == errc::unknown)
      for (auto pin : reader->getPins()) pins[std::string{view(pin.getVersion())}] = pin.getJobs();
    else
      pins_of.erase(order->node);
  } else {
    if (code != errc::unknown)
      spdlog::warn("weights: {} failed node={} engine={} why=\"{}\"",
                   order->action == schema::OrderAction::FETCH ? "fetch" : "change", order->node,
                   order->engine, error);
    machine->on_outcome(*order, code, error, unix_ms());
  }
  touch();
  // A pin's answer brings nothing but itself; it is asked again with the next look.
  react(self);
}

void weight_sync_state::take_over(pointer self) {
  if (machine) return;
  for (const auto& [model, known] : facts.rolls()) {
    auto roll = known;
    if (roll.is_over()) continue;
    auto was_ours = roll.coordinator == start.node;
    if (!was_ours) {
      if (!start.agreement->is_shared()) continue;
      auto lives = std::any_of(peers.begin(), peers.end(), [&](const auto& each) {
        return each.second.node == roll.coordinator && each.first == roll.incarnation;
      });
      // The first of those that are there; two that disagree are told apart by the write.
      auto first = std::none_of(peers.begin(), peers.end(),
                                [&](const auto& each) { return each.second.node < start.node; });
      if (lives || !first || !heard) continue;
    }
    written = {roll.id, roll.epoch, roll.sequence};
    auto epoch = std::max(roll.epoch + 1, facts.next_epoch(model));
    machine.emplace(std::move(roll));
    machine->take_over(start.node, start.incarnation, epoch);
    orders.clear();
    spdlog::info("weights: goes on with an update model={} version={} coordinator_before={}", model,
                 machine->record().version, known.coordinator);
    if (!write_roll() || !machine) return;
    return set_timer(self);
  }
}

}  // namespace tandem
