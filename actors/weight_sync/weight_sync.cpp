#include "actors/weight_sync/weight_sync.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>
#include <caf/send.hpp>

#include "actors/clock.hpp"
#include "actors/status.hpp"
#include "actors/weight_sync/weight_names.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

// While an update, a transfer or an engine that is behind is worked on; and else.
constexpr std::chrono::milliseconds busy_pause{200};
constexpr std::chrono::milliseconds calm_pause{2000};
constexpr std::size_t engines_told_max = 4096;
constexpr std::uint64_t refresh_pause_ms = 5000;

}  // namespace

weight_sync_state::~weight_sync_state() {
  for (auto& [id, each] : additions) {
    *each.stop = true;
    if (each.reader.joinable()) each.reader.join();
  }
}

void weight_sync_state::begin(pointer self) {
  started_ms = unix_ms();
  std::vector<std::string> remarks;
  if (auto known = read_facts(*start.store, remarks))
    facts = std::move(*known);
  else
    spdlog::warn("weights: nothing is known why=\"{}\"", message_of(known.error()));
  for (const auto& remark : remarks) spdlog::warn("weights: {}", remark);
  if (start.agreement->is_shared())
    if (auto err = refresh())
      spdlog::warn("weights: etcd says nothing why=\"{}\"", message_of(err));
  if (start.tls) {
    auto host = start.config.host.empty() ? std::string{"127.0.0.1"} : start.config.host;
    auto opened = chunk_server::start(start.versions, {.address = host,
                                                       .port = start.config.port,
                                                       .cert_file = start.tls->certificate,
                                                       .key_file = start.tls->key,
                                                       .ca_file = start.tls->ca,
                                                       .bytes_per_s = start.config.upload_rate});
    if (!opened) {
      self->quit(std::move(opened.error()));
      return;
    }
    server = std::move(*opened);
    url = "https://" + (start.config.advertise.empty()
                            ? start.host + ":" + std::to_string(server->port())
                            : start.config.advertise);
  }
  if (!start.has_cluster) heard = true;
  serve_from_folder();
  take_over(self);
  look(self);
}

void weight_sync_state::on_member(pointer self, const tmsg::member& member,
                                  const peer_handles& handles) {
  auto reader = member.read();
  auto id = reader->getIncarnation();
  if (id == start.incarnation) return;
  if (!handles.weight_sync) {
    if (auto found = peers.find(id); found != peers.end()) {
      peers.erase(found);
      tell_fetches();
      touch();
      // Whose coordinator it was is continued by somebody else.
      take_over(self);
      react(self);
    }
    return;
  }
  auto& at = peers[id];
  at.node = view(reader->getName());
  at.alive = true;
  auto handle = caf::actor_cast<weight_sync_actor>(handles.weight_sync);
  if (at.handle == handle) return;
  at.handle = handle;
  at.number = 0;
  if (told.empty()) told = make_news();
  self->send(at.handle, weight_atom_v, told);
  set_timer(self);
}

void weight_sync_state::on_news(pointer self, const tmsg::wtnews& news) {
  auto reader = news.read();
  auto found = peers.find(reader->getIncarnation());
  if (found == peers.end() || reader->getNumber() <= found->second.number) return;
  found->second.news = news;
  found->second.number = reader->getNumber();
  heard = true;
  std::vector<storage::weight_change> learned;
  for (auto version : reader->getVersions()) {
    message_builder<schema::WeightVersion> copy;
    copy.copy(version);
    auto each = copy.finish();
    if (facts.find(view(version.getModel()), view(version.getVersion())) != nullptr) {
      if (auto err = facts.add(each)) last_error = found->second.node + ": " + message_of(err);
      continue;
    }
    if (auto err = facts.add(each)) {
      last_error = found->second.node + ": " + message_of(err);
      continue;
    }
    learned.push_back({version_name(version.getModel(), version.getVersion()), encode(each)});
  }
  for (auto each : reader->getWanted()) {
    wanted_version wanted{std::string{view(each.getVersion())}, each.getEpoch()};
    std::string model{view(each.getModel())};
    if (!is_sound(model, wanted.epoch) ||
        (!wanted.version.empty() && !why_no_version(wanted.version).empty()))
      continue;
    if (!facts.want(model, wanted)) continue;
    learned.push_back({wanted_name(model), encode(wanted)});
    serve_from_folder();
  }
  if (reader->getRoll().getModel().size() != 0) {
    auto roll = read_roll(reader->getRoll());
    // Of its own alone: what others coordinate they tell themselves.
    auto sound = is_sound(roll.model, roll.epoch) && roll.coordinator == found->second.node &&
                 roll.engines.size() <= engines_told_max;
    if (sound && facts.note(roll)) learned.push_back({roll_name(roll.model), encode(roll)});
  }
  if (!learned.empty())
    if (auto err = start.store->write(learned)) last_error = message_of(err);
  tell_fetches();
  touch();
  react(self);
}

