#include "actors/cache_shard/cache_shard.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <spdlog/spdlog.h>

#include "actors/cache_shard/cache_entry.hpp"
#include "actors/clock.hpp"
#include "actors/status.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::chrono::seconds look_after_pause{30};
/// Entries that are read at a start before others are answered in between.
constexpr std::size_t warmed_at_once = 64;
constexpr std::size_t hot_keys = 20'000;
/// How long one refreshes before another may.
constexpr std::uint64_t refresh_ms_max = 120'000;
/// A leader is given up after this, whatever it can wait.
/// Computations of one key that fail in a row before nobody waits any more.
constexpr std::uint32_t failures_max = 3;
constexpr std::uint64_t lead_ms_max = 24 * 3'600'000ull;

/// For deadlines: the wall clock may jump.
std::uint64_t steady_ms() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(steady_now().time_since_epoch())
          .count());
}

flight_waiter waiter_of(std::uint64_t asker, std::uint64_t id) {
  return {asker, id};
}

message_builder<schema::CacheReply>& set(message_builder<schema::CacheReply>& out, std::uint64_t id,
                                         schema::CacheOutcome outcome) {
  out->setId(id);
  out->setOutcome(outcome);
  return out;
}

tmsg::cachrep brief(std::uint64_t id, schema::CacheOutcome outcome, std::string_view reason) {
  message_builder<schema::CacheReply> out;
  set(out, id, outcome)->setReason(std::string{reason});
  return out.finish();
}

tmsg::cachrep with_entry(std::uint64_t id, schema::CacheEntry::Reader entry, std::uint8_t level,
                         bool refresh, bool waited) {
  message_builder<schema::CacheReply> out;
  set(out, id, schema::CacheOutcome::HIT);
  out->setEntry(entry);
  out->setLevel(level);
  out->setRefresh(refresh);
  out->setWaited(waited);
  return out.finish();
}

cache_item item_of(const tmsg::cachent& entry) {
  auto reader = entry.read();
  return {.value = entry.words(),
          .created_ms = reader->getCreatedMs(),
          .expires_ms = reader->getExpiresMs(),
          .compute_us = static_cast<std::uint32_t>(
              std::min<std::uint64_t>(reader->getComputeUs(), UINT32_MAX))};
}

}  // namespace

bool cache_shard_state::is_sound(tier& in, schema::CacheEntry::Reader entry, const cache_key& key,
                                 schema::CacheScope::Reader scope) {
  if (auto problem = problem_of(entry, key, scope); !problem.empty()) {
    ++in.damaged;
    notes.lose(key, miss_notes::loss::damaged);
    spdlog::warn("cache.entry_dropped tier={} key={} why=\"{}\"", in.config.tier, to_string(key),
                 problem);
    return false;
  }
  // The ttl may have been shortened since.
  if (entry.getCreatedMs() + static_cast<std::uint64_t>(in.config.ttl.count()) <= unix_ms())
    return false;
  purge_subject subject{.tier = in.config.tier,
                        .tenant = view(scope.getTenant()),
                        .model = view(scope.getModel()),
                        .weight_version = view(scope.getWeightVersion()),
                        .created_ms = entry.getCreatedMs()};
  if (!purged.is_gone(subject)) return true;
  ++in.purged;
  notes.lose(key, miss_notes::loss::purged);
  return false;
}

