// What the router keeps on the disk, and what routers tell each other: each its own statistics, as
// absolute sums, so that it does not matter which of them arrive, how often, or in which order.

#include <algorithm>
#include <optional>

#include <spdlog/spdlog.h>

#include "actors/router/router.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// Decisions without a reward that are saved in one go.
constexpr std::size_t decisions_saved_max = 2000;
constexpr std::uint32_t changes_shown_max = 50;
/// Rewards that came before what was kept had been read, and those whose decision is looked up.
constexpr std::size_t early_max = 100'000;
constexpr std::size_t lookups_max = 1000;
constexpr std::size_t origins_shown_max = 256;
constexpr std::size_t by_bytes_max = 100;
/// Some tens of KiB each.
constexpr std::size_t others_max = 4096;
constexpr std::string_view memory_name = "router";

std::string key_of(schema::ArmStatistics::Reader statistics) {
  return std::to_string(statistics.getOrigin()) + '/' +
         std::to_string(static_cast<unsigned>(statistics.getPurpose())) + '/' +
         std::string{view(statistics.getModel())};
}

tmsg::armstat statistics_of(const quality_learner& learner, arm_id arm, std::uint64_t now_ms) {
  message_builder<schema::ArmStatistics> out;
  learner.write(arm, *out, now_ms);
  return out.finish();
}

}  // namespace

void router_state::load(pointer self) {
  loading = true;
  self->request(keeper, caf::infinite, load_atom_v, std::uint64_t{config.decisions_max})
      .then([self](const storage::route_memory& memory) { self->state.restore(self, memory); },
            [self](const caf::error& err) {
              storage::route_memory nothing;
              nothing.set_aside.push_back("what was learned could not be read: " + message_of(err));
              self->state.restore(self, nothing);
            });
}

void router_state::restore(pointer self, const storage::route_memory& memory) {
  loading = false;
  auto& chooser = table->chooser();
  set_aside = memory.set_aside;
  auto aside = [this](const caf::error& err) {
    if (err) set_aside.push_back(message_of(err));
  };
  std::optional<tmsg::rtchg> configured;
  if (!memory.setting.empty()) {
    auto restored = chooser.trial().restore(*memory.setting.read(), now_ms());
    if (restored)
      configured = std::move(*restored);
    else
      aside(restored.error());
  }
  for (const auto& each : memory.statistics) {
    auto reader = each.read();
    aside(chooser.learner().take(*reader, now_ms()));
    if (reader->getOrigin() == own_origin) continue;
    origins[reader->getOrigin()].as_of_ms = reader->getAsOfMs();
    if (others.size() < others_max) others.try_emplace(key_of(*reader), each);
  }
  for (const auto& each : memory.states) {
    if (each.name != memory_name) continue;
    auto parsed = message<schema::RouterMemory>::parse(std::as_bytes(std::span{each.bytes}));
    aside(parsed ? chooser.restore(*parsed->read()) : parsed.error());
  }
  for (const auto& each : memory.decisions) aside(chooser.ledger().restore(*each.read()));
  self->request(keeper, caf::infinite, list_atom_v, changes_shown_max)
      .then(
          [self](const route_changes& kept) {
            auto& changes = self->state.changes;
            changes.insert(changes.end(), kept.changes.begin(), kept.changes.end());
            // Those that came before all this was read.
            for (const auto& [incarnation, of] : self->state.peers)
              self->state.tell_everything(self, of.router);
          },
          [](const caf::error&) {});
  for (const auto& what : set_aside) spdlog::warn("routing: set aside what=\"{}\"", what);
  for (const auto& reward : std::exchange(early_rewards, {})) apply(self, reward);
  if (configured) on_change(self, *configured);
}

void router_state::on_reward(pointer self, const tmsg::reward& reward) {
  auto reader = reward.read();
  auto outcome = reader->getSource() == schema::RewardSource::OUTCOME;
  if (outcome) {
    static_cast<void>(table->settle(*reader, now_ms()));
    tell_load(self, view(reader->getEngine()));
    return;
  }
  if (loading) {
    if (early_rewards.size() < early_max) early_rewards.push_back(reward);
    return;
  }
  auto id = reader->getDecision();
  auto known = id == 0 || table->chooser().ledger().find(id) != nullptr;
  if (known || !keeper || lookups >= lookups_max) return apply(self, reward);
  // It may have been decided before the ones that are kept in memory.
  ++lookups;
  self->request(keeper, caf::infinite, find_atom_v, id)
      .then(
          [self, reward](const tmsg::decrec& record) {
            auto& state = self->state;
            --state.lookups;
            if (auto err = state.table->chooser().ledger().restore(*record.read()))
              spdlog::warn("routing: set aside what=\"{}\"", message_of(err));
            state.apply(self, reward);
          },
          [self, reward](const caf::error&) {
            --self->state.lookups;
            self->state.apply(self, reward);
          });
}

void router_state::apply(pointer self, const tmsg::reward& reward) {
  if (auto change = table->settle(*reward.read(), now_ms())) on_change(self, *change);
  set_save(self);
}

