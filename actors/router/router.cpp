#include "actors/router/router.hpp"

#include "actors/status.hpp"
#include "schema/text.hpp"

namespace tandem {

router_actor::behavior_type router_behavior(router_actor::stateful_pointer<router_state> self,
                                            const router_config& config,
                                            const std::vector<model_config>& models,
                                            std::uint64_t first_decision) {
  auto policy = make_routing_policy(config);
  if (!policy) {
    self->quit(policy.error());
    return router_actor::behavior_type::make_empty_behavior();
  }
  self->state.table =
      std::make_unique<route_table>(config, models, std::move(*policy), first_decision);
  self->set_down_handler([self](const caf::down_msg& down) {
    auto& engines = self->state.engines;
    for (auto i = engines.begin(); i != engines.end();) {
      if (i->second.address() == down.source) {
        self->state.table->remove(i->first);
        i = engines.erase(i);
      } else {
        ++i;
      }
    }
  });
  return {[self](route_atom, const tmsg::rtqry& query) -> caf::result<tmsg::decisn, engine_actor> {
            auto routed = self->state.table->route(*query.read());
            if (!routed) return std::move(routed.error());
            return {std::move(routed->decision), self->state.engines.at(routed->engine)};
          },
          [self](reward_atom, const tmsg::reward& reward) {
            self->state.table->settle(*reward.read());
          },
          [self](engine_atom, const tmsg::engstat& status, const engine_actor& engine) {
            std::string name{view(status.read()->getName())};
            auto known = self->state.engines.find(name);
            if (known == self->state.engines.end() || known->second != engine) {
              // A restarted engine comes under its old name: what the old one had in flight is
              // gone.
              self->state.table->remove(name);
              self->monitor(engine);
              self->state.engines.insert_or_assign(name, engine);
            }
            self->state.table->update(status);
          },
          [self](status_atom) {
            return actor_status({.name = "router",
                                 .kind = "router",
                                 .parent = "supervisor",
                                 .mailbox_depth = self->mailbox().size(),
                                 .in_flight = self->state.table->in_flight(),
                                 .handled = self->state.table->decisions(),
                                 .noun = "decisions"});
          }};
}

}  // namespace tandem
