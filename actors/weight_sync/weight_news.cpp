#include <algorithm>
#include <cstring>

#include "actors/clock.hpp"
#include "actors/weight_sync/weight_sync.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

// Of all models; a message has a bound.
constexpr std::size_t versions_told_max = 512;

void set_hash(capnp::Data::Builder to, const weight_hash& hash) {
  std::memcpy(to.begin(), hash.data(), hash.size());
}

/// What others decide by; numbers of requests that only rise are no news unless they are asked for.
void copy_engine(schema::EngineStatus::Reader from, schema::EngineStatus::Builder to,
                 bool with_numbers) {
  to.setName(from.getName());
  to.setKind(from.getKind());
  to.setModel(from.getModel());
  to.setTier(from.getTier());
  to.setWeightVersion(from.getWeightVersion());
  to.setHealth(from.getHealth());
  to.setHeld(from.getHeld());
  to.setWeightsFixed(from.getWeightsFixed());
  to.setLastError(from.getLastError());
  if (!with_numbers) return;
  to.setRequests(from.getRequests());
  to.setFailures(from.getFailures());
  to.setBusyUs(from.getBusyUs());
}

/// Since when canaries are judged; 0: none are.
std::uint64_t judged_since(const weight_book& facts) {
  for (const auto& [model, roll] : facts.rolls())
    if (roll.phase == schema::RollPhase::JUDGING) return roll.judged_from_ms;
  return 0;
}

}  // namespace

tmsg::wtnews weight_sync_state::make_news() {
  message_builder<schema::WeightNews> out;
  out->setIncarnation(start.incarnation);
  out->setNode(start.node);
  out->setUrl(url);
  auto here = start.versions->list();
  auto holdings = out->initHoldings(static_cast<unsigned>(here.size()));
  for (unsigned i = 0; i < holdings.size(); ++i) {
    set_hash(holdings[i].initManifest(here[i].size()), here[i]);
    auto complete = start.versions->is_complete(here[i]);
    holdings[i].setComplete(complete);
    if (complete) continue;
    auto have = start.versions->have(here[i]);
    holdings[i].setHave({have.data(), have.size()});
  }
  auto versions = facts.versions({});
  if (versions.size() > versions_told_max)
    versions.erase(versions.begin(), versions.end() - versions_told_max);
  auto list = out->initVersions(static_cast<unsigned>(versions.size()));
  for (unsigned i = 0; i < list.size(); ++i) list.setWithCaveats(i, *versions[i].read());
  auto wanted = out->initWanted(static_cast<unsigned>(facts.wanted().size()));
  unsigned place = 0;
  for (const auto& [model, each] : facts.wanted()) {
    wanted[place].setModel(model);
    wanted[place].setVersion(each.version);
    wanted[place++].setEpoch(each.epoch);
  }
  // A roll stays told by whoever coordinated it, so that a node that comes back learns how it
  // ended.
  for (const auto& [model, roll] : facts.rolls())
    if (roll.coordinator == start.node && (!machine || machine->record().model == model)) {
      write(roll, out->initRoll());
      if (!roll.is_over()) break;
    }
  auto told_engines = out->initEngines(
      static_cast<unsigned>(std::count_if(engines.begin(), engines.end(), [](const auto& each) {
        return !each.second.status.empty();
      })));
  place = 0;
  auto with_numbers = judged_since(facts) != 0;
  out->setAtMs(judged_since(facts));
  for (const auto& [name, each] : engines)
    if (!each.status.empty()) copy_engine(*each.status.read(), told_engines[place++], with_numbers);
  auto fetching = out->initFetches(static_cast<unsigned>(fetches.size()));
  place = 0;
  for (const auto& [manifest, each] : fetches) {
    auto to = fetching[place++];
    auto version = each.version.read();
    to.setNode(start.node);
    to.setModel(version->getModel());
    to.setVersion(version->getVersion());
    to.setDoneBytes(each.progress.done_bytes);
    to.setTotalBytes(each.progress.total_bytes);
    to.setMovedBytes(each.progress.moved_bytes);
    to.setBytesPerS(each.progress.bytes_per_s);
    to.setError(each.error);
    to.setComplete(each.complete);
    auto avoided = to.initAvoided(static_cast<unsigned>(each.progress.avoided.size()));
    for (unsigned i = 0; i < avoided.size(); ++i) avoided.set(i, each.progress.avoided[i]);
  }
  out->setNumber(news_number);
  return out.finish();
}

void weight_sync_state::tell(pointer self) {
  auto now = make_news();
  auto same = !told.empty() && told.bytes().size() == now.bytes().size() &&
              std::memcmp(told.bytes().data(), now.bytes().data(), now.bytes().size()) == 0;
  if (same) return;
  ++news_number;
  told = make_news();
  touch();
  for (const auto& [id, each] : peers)
    if (each.handle) self->send(each.handle, weight_atom_v, told);
}

void weight_sync_state::answer_followers(bool all) {
  auto now = unix_ms();
  std::vector<waiting_status> rest;
  for (auto& each : followers) {
    if (all || sequence > each.sequence || now >= each.until_ms)
      each.promise.deliver(report(each.model));
    else
      rest.push_back(std::move(each));
  }
  followers = std::move(rest);
}

}  // namespace tandem
