#include "actors/router/route_keeper.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "actors/status.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

/// Of one export reply; messages above 256 KiB hold everything behind them.
constexpr std::size_t page_bytes_max = std::size_t{256} * 1024;
constexpr std::uint32_t page_decisions_max = 1'000;
constexpr std::uint32_t changes_max = 1'000;
/// Of failures in a row: the first is logged, then one in so many.
constexpr std::uint64_t log_every = 60;

caf::error no_store(const std::string& why) {
  return make_error(errc::unavailable, "this node keeps no decisions: " + why);
}

}  // namespace

void route_keeper_state::note(const caf::error& err) {
  ++failures;
  auto is_new = last_error.empty();
  last_error = message_of(err);
  if (is_new || failures % log_every == 0)
    spdlog::warn("route_keeper.write_failed failures={} waiting={} lost={} error={}", failures,
                 backlog.batch().decisions.size(), backlog.lost(), last_error);
}

void route_keeper_state::write(const storage::route_batch& batch) {
  if (!store) return;
  if (auto err = batch.check()) {
    // Tried again it would fail for ever.
    ++refused;
    spdlog::error("route_keeper.batch_refused refused={} error={}", refused, message_of(err));
    return;
  }
  auto waits = !backlog.empty();
  if (waits) backlog.add(batch);
  if (auto err = store->write(waits ? backlog.batch() : batch)) {
    if (!waits) backlog.add(batch);
    note(err);
    return;
  }
  ++written;
  if (!last_error.empty())
    spdlog::info("route_keeper.write_resumed failures={} lost={}", failures, backlog.lost());
  last_error.clear();
  backlog.clear();
}

caf::expected<tmsg::rtrep> route_keeper_state::page(std::uint64_t after,
                                                    std::uint32_t limit) const {
  if (limit == 0 || limit > page_decisions_max) limit = page_decisions_max;
  auto page = store->decisions_after(after, limit, page_bytes_max);
  if (!page) return std::move(page.error());
  message_builder<schema::RouteReport> report;
  auto decisions = report->initDecisions(static_cast<unsigned>(page->decisions.size()));
  for (unsigned i = 0; i < decisions.size(); ++i)
    decisions.setWithCaveats(i, *page->decisions[i].read());
  report->setMore(page->more);
  return report.finish();
}

route_keeper_actor::behavior_type route_keeper_behavior(
    route_keeper_actor::stateful_pointer<route_keeper_state> self,
    std::shared_ptr<storage::route_store> store, std::size_t decisions_max,
    const std::string& why) {
  self->state.store = std::move(store);
  self->state.backlog = route_backlog{decisions_max};
  if (!self->state.store) self->state.last_error = why;
  return {[self](write_atom, const storage::route_batch& batch) { self->state.write(batch); },
          [self](load_atom, std::uint64_t decisions_max) {
            if (self->state.store) return self->state.store->load(decisions_max);
            storage::route_memory nothing;
            nothing.set_aside.push_back(self->state.last_error);
            return nothing;
          },
          [self](find_atom, std::uint64_t id) -> caf::result<tmsg::decrec> {
            if (!self->state.store) return no_store(self->state.last_error);
            auto decision = self->state.store->decision(id);
            if (!decision) return std::move(decision.error());
            return std::move(*decision);
          },
          [self](list_atom, std::uint64_t after, std::uint32_t limit) -> caf::result<tmsg::rtrep> {
            if (!self->state.store) return no_store(self->state.last_error);
            auto page = self->state.page(after, limit);
            if (!page) return std::move(page.error());
            return std::move(*page);
          },
          [self](list_atom, std::uint32_t limit) -> caf::result<route_changes> {
            if (!self->state.store) return no_store(self->state.last_error);
            auto changes = self->state.store->changes(std::min(limit, changes_max));
            if (!changes) return std::move(changes.error());
            return route_changes{std::move(*changes)};
          },
          [self](status_atom) {
            const auto& state = self->state;
            return actor_status({.name = "route_keeper",
                                 .kind = "route_keeper",
                                 .parent = "supervisor",
                                 .mailbox_depth = self->mailbox().size(),
                                 .queued = state.backlog.batch().decisions.size(),
                                 .handled = state.written,
                                 .noun = "writes",
                                 .state = state.last_error.empty() ? "ok" : "failing",
                                 .last_error = state.last_error});
          }};
}

}  // namespace tandem