cache_shard_state::found_entry cache_shard_state::find(tier& in, schema::CacheScope::Reader scope,
                                                       const cache_key& key, std::uint64_t now_ms,
                                                       bool served) {
  found_entry found;
  const auto* item = served ? in.memory->find(key, now_ms) : in.memory->peek(key, now_ms);
  if (item != nullptr) {
    tmsg::cachent entry{item->value};
    if (!is_sound(in, *entry.read(), key, scope)) {
      (void)in.memory->erase(key);
      if (start.store) (void)start.store->erase(in.config.tier, key);
      return found;
    }
    found.entry = entry;
    found.level = 2;
    auto uniform = 1.0 - std::uniform_real_distribution<>{}(random);
    found.refresh = served && is_refresh_due(*item, now_ms, start.config.refresh_beta, uniform) &&
                    refreshing.begin(key, steady_ms(), steady_ms() + refresh_ms_max);
    return found;
  }
  if (!start.store || in.config.disk_bytes == 0) return found;
  auto stored = start.store->get(in.config.tier, key, now_ms);
  if (!stored || !*stored) {
    in.disk_misses += served ? 1 : 0;
    return found;
  }
  tmsg::cachent entry{(*stored)->item.value};
  if (!is_sound(in, *entry.read(), key, scope)) {
    (void)start.store->erase(in.config.tier, key);
    in.disk_misses += served ? 1 : 0;
    return found;
  }
  in.disk_hits += served ? 1 : 0;
  (void)in.memory->put(key, (*stored)->item);
  found.entry = std::move(entry);
  found.level = 3;
  return found;
}

void cache_shard_state::on_query(pointer self, const tmsg::cachqry& query,
                                 const cache_asker& asker) {
  ++handled;
  auto reader = query.read();
  auto id = reader->getId();
  auto in = tiers.find(view(reader->getScope().getTier()));
  if (in == tiers.end() || reader->getKey().size() != sizeof(cache_key::bytes)) {
    self->send(asker, cache_atom_v,
               brief(id, schema::CacheOutcome::ALONE,
                     "node '" + start.node + "' keeps nothing of this tier"));
    return;
  }
  auto key = read_key(reader->getKey());
  auto now = unix_ms();
  if (!reader->getRefresh()) {
    if (auto found = find(in->second, reader->getScope(), key, now); !found.entry.empty()) {
      auto entry = found.entry.read();
      in->second.saved_nanousd += entry->getResult().getUsage().getCostNanousd();
      self->send(asker, cache_atom_v, with_entry(id, *entry, found.level, found.refresh, false));
      return;
    }
  }
  message_builder<schema::CacheReply> reply;
  reply->setId(id);
  if (!reader->getRefresh() && serve_near(self, in->second, *reader, asker, *reply, now)) return;
  auto why = reader->getRefresh() ? std::string{"it is to be computed anew"}
                                  : notes.reason(key, reader->getVariant(),
                                                 view(reader->getScope().getWeightVersion()), now);
  auto who = waiter_of(reader->getAsker(), id);
  switch (flights.join(key, who, steady_ms() + std::min(reader->getWaitMs(), lead_ms_max))) {
    case flight_role::lead:
      askers[who] = asker;
      reply->setOutcome(schema::CacheOutcome::LEAD);
      reply->setReason(reply->getReason().size() == 0
                           ? why
                           : why + "; " + std::string{view(reply->asReader().getReason())});
      self->send(asker, cache_atom_v, reply.finish());
      break;
    case flight_role::wait:
      askers[who] = asker;
      ++in->second.waits;
      self->send(asker, cache_atom_v, brief(id, schema::CacheOutcome::WAIT, why));
      break;
    case flight_role::alone:
      self->send(asker, cache_atom_v,
                 brief(id, schema::CacheOutcome::ALONE,
                       why + "; too many wait for others (cache.waiting_max)"));
  }
  set_expire(self);
}

bool cache_shard_state::serve_near(pointer self, tier& in, schema::CacheQuery::Reader query,
                                   const cache_asker& asker, schema::CacheReply::Builder reply,
                                   std::uint64_t now_ms) {
  if (!in.near || !query.hasPlan() || query.getPlan().getText().size() == 0) return false;
  auto near = in.near->look(query, now_ms);
  reply.setReason(near.why);
  if (near.what == near_plans::verdict::none) return false;
  auto is_served = near.what == near_plans::verdict::serve;
  auto found = find(in, query.getScope(), near.key, now_ms, is_served);
  if (found.entry.empty()) {
    in.near->forget(near.entry);
    reply.setReason("the plan of a near goal is not there any more: purged, or it has made room");
    return false;
  }
  reply.setEntry(*found.entry.read());
  reply.setLevel(found.level);
  reply.setLabel(near.label);
  reply.setNearEntry(near.entry);
  reply.setSimilarity(near.similarity);
  if (!is_served) return false;
  in.saved_nanousd += found.entry.read()->getResult().getUsage().getCostNanousd();
  reply.setOutcome(schema::CacheOutcome::NEAR);
  message_builder<schema::CacheReply> out;
  out.copy(reply.asReader());
  self->send(asker, cache_atom_v, out.finish());
  return true;
}

