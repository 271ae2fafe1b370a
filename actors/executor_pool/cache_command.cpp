// `tandem cache`: what this pool, its node's shards and the pools of the other nodes say, in one
// report.

#include <algorithm>
#include <memory>

#include "actors/clock.hpp"
#include "actors/executor_pool/executor_pool.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::chrono::seconds shard_wait{3};
/// They wait for their shards.
constexpr std::chrono::seconds node_wait{5};

/// How long one that is gone is missed.
constexpr std::chrono::hours lost_for{1};

/// What has come so far.
struct gathered {
  std::vector<tmsg::cachrpt> reports;
  std::vector<std::string> missing;
  std::size_t due = 0;
};

/// By the names of their nodes.
bool is_before(const tmsg::cachrpt& a, const tmsg::cachrpt& b) {
  auto name_of = [](const tmsg::cachrpt& of) {
    auto levels = of.read()->getLevels();
    return levels.size() == 0 ? std::string{} : std::string{view(levels[0].getNode())};
  };
  return name_of(a) < name_of(b);
}

}  // namespace

void executor_pool_state::command(pointer self, const tmsg::cachcmd& command,
                                  caf::typed_response_promise<tmsg::cachrpt> promise) {
  auto reader = command.read();
  if (reader->getAction() == schema::CacheAction::PURGE && own_shards.empty()) {
    message_builder<schema::CachePurge> purge;
    auto rule = purge->initRules(1)[0];
    rule.setTier(reader->getTier());
    rule.setTenant(reader->getTenant());
    rule.setModel(reader->getModel());
    rule.setWeightVersion(reader->getWeightVersion());
    rule.setAtMs(unix_ms());
    answers.purge(*purge.finish().read(), unix_ms());
  }
  std::uint32_t begun_engines = 0;
  if (reader->getAction() == schema::CacheAction::WARM) {
    auto is_meant = [](capnp::Text::Reader wanted, capnp::Text::Reader has) {
      return wanted.size() == 0 || wanted == has;
    };
    std::vector<std::string> begun;
    for (const auto& [name, place] : warm_places) {
      auto status = place.status.read();
      if (is_meant(reader->getModel(), status->getModel()) &&
          is_meant(reader->getTier(), status->getTier()) &&
          warmer->warm_again(name, warm_now(self)))
        begun.push_back(name);
    }
    for (const auto& name : begun) warm_next(self, name);
    begun_engines = static_cast<std::uint32_t>(begun.size());
  }
  auto so_far = std::make_shared<gathered>();
  std::erase_if(
      lost, [now = self->clock().now()](const auto& each) { return now - each.second > lost_for; });
  if (!reader->getOwn())
    for (const auto& [node, since] : lost) so_far->missing.push_back(node);
  auto finish = [self, promise, so_far, begun_engines]() mutable {
    auto& state = self->state;
    auto tiers = state.answers.tiers();
    std::size_t levels = tiers.size();
    std::size_t rules = 0;
    std::size_t warm = state.warmer->is_off() ? 0 : 1;
    auto served = state.answers.served_rows();
    for (const auto& each : so_far->reports) {
      auto report = each.read();
      levels += report->getLevels().size();
      rules = std::max<std::size_t>(rules, report->getPurged().size());
      warm += report->getWarm().size();
      served += report->getServed().size();
    }
    message_builder<schema::CacheReport> out;
    auto warmed = out->initWarm(static_cast<unsigned>(warm));
    unsigned warmed_place = 0;
    if (!state.warmer->is_off()) {
      state.write_warm(self, warmed[warmed_place]);
      warmed[warmed_place++].setBegun(begun_engines);
    }
    std::stable_sort(so_far->reports.begin(), so_far->reports.end(), is_before);
    auto served_list = out->initServed(static_cast<unsigned>(served));
    auto served_place = state.answers.write_served(served_list, 0, state.services.node);
    auto list = out->initLevels(static_cast<unsigned>(levels));
    unsigned place = 0;
    for (const auto& tier : tiers)
      state.answers.write_level(list[place++], state.services.node, tier);
    for (const auto& each : so_far->reports) {
      auto report = each.read();
      for (auto level : report->getLevels()) list.setWithCaveats(place++, level);
      for (auto row : report->getServed()) served_list.setWithCaveats(served_place++, row);
      for (auto each_warm : report->getWarm()) warmed.setWithCaveats(warmed_place++, each_warm);
      if (report->getPurged().size() == rules && rules != 0 && !out->hasPurged())
        out->setPurged(report->getPurged());
    }
    auto missing = out->initMissing(static_cast<unsigned>(so_far->missing.size()));
    for (unsigned i = 0; i < missing.size(); ++i) missing.set(i, so_far->missing[i]);
    promise.deliver(out.finish());
  };
  auto heard = [so_far, finish](const tmsg::cachrpt& report) mutable {
    so_far->reports.push_back(report);
    if (--so_far->due == 0) finish();
  };
  auto missed = [so_far, finish](const std::string& node) mutable {
    so_far->missing.push_back(node);
    if (--so_far->due == 0) finish();
  };
  std::vector<answer_cache::shard> own;
  for (const auto& each : answers.shards())
    if (each.incarnation == services.incarnation) own.push_back(each);
  so_far->due = own.size() + (reader->getOwn() ? 0 : peers.size());
  if (so_far->due == 0) return finish();
  for (const auto& each : own)
    self->request(each.handle, shard_wait, cache_atom_v, command)
        .then(heard, [missed, node = each.node](const caf::error&) mutable { missed(node); });
  if (reader->getOwn()) return;
  message_builder<schema::CacheCommand> theirs;
  theirs.copy(*reader);
  theirs->setOwn(true);
  auto told = theirs.finish();
  for (const auto& [incarnation, each] : peers)
    self->request(each.supervisor, node_wait, cache_atom_v, told)
        .then(heard, [missed, node = each.name](const caf::error&) mutable { missed(node); });
}

}  // namespace tandem
