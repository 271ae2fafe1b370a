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
  out.pins = dispatch.pins(out.alive);
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
      let_go();
      if (auto failed = refresh()) last_error = message_of(failed);
    } else {
      spdlog::warn("weights: the update waits, since it cannot be written why=\"{}\"", last_error);
      write_again_ms = unix_ms() + write_pause_ms;
    }
    return false;
  }
  written = mark_of(record);
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
    let_go();
    keep_few();
    return;
  }
  send_orders(self, wanted);
}

void weight_sync_state::let_go() {
  machine.reset();
  dispatch = {};
  rewards_canary.reset();
  rewards_others.reset();
}

void weight_sync_state::send_orders(pointer self, const std::vector<roll_order>& wanted) {
  for (const auto& each : dispatch.send(machine->record(), wanted, start.incarnation, unix_ms())) {
    if (each.node == start.node) {
      // Not from within: an outcome at once would step into this step.
      self->send(self, order_atom_v, each.order);
      continue;
    }
    for (const auto& [id, peer] : peers)
      if (peer.node == each.node && peer.handle) self->send(peer.handle, order_atom_v, each.order);
  }
}

void weight_sync_state::on_outcome(pointer self, const tmsg::wtoutcm& told) {
  if (!machine) return;
  auto ended = dispatch.take(machine->record(), told);
  if (!ended) return;
  if (ended->code != errc::unknown)
    spdlog::warn("weights: an order failed node={} engine={} why=\"{}\"", ended->order.node,
                 ended->order.engine, ended->error);
  machine->on_outcome(ended->order, ended->code, ended->error, unix_ms());
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
    written = mark_of(roll);
    auto epoch = std::max(roll.epoch + 1, facts.next_epoch(model));
    machine.emplace(std::move(roll));
    machine->take_over(start.node, start.incarnation, epoch);
    spdlog::info("weights: goes on with an update model={} version={} coordinator_before={}", model,
                 machine->record().version, known.coordinator);
    if (!write_roll() || !machine) return;
    return set_timer(self);
  }
}

}  // namespace tandem