void cache_shard_state::on_fill(pointer self, const tmsg::cachent& entry) {
  ++handled;
  auto reader = entry.read();
  auto scope = reader->getScope();
  auto in = tiers.find(view(scope.getTier()));
  if (in == tiers.end() || reader->getKey().size() != sizeof(cache_key::bytes)) return;
  auto key = read_key(reader->getKey());
  if (!is_sound(in->second, *reader, key, scope)) return;
  refreshing.end(key);
  auto by = waiter_of(reader->getAsker(), reader->getLead());
  auto over = flights.complete(key, by);
  askers.erase(by);
  if (over.superseded) askers.erase(*over.superseded);
  for (const auto& who : over.answer) {
    auto found = askers.find(who);
    if (found == askers.end()) continue;
    in->second.saved_nanousd += reader->getResult().getUsage().getCostNanousd();
    self->send(found->second, cache_atom_v, with_entry(who.id, *reader, 2, false, true));
    askers.erase(found);
  }
  // For those who waited alone.
  if (reader->getExpiresMs() <= reader->getCreatedMs()) {
    // Or, without a computation behind it: what is there is to be forgotten.
    if (reader->getLead() == 0 && in->second.memory->erase(key))
      notes.lose(key, miss_notes::loss::purged);
    if (reader->getLead() == 0 && start.store) (void)start.store->erase(in->first, key);
    return;
  }
  if (entry.bytes().size() > start.config.value_bytes_max) {
    ++in->second.too_large;
    return;
  }
  auto item = item_of(entry);
  notes.keep(key, reader->getVariant(), view(scope.getWeightVersion()), item.expires_ms);
  (void)in->second.memory->put(key, item);
  if (in->second.near && reader->getGoal().getText().size() != 0)
    in->second.near->store(*reader, unix_ms());
  if (!start.store || in->second.config.disk_bytes == 0) return;
  storage::stored_item kept{
      .key = key,
      .item = std::move(item),
      .facts = {.tenant = std::string{view(scope.getTenant())},
                .model = std::string{view(scope.getModel())},
                .weight_version = std::string{view(scope.getWeightVersion())}}};
  if (auto err = start.store->put(in->first, {&kept, 1}, unix_ms()))
    spdlog::warn("cache.write_failed tier={} error=\"{}\"", in->first, message_of(err));
}

void cache_shard_state::promote(pointer self, const flight_promotion& next) {
  if (next.failures >= failures_max) {
    // It fails whoever tries: all at once, as without a cache.
    auto rest = flights.complete(next.key, next.leader).answer;
    rest.push_back(next.leader);
    for (const auto& who : rest) {
      auto found = askers.find(who);
      if (found == askers.end()) continue;
      self->send(found->second, cache_atom_v,
                 brief(who.id, schema::CacheOutcome::ALONE, "others have failed to compute it"));
      askers.erase(found);
    }
    return;
  }
  auto found = askers.find(next.leader);
  if (found == askers.end()) return;
  self->send(
      found->second, cache_atom_v,
      brief(next.leader.id, schema::CacheOutcome::LEAD,
            "who computed it has failed or is gone, " + std::to_string(next.failures) + " so far"));
}

