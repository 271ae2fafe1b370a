// What was spent, of all journals: one part of each, added up.

#include <algorithm>
#include <optional>

#include "actors/cost/cost_sum.hpp"
#include "actors/front/front.hpp"
#include "actors/front/front_rounds.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// Rows of one answer; all journals share them.
constexpr std::size_t bytes_max = std::size_t{512} << 10;
/// What one journal's part may take at least: a few rows.
constexpr std::size_t share_min = std::size_t{4} << 10;

struct cursor {
  std::uint64_t journal = 0;
  std::uint64_t after = 0;
  std::uint64_t after_ms = 0;
};

tmsg::costqry query_of(schema::CostQuery::Reader query, const cursor& at, std::size_t share) {
  message_builder<schema::CostQuery> one;
  one.copy(query);
  auto cursors = one->initCursors(1);
  cursors[0].setJournal(at.journal);
  cursors[0].setAfter(at.after);
  cursors[0].setAfterMs(at.after_ms);
  one->setBytesMax(static_cast<std::uint32_t>(share));
  return one.finish();
}

}  // namespace

struct front_state::cost_round {
  struct part {
    std::uint64_t journal = 0;
    std::string node;
    std::string address;
    bool waiting = false;
    bool answered = false;
  };
  promise<tmsg::costrep> to;
  std::vector<part> parts;
  cost_sum sum{bytes_max};
  std::vector<cursor> next;
  std::size_t missing = 0;
};

caf::result<tmsg::costrep> front_state::cost(pointer self, const tmsg::costqry& query) {
  ++handled;
  auto reader = query.read();
  std::vector<cursor> asked;
  for (auto each : reader->getCursors())
    asked.push_back({each.getJournal(), each.getAfter(), each.getAfterMs()});
  if (asked.empty())
    for (auto journal : all_journals()) asked.push_back({journal, 0, 0});
  if (asked.size() > journal_book::journals_max)
    return make_error(errc::invalid_argument, "more cursors than there can be journals");
  if (rounds() >= config.rounds_max) return too_many(config);
  auto round = std::make_shared<cost_round>();
  round->to = self->make_response_promise<tmsg::costrep>();
  auto call = add_pending([to = round->to](const caf::error& err) mutable { to.deliver(err); });
  costs.emplace(call, round);
  auto one_less = [self, call, round] {
    if (--round->missing == 0) self->state.finish_cost(call);
  };
  // Counts as one, so that it does not end before all are asked.
  ++round->missing;
  auto share = std::max(share_min, bytes_max / std::max<std::size_t>(asked.size(), 1));
  round->parts.reserve(asked.size());
  for (const auto& at : asked) {
    auto index = round->parts.size();
    auto& part = round->parts.emplace_back();
    part.journal = at.journal;
    if (const auto* place = start.book->where(at.journal)) {
      part.node = place->node;
      part.address = place->address;
    }
    if (const auto* peer = home(at.journal); peer != nullptr && local(at.journal) == nullptr) {
      part.node = peer->name;
      part.address = peer->address;
    }
    ++round->missing;
    auto went = ask_home<tmsg::costrep>(
        self, at.journal, cost_atom_v, query_of(*reader, at, share),
        [self, call, round, index, one_less](const tmsg::costrep& report) mutable {
          // Too late: it was named as missing.
          if (!self->state.costs.contains(call)) return;
          round->parts[index].answered = true;
          auto answer = report.read();
          round->sum.add(*answer);
          for (auto each : answer->getCursors())
            round->next.push_back({each.getJournal(), each.getAfter(), each.getAfterMs()});
          one_less();
        },
        [one_less](const caf::error&) mutable { one_less(); });
    if (went) continue;
    part.waiting = true;
    --round->missing;
  }
  auto promise = round->to;
  self->delayed_send(self, config.list_patience, expire_atom_v, call);
  one_less();
  return promise;
}

void front_state::finish_cost(std::uint64_t call) {
  auto found = costs.find(call);
  if (found == costs.end()) return;
  auto round = std::move(found->second);
  costs.erase(found);
  pending.erase(call);
  message_builder<schema::CostReport> out;
  round->sum.write(*out);
  auto cursors = out->initCursors(static_cast<unsigned>(round->next.size()));
  for (unsigned i = 0; i < cursors.size(); ++i) {
    cursors[i].setJournal(round->next[i].journal);
    cursors[i].setAfter(round->next[i].after);
    cursors[i].setAfterMs(round->next[i].after_ms);
  }
  auto silent = std::count_if(round->parts.begin(), round->parts.end(),
                              [](const auto& part) { return !part.answered; });
  auto missing = out->initMissing(static_cast<unsigned>(silent));
  unsigned at = 0;
  for (const auto& part : round->parts) {
    if (part.answered) continue;
    missing[at].setJournal(part.journal);
    missing[at].setNode(text(part.node));
    missing[at].setAddress(text(part.address));
    missing[at++].setWaiting(part.waiting);
  }
  round->to.deliver(out.finish());
}

}  // namespace tandem
