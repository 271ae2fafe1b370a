// A node that is to leave: it takes nothing new, finishes what it has, says good-bye and ends.

#include <memory>

#include <spdlog/spdlog.h>
#include <caf/send.hpp>

#include "actors/supervisor/supervisor.hpp"
#include "schema/text.hpp"

namespace tandem {
caf::result<caf::ok_atom> supervisor_state::drain(pointer self, const tmsg::drainqry& query) {
  auto reader = query.read();
  auto wanted = view(reader->getNode());
  if (wanted != node.name) {
    auto other = find_node(wanted);
    if (!other) return std::move(other.error());
    return self->delegate(*other, drain_atom_v, query);
  }
  if (!draining) {
    draining = true;
    spdlog::info("draining node={}", node.name);
    if (services.on_drain) services.on_drain();
    drain_children(self, true);
  }
  return caf::ok_atom_v;
}

// Jobs first, since they need the engines; then what the engines still do for others.
void supervisor_state::drain_children(pointer self, bool planners) {
  auto missing = std::make_shared<std::size_t>(1);
  auto at_rest = [self, missing, planners] {
    if (--*missing != 0 || self->state.stopping) return;
    if (planners) return self->state.drain_children(self, false);
    spdlog::info("drained node={}", self->state.node.name);
    self->send(self, stop_atom_v);
  };
  for (const auto& of : children) {
    if (!of.spec.drains || !of.handle || (of.spec.kind == "planner") != planners) continue;
    ++*missing;
    // A child that fails meanwhile has nothing to finish.
    self->request(caf::actor_cast<draining_actor>(of.handle), caf::infinite, drain_atom_v)
        .then([at_rest](caf::ok_atom) { at_rest(); }, [at_rest](const caf::error&) { at_rest(); });
  }
  at_rest();
}

}  // namespace tandem