void cache_shard_state::on_leave(pointer self, const tmsg::cachlv& leave,
                                 const cache_asker& asker) {
  ++handled;
  auto reader = leave.read();
  if (reader->getKey().size() != sizeof(cache_key::bytes)) return;
  auto key = read_key(reader->getKey());
  auto who = waiter_of(reader->getAsker(), reader->getId());
  refreshing.end(key);
  if (reader->getFailed()) {
    if (auto next = flights.fail(key, who))
      promote(self, *next);
    else if (auto cancelled = flights.leave(key, who); cancelled && *cancelled != who)
      tell_stop(self, *cancelled);
    askers.erase(who);
    return set_expire(self);
  }
  auto cancelled = flights.leave(key, who);
  auto stop = cancelled == who;
  self->send(asker, cache_atom_v,
             brief(who.id, stop ? schema::CacheOutcome::STOP : schema::CacheOutcome::GO_ON, {}));
  if (stop)
    askers.erase(who);
  else if (cancelled)
    tell_stop(self, *cancelled);
  set_expire(self);
}

void cache_shard_state::tell_stop(pointer self, flight_waiter leader) {
  // It had left before; now nobody is there.
  auto found = askers.find(leader);
  if (found == askers.end()) return;
  self->send(found->second, cache_atom_v, brief(leader.id, schema::CacheOutcome::STOP, {}));
  askers.erase(found);
}

void cache_shard_state::apply(pointer self, const flight_changes& changes) {
  for (const auto& [key, who] : changes.cancelled) tell_stop(self, who);
  // Their pools know their own deadlines.
  for (const auto& [key, who] : changes.expired) askers.erase(who);
  for (const auto& next : changes.promoted) promote(self, next);
}

void cache_shard_state::set_expire(pointer self) {
  auto next = flights.next_deadline();
  if (!next || *next >= expire_at) return;
  expire_at = *next;
  auto now = steady_ms();
  auto pause = std::chrono::milliseconds{*next > now ? *next - now + 1 : 1};
  self->delayed_send(self, std::min<std::chrono::milliseconds>(pause, std::chrono::minutes{1}),
                     expire_atom_v);
}