void router_state::on_change(pointer self, const tmsg::rtchg& change) {
  auto reader = change.read();
  spdlog::info("routing: policy={} candidate={} share={} by={} why=\"{}\"",
               view(reader->getSetting().getPolicy()), view(reader->getSetting().getCandidate()),
               reader->getSetting().getShare(), view(reader->getBy()), view(reader->getWhy()));
  unsaved_changes.push_back(change);
  changes.insert(changes.begin(), change);
  if (changes.size() > changes_shown_max) changes.pop_back();
  for (const auto& [incarnation, of] : peers)
    self->send(caf::actor_cast<router_peer>(of.router), learned_atom_v, change);
  // A change counts as soon as it is answered.
  save(self);
}

void router_state::set_save(pointer self) {
  if (save_set) return;
  save_set = true;
  self->delayed_send(self, config.save_interval, save_atom_v);
}

void router_state::save(pointer self) {
  if (loading) return set_save(self);
  auto& chooser = table->chooser();
  storage::route_batch batch;
  // All of them: a decision's mark and the sums that contain its reward are one write.
  for (auto arm : chooser.learner().take_changed(chooser.learner().arms())) {
    batch.statistics.push_back(statistics_of(chooser.learner(), arm, now_ms()));
    for (const auto& [incarnation, of] : peers)
      self->send(caf::actor_cast<router_peer>(of.router), learned_atom_v, batch.statistics.back());
  }
  if (!keeper) return;
  for (const auto& key : std::exchange(unsaved, {})) batch.statistics.push_back(others.at(key));
  batch.decisions = chooser.ledger().take_changed(decisions_saved_max);
  batch.changes = std::exchange(unsaved_changes, {});
  if (!batch.changes.empty()) batch.setting = chooser.trial().setting();
  auto memory = chooser.memory();
  auto bytes = memory.bytes();
  batch.states.push_back({std::string{memory_name},
                          std::string{reinterpret_cast<const char*>(bytes.data()), bytes.size()}});
  self->send(keeper, write_atom_v, std::move(batch));
}

void router_state::on_statistics(pointer self, const tmsg::armstat& statistics) {
  auto reader = statistics.read();
  auto from = reader->getOrigin();
  // Only its own data folder knows better what was learned here.
  if (from == own_origin) return;
  auto key = key_of(*reader);
  auto known = others.find(key);
  if (known != others.end() && known->second.read()->getSequence() >= reader->getSequence()) return;
  if (auto err = table->chooser().learner().take(*reader, now_ms())) {
    spdlog::warn("routing: refused origin={:016x} why=\"{}\"", from, message_of(err));
    return;
  }
  if (origins.size() < origins_shown_max || origins.count(from) != 0) {
    origins[from].as_of_ms = reader->getAsOfMs();
    // Whoever changes it again and again is whose it is; others pass it on once.
    if (auto name = sender_name(self); known != others.end() && !name.empty())
      origins[from].node = name;
  }
  if (others.size() >= others_max && others.count(key) == 0) return;
  others.insert_or_assign(key, statistics);
  unsaved.insert(key);
  set_save(self);
}

std::string router_state::sender_name(pointer self) const {
  for (const auto& [incarnation, of] : peers)
    if (of.router == self->current_sender()) return of.name;
  return {};
}

void router_state::on_change_elsewhere(pointer self, const tmsg::rtchg& change) {
  auto setting = change.read()->getSetting();
  auto adopted = table->chooser().trial().adopt(setting);
  if (!adopted) {
    spdlog::warn("routing: another node's policy cannot be used here policy={} why=\"{}\"",
                 view(setting.getPolicy()), message_of(adopted.error()));
    return;
  }
  if (!*adopted) return;
  message_builder<schema::RouteChange> heard_change;
  heard_change.copy(*change.read());
  auto by = std::string{cut(view(change.read()->getBy()), by_bytes_max)};
  // The first to hear it says where from; whoever hears it from there passes that on.
  if (auto name = sender_name(self); by.find(" at ") == std::string::npos && !name.empty())
    by += " at " + name;
  heard_change->setBy(by);
  on_change(self, heard_change.finish());
}

void router_state::on_member(pointer self, schema::Member::Reader member,
                             const peer_handles& handles) {
  auto incarnation = member.getIncarnation();
  if (!handles.router) {
    peers.erase(incarnation);
    return;
  }
  auto& of = peers[incarnation];
  of.name = view(member.getName());
  if (of.router == handles.router) return;
  of.router = handles.router;
  tell_everything(self, of.router);
}

void router_state::tell_everything(pointer self, const caf::actor& router) {
  auto to = caf::actor_cast<router_peer>(router);
  auto& learner = table->chooser().learner();
  if (!changes.empty()) self->send(to, learned_atom_v, changes.front());
  for (arm_id arm = 0; arm < learner.arms(); ++arm)
    self->send(to, learned_atom_v, statistics_of(learner, arm, now_ms()));
  for (const auto& [key, statistics] : others) self->send(to, learned_atom_v, statistics);
}

}  // namespace tandem
