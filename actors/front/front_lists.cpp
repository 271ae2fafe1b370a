// What goes to every journal: lists, and purges by age.

#include <algorithm>

#include "actors/front/front.hpp"
#include "actors/front/front_rounds.hpp"
#include "schema/errc.hpp"
#include "schema/ids.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// Jobs on one page: as each journal bounds it.
constexpr std::uint32_t page_max = 200;
constexpr std::uint32_t page_default = 20;

}  // namespace

struct front_state::list_round {
  tmsg::jobqry query;
  promise<tmsg::joblist> to;
  std::vector<job_page> pages;
  std::size_t missing = 0;
};

std::set<std::uint64_t> front_state::all_journals() const {
  std::set<std::uint64_t> journals;
  for (const auto& each : start.book->journals()) journals.insert(each.journal);
  for (const auto& [journal, incarnation] : homes) journals.insert(journal);
  for (const auto& [journal, planner] : planners) journals.insert(journal);
  return journals;
}

caf::result<tmsg::joblist> front_state::list(pointer self, const tmsg::jobqry& query) {
  ++handled;
  auto journals = all_journals();
  // One journal alone: as it answers itself.
  auto reader = query.read();
  if (journals.size() == 1 && planners.size() == 1 && reader->getCursors().size() == 0)
    return self->delegate(planners.begin()->second, list_atom_v, query);
  if (rounds() >= config.rounds_max) return too_many(config);
  auto round = std::make_shared<list_round>();
  round->query = query;
  round->to = self->make_response_promise<tmsg::joblist>();
  auto call = add_pending([to = round->to](const caf::error& err) mutable { to.deliver(err); });
  lists.emplace(call, round);
  auto one_less = [self, call, round] {
    if (--round->missing == 0) self->state.finish_list(call);
  };
  // Counts as one, so that it does not end before all are asked.
  ++round->missing;
  round->pages.reserve(journals.size());
  for (auto journal : journals) {
    auto at = round->pages.size();
    auto before = cursor_of(*reader, journal);
    round->pages.push_back({.journal = journal, .before = before});
    auto& page = round->pages.back();
    if (const auto* place = start.book->where(journal)) {
      page.node = place->node;
      page.address = place->address;
    }
    if (const auto* at_peer = home(journal); at_peer != nullptr && local(journal) == nullptr) {
      page.node = at_peer->name;
      page.address = at_peer->address;
    }
    ++round->missing;
    auto asked = ask_home<tmsg::joblist>(
        self, journal, list_atom_v, query_of(*reader, before),
        [round, at, one_less](const tmsg::joblist& list) mutable {
          round->pages[at].list = list;
          one_less();
        },
        [one_less](const caf::error&) mutable { one_less(); });
    if (asked) continue;
    page.waiting = true;
    --round->missing;
  }
  auto promise = round->to;
  self->delayed_send(self, config.list_patience, expire_atom_v, call);
  one_less();
  return promise;
}

void front_state::finish_list(std::uint64_t call) {
  auto found = lists.find(call);
  if (found == lists.end()) return;
  auto round = std::move(found->second);
  lists.erase(found);
  pending.erase(call);
  auto limit = round->query.read()->getLimit();
  round->to.deliver(
      merge_pages(round->pages, limit == 0 ? page_default : std::min(limit, page_max)));
}

struct front_state::purge_round {
  promise<tmsg::purged> to;
  std::uint64_t jobs = 0;
  std::uint64_t bytes = 0;
  std::size_t missing = 0;
  /// The first of them.
  caf::error failure;
};

caf::result<tmsg::purged> front_state::purge_older(pointer self, const tmsg::purge& request) {
  ++handled;
  std::set<std::uint64_t> journals;
  for (const auto& [journal, incarnation] : homes) journals.insert(journal);
  for (const auto& [journal, planner] : planners) journals.insert(journal);
  if (journals.empty())
    return make_error(errc::unavailable, "no node that plans is alive; nothing was purged");
  if (rounds() >= config.rounds_max) return too_many(config);
  auto round = std::make_shared<purge_round>();
  round->to = self->make_response_promise<tmsg::purged>();
  round->missing = journals.size();
  ++purges;
  auto call = add_pending([to = round->to](const caf::error& err) mutable { to.deliver(err); });
  auto one_less = [self, call, round] {
    if (--round->missing != 0) return;
    auto& state = self->state;
    --state.purges;
    state.pending.erase(call);
    if (round->failure) {
      round->to.deliver(round->failure);
      return;
    }
    message_builder<schema::Purged> reply;
    reply->setJobs(round->jobs);
    reply->setBytes(round->bytes);
    round->to.deliver(reply.finish());
  };
  auto promise = round->to;
  for (auto journal : journals)
    ask_home<tmsg::purged>(
        self, journal, purge_atom_v, request,
        [round, one_less](const tmsg::purged& reply) mutable {
          round->jobs += reply.read()->getJobs();
          round->bytes += reply.read()->getBytes();
          one_less();
        },
        [round, one_less](const caf::error& err) mutable {
          if (!round->failure) round->failure = err;
          one_less();
        });
  return promise;
}

}  // namespace tandem