void weight_sync_state::set_timer(pointer self) {
  if (timer_set) return;
  auto busy = machine.has_value() || !additions.empty() || !followers.empty() ||
              !updating.empty() || !heard ||
              std::any_of(fetches.begin(), fetches.end(),
                          [](const auto& each) { return !each.second.complete; });
  auto used = busy || !facts.wanted().empty() || !peers.empty();
  if (!used) return;
  timer_set = true;
  self->delayed_send(self, busy ? busy_pause : calm_pause, wake_atom_v);
}

void weight_sync_state::on_timer(pointer self) {
  timer_set = false;
  if (!heard && unix_ms() >= started_ms + static_cast<std::uint64_t>(start.config.catch_up.count()))
    heard = true;
  auto orphan = std::any_of(facts.rolls().begin(), facts.rolls().end(), [&](const auto& each) {
    return !each.second.is_over() && !(machine && machine->record().model == each.first) &&
           !peers.contains(each.second.incarnation);
  });
  // It may be over, and whoever ended it gone before it could say so.
  if (start.agreement->is_shared() && orphan && unix_ms() >= refreshed_ms + refresh_pause_ms) {
    refreshed_ms = unix_ms();
    if (auto err = refresh()) last_error = message_of(err);
  }
  // One that could not be taken over at once: etcd was away, or another was quicker and is gone
  // too.
  take_over(self);
  look(self);
}

void weight_sync_state::look(pointer self) {
  // An engine that does not answer must not keep the others from being looked at.
  if (asked_engines != 0 && unix_ms() < looked_at_ms + 5000) return set_timer(self);
  looked_at_ms = unix_ms();
  auto present = start.engines();
  std::erase_if(engines, [&](const auto& each) {
    return std::none_of(present.begin(), present.end(),
                        [&](const auto& one) { return one.config.name == each.first; });
  });
  asked_engines = present.size();
  if (present.empty()) return react(self);
  for (auto& each : present) {
    auto& at = engines[each.config.name];
    at.engine = each;
    auto answered = [this, self] {
      if (asked_engines != 0 && --asked_engines == 0) react(self);
    };
    self->request(each.handle, std::chrono::seconds{4}, engine_atom_v)
        .then(
            [this, answered, name = each.config.name](const tmsg::engstat& status) {
              if (auto found = engines.find(name); found != engines.end())
                found->second.status = status;
              answered();
            },
            [answered](const caf::error&) { answered(); });
  }
}

void weight_sync_state::react(pointer self) {
  if (heard) start.serving->wait_for_others(false);
  read_letters(self);
  look_after_fetches(self);
  step(self);
  catch_up(self);
  tell(self);
  answer_followers(false);
  set_timer(self);
}

weight_sync_inside::behavior_type weight_sync_behavior(weight_sync_state::pointer self,
                                                       weight_sync_start start) {
  auto& state = self->state;
  state.start = std::move(start);
  state.begin(self);
  return {[self](weight_atom, const tmsg::wtcmd& command) -> caf::result<tmsg::wtrep> {
            ++self->state.handled;
            auto promise = self->make_response_promise<tmsg::wtrep>();
            self->state.command(self, command, promise);
            self->state.set_timer(self);
            return promise;
          },
          [self](weight_atom, const tmsg::wtnews& news) {
            ++self->state.handled;
            self->state.on_news(self, news);
          },
          [self](order_atom, const tmsg::wtorder& order) {
            ++self->state.handled;
            self->state.on_order(self, order);
            self->state.set_timer(self);
          },
          [self](order_atom, const tmsg::wtoutcm& outcome) {
            ++self->state.handled;
            self->state.on_outcome(self, outcome);
          },
          [self](status_atom) {
            auto& state = self->state;
            return actor_status({.name = "weight_sync",
                                 .kind = "weight_sync",
                                 .parent = "supervisor",
                                 .mailbox_depth = self->mailbox().size(),
                                 .in_flight = state.fetches.size() + state.updating.size(),
                                 .handled = state.handled,
                                 .noun = "messages",
                                 .last_error = state.last_error});
          },
          [self](member_atom, const tmsg::member& member, const peer_handles& handles) {
            self->state.on_member(self, member, handles);
          },
          [self](wire_atom, const router_actor& router) { self->state.router = router; },
          [self](wire_atom, std::uint64_t journal, const pin_asked& keeper) {
            self->state.pin_keepers.insert_or_assign(journal, keeper);
          },
          [self](wake_atom) { self->state.on_timer(self); },
          [self](pin_atom, std::uint64_t order) {
            auto found = self->state.pin_counts.extract(order);
            if (found) self->state.count_pins(self, found.mapped());
          },
          [self](wake_atom, std::uint64_t) { self->state.react(self); }};
}

}  // namespace tandem
