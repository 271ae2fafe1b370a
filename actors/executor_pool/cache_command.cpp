// `tandem cache`: what this pool and all shards say, in one report.

#include <algorithm>
#include <memory>

#include "actors/clock.hpp"
#include "actors/executor_pool/executor_pool.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::chrono::seconds shard_wait{3};

/// What has come so far.
struct gathered {
  std::vector<tmsg::cachrpt> reports;
  std::vector<std::string> missing;
  std::size_t due = 0;
};

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
  if (reader->getAction() == schema::CacheAction::WARM)
    for (const auto& name : warmer->warm_again(view(reader->getModel()), warm_now(self)))
      warm_next(self, name);
  auto so_far = std::make_shared<gathered>();
  auto finish = [self, promise, so_far]() mutable {
    auto& state = self->state;
    auto tiers = state.answers.tiers();
    std::size_t levels = tiers.size();
    std::size_t rules = 0;
    for (const auto& each : so_far->reports) {
      levels += each.read()->getLevels().size();
      rules = std::max<std::size_t>(rules, each.read()->getPurged().size());
    }
    message_builder<schema::CacheReport> out;
    state.write_warm(self, *out);
    auto list = out->initLevels(static_cast<unsigned>(levels));
    unsigned place = 0;
    for (const auto& tier : tiers)
      state.answers.write_level(list[place++], state.services.node, tier);
    for (const auto& each : so_far->reports) {
      auto report = each.read();
      for (auto level : report->getLevels()) list.setWithCaveats(place++, level);
      if (report->getPurged().size() == rules && rules != 0 && !out->hasPurged())
        out->setPurged(report->getPurged());
    }
    auto missing = out->initMissing(static_cast<unsigned>(so_far->missing.size()));
    for (unsigned i = 0; i < missing.size(); ++i) missing.set(i, so_far->missing[i]);
    promise.deliver(out.finish());
  };
  std::vector<answer_cache::shard> asked;
  for (const auto& each : answers.shards())
    if (!reader->getOwn() || each.incarnation == services.incarnation) asked.push_back(each);
  so_far->due = asked.size();
  if (asked.empty()) return finish();
  for (const auto& each : asked) {
    self->request(each.handle, shard_wait, cache_atom_v, command)
        .then(
            [so_far, finish](const tmsg::cachrpt& report) mutable {
              so_far->reports.push_back(report);
              if (--so_far->due == 0) finish();
            },
            [so_far, finish, node = each.node](const caf::error&) mutable {
              so_far->missing.push_back(node);
              if (--so_far->due == 0) finish();
            });
  }
}

}  // namespace tandem
