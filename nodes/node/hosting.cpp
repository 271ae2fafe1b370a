#include "nodes/node/hosting.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include <caf/scoped_actor.hpp>

#include "config/actor_settings.hpp"
#include "nodes/node/engine_admin.hpp"
#include "schema/errc.hpp"
#include "storage/replica.hpp"

namespace tandem {
namespace {

/// Of one actor of a journal that is taken over, until it reports.
constexpr std::chrono::seconds start_wait{60};

}  // namespace

caf::expected<planner_start> read_start(const storage::journal& store, const node_config& config) {
  auto open = store.open_jobs();
  if (!open) return std::move(open.error());
  auto next = store.next_job_number();
  if (!next) return std::move(next.error());
  return planner_start{.journal = store.id(),
                       .settings = make_job_settings(config),
                       .next_number = *next,
                       .open = std::move(*open)};
}

caf::error host_journal(const node_parts& parts, caf::actor_system& system,
                        const led_journal& taken) {
  auto options = parts.storage;
  options.folder = taken.folder;
  auto copy = storage::replica::open(options, taken.journal);
  if (!copy) return std::move(copy.error());
  auto opened = storage::replica::promote(std::move(*copy));
  if (!opened) return std::move(opened.error());
  std::shared_ptr<storage::journal> store{std::move(*opened)};
  auto start = read_start(*store, parts.config);
  if (!start) return std::move(start.error());
  auto children = journal_children(parts, store, *start, "-" + to_string(taken.journal), taken);
  store.reset();
  caf::scoped_actor self{system};
  auto supervisor = caf::actor_cast<child_host>(parts.actors->supervisor);
  for (std::size_t i = 0; i < children.size(); ++i) {
    caf::error failed;
    self->request(supervisor, start_wait, add_atom_v, children[i])
        .receive([](caf::ok_atom) {}, [&failed](const caf::error& err) { failed = err; });
    if (!failed) continue;
    // None of them goes on without the others.
    for (; i > 0; --i)
      self->request(supervisor, start_wait, remove_atom_v, children[i - 1].name)
          .receive([](caf::ok_atom) {}, [](const caf::error&) {});
    return failed;
  }
  return caf::none;
}

}  // namespace tandem