void cache_shard_state::on_member(pointer self, schema::Member::Reader member,
                                  const peer_handles& handles) {
  auto incarnation = member.getIncarnation();
  // A suspect node keeps its handles; who is gone has none.
  if (!handles.supervisor) {
    peers.erase(incarnation);
    apply(self, flights.lose(incarnation));
    std::erase_if(askers,
                  [incarnation](const auto& each) { return each.first.party == incarnation; });
    return set_expire(self);
  }
  auto& of = peers[incarnation];
  of.node = view(member.getName());
  std::vector<cache_shard_actor> now;
  for (const auto& each : handles.cache_shards)
    if (each) now.push_back(caf::actor_cast<cache_shard_actor>(each));
  if (now == of.shards) return;
  of.shards = std::move(now);
  // It may have been away when something was purged.
  if (purged.rules().empty()) return;
  message_builder<schema::CachePurge> all;
  auto list = all->initRules(static_cast<unsigned>(purged.rules().size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    const auto& rule = purged.rules()[i];
    list[i].setTier(rule.tier);
    list[i].setTenant(rule.tenant);
    list[i].setModel(rule.model);
    list[i].setWeightVersion(rule.weight_version);
    list[i].setAtMs(rule.at_ms);
  }
  auto message = all.finish();
  for (const auto& each : of.shards) self->send(each, purge_atom_v, message);
}

void cache_shard_state::on_purge(pointer self, const tmsg::cachprg& purge) {
  auto reader = purge.read();
  auto now = unix_ms();
  auto before = purged.rules();
  for (auto rule : reader->getRules())
    purged.add({.tier = std::string{view(rule.getTier())},
                .tenant = std::string{view(rule.getTenant())},
                .model = std::string{view(rule.getModel())},
                .weight_version = std::string{view(rule.getWeightVersion())},
                .at_ms = rule.getAtMs()},
               now);
  if (pool && start.number == 0) self->send(pool, purge_atom_v, purge);
  if (before == purged.rules() || !start.store) return;
  if (auto err = start.store->save_purges(purged.rules()))
    spdlog::warn("cache.purge_not_kept error=\"{}\"", message_of(err));
}

bool cache_shard_state::warm_some(std::uint64_t now_ms) {
  std::size_t read = 0;
  for (auto& [name, in] : tiers) {
    while (!in.cold.empty() && read < warmed_at_once) {
      auto key = in.cold.back();
      in.cold.pop_back();
      ++read;
      if (in.memory->bytes() > in.memory->bytes_max() * 9 / 10) {
        in.cold.clear();
        break;
      }
      auto stored = start.store->get(name, key, now_ms);
      if (!stored || !*stored) continue;
      tmsg::cachent entry{(*stored)->item.value};
      auto reader = entry.read();
      if (!is_sound(in, *reader, key, reader->getScope())) continue;
      notes.keep(key, reader->getVariant(), view(reader->getScope().getWeightVersion()),
                 (*stored)->item.expires_ms);
      (void)in.memory->put(key, (*stored)->item);
    }
    if (!in.cold.empty()) return true;
  }
  return false;
}

void cache_shard_state::save_hot() {
  if (!start.store) return;
  for (auto& [name, in] : tiers)
    if (in.config.disk_bytes != 0) (void)start.store->save_hot(name, in.memory->hottest(hot_keys));
}

void cache_shard_state::look_after(pointer self) {
  auto now = unix_ms();
  if (start.store && warm_some(now)) {
    self->send(self, wake_atom_v);
    return;
  }
  if (start.store) {
    save_hot();
    (void)start.store->maintain(now);
  }
  for (auto& [name, in] : tiers)
    if (in.near) in.near->look_after(now);
  self->delayed_send(self, look_after_pause, wake_atom_v);
}

tmsg::cachrpt cache_shard_state::report() {
  message_builder<schema::CacheReport> out;
  auto levels = out->initLevels(static_cast<unsigned>(tiers.size() * 2));
  unsigned place = 0;
  for (auto& [name, in] : tiers) {
    const auto& counts = in.memory->counts();
    auto memory = levels[place++];
    memory.setNode(start.node);
    memory.setLevel(2);
    memory.setTier(name);
    memory.setPolicy(in.config.policy);
    memory.setTtlMs(static_cast<std::uint64_t>(in.config.ttl.count()));
    memory.setEntries(in.memory->size());
    memory.setBytes(in.memory->bytes());
    memory.setBytesMax(in.memory->bytes_max());
    memory.setHits(counts.hits);
    memory.setMisses(counts.misses);
    memory.setExpired(counts.expired);
    memory.setEvicted(counts.evicted);
    memory.setRefused(counts.refused + in.too_large);
    memory.setDamaged(in.damaged);
    memory.setWaits(in.waits);
    memory.setSavedNanousd(in.saved_nanousd);
    if (in.near) in.near->write(memory.initNear(), unix_ms());
    auto disk = levels[place++];
    disk.setNode(start.node);
    disk.setLevel(3);
    disk.setTier(name);
    disk.setPolicy(in.config.disk_bytes == 0 ? "off" : start.store ? "fifo" : "failed");
    disk.setTtlMs(static_cast<std::uint64_t>(in.config.ttl.count()));
    disk.setHits(in.disk_hits);
    disk.setMisses(in.disk_misses);
    disk.setBytesMax(in.config.disk_bytes);
    if (!start.store) continue;
    // Those of all tiers.
    auto stored = start.store->counts();
    disk.setEntries(start.store->approximate_items(name));
    disk.setBytes(start.store->approximate_bytes(name));
    disk.setExpired(stored.expired);
    disk.setDamaged(stored.damaged);
    disk.setRefused(stored.refused);
  }
  auto rules = out->initPurged(static_cast<unsigned>(purged.rules().size()));
  for (unsigned i = 0; i < rules.size(); ++i) {
    const auto& rule = purged.rules()[i];
    rules[i].setTier(rule.tier);
    rules[i].setTenant(rule.tenant);
    rules[i].setModel(rule.model);
    rules[i].setWeightVersion(rule.weight_version);
    rules[i].setAtMs(rule.at_ms);
  }
  return out.finish();
}

tmsg::cachrpt cache_shard_state::on_command(pointer self, const tmsg::cachcmd& command) {
  auto reader = command.read();
  if (reader->getAction() == schema::CacheAction::PURGE) {
    message_builder<schema::CachePurge> purge;
    auto rule = purge->initRules(1)[0];
    rule.setTier(reader->getTier());
    rule.setTenant(reader->getTenant());
    rule.setModel(reader->getModel());
    rule.setWeightVersion(reader->getWeightVersion());
    rule.setAtMs(unix_ms());
    on_purge(self, purge.finish());
  }
  return report();
}

cache_shard_inside::behavior_type cache_shard_behavior(cache_shard_state::pointer self,
                                                       cache_shard_start start) {
  auto& state = self->state;
  state.random.seed(start.seed);
  std::chrono::milliseconds ttl_max{0};
  for (const auto& each : start.config.tiers) {
    ttl_max = std::max(ttl_max, each.ttl);
    auto policy = parse_cache_policy(each.policy).value_or(cache_policy::frequency_lru);
    cache_shard_state::tier made{.config = each};
    made.memory = make_cache_memory(policy, shard_bytes(each, start.config.shards));
    if (policy == cache_policy::semantic_lru && start.config.max_error > 0 &&
        start.config.plans_max > 0)
      made.near =
          std::make_unique<near_plans>(start.config, near_bytes(each, start.config.shards),
                                       static_cast<std::uint64_t>(each.ttl.count()), start.seed);
    if (start.store && each.disk_bytes != 0) {
      if (auto hot = start.store->load_hot(each.tier)) {
        made.cold = std::move(*hot);
        std::reverse(made.cold.begin(), made.cold.end());
      }
    }
    state.tiers.emplace(each.tier, std::move(made));
  }
  state.purged = purge_rules{static_cast<std::uint64_t>(ttl_max.count())};
  if (start.store)
    if (auto rules = start.store->load_purges())
      for (auto& rule : *rules) state.purged.add(std::move(rule), unix_ms());
  state.flights = flight_table{{.waiters_max = start.config.waiting_max}};
  state.start = std::move(start);
  self->set_exit_handler([self](const caf::exit_msg& exit) {
    self->state.save_hot();
    self->quit(exit.reason);
  });
  self->send(self, wake_atom_v);
  auto sender = [self] { return caf::actor_cast<cache_asker>(self->current_sender()); };
  return {[self](member_atom, const tmsg::member& member, const peer_handles& handles) {
            self->state.on_member(self, *member.read(), handles);
          },
          [self](wire_atom, const cache_asker& pool) { self->state.pool = pool; },
          [self](expire_atom) {
            self->state.expire_at = UINT64_MAX;
            self->state.apply(self, self->state.flights.expire(steady_ms()));
            self->state.set_expire(self);
          },
          [self](wake_atom) { self->state.look_after(self); },
          [self, sender](cache_atom, const tmsg::cachqry& query) {
            if (auto asker = sender()) self->state.on_query(self, query, asker);
          },
          [self](fill_atom, const tmsg::cachent& entry) { self->state.on_fill(self, entry); },
          [self, sender](leave_atom, const tmsg::cachlv& leave) {
            if (auto asker = sender()) self->state.on_leave(self, leave, asker);
          },
          [self](label_atom, const tmsg::planlbl& label) {
            auto reader = label.read();
            auto in = self->state.tiers.find(view(reader->getScope().getTier()));
            if (in != self->state.tiers.end() && in->second.near)
              in->second.near->hear(*reader, unix_ms());
          },
          [self](purge_atom, const tmsg::cachprg& purge) { self->state.on_purge(self, purge); },
          [self](cache_atom, const tmsg::cachcmd& command) {
            return self->state.on_command(self, command);
          },
          [self](status_atom) {
            const auto& state = self->state;
            return actor_status({.name = "cache_shard_" + std::to_string(state.start.number),
                                 .kind = "cache_shard",
                                 .parent = "supervisor",
                                 .mailbox_depth = self->mailbox().size(),
                                 .in_flight = state.flights.keys(),
                                 .queued = state.flights.waiters(),
                                 .handled = state.handled,
                                 .noun = "messages",
                                 .last_error = state.start.why_no_store});
          }};
}

}  // namespace tandem
