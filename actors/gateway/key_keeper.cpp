#include "actors/gateway/key_keeper.hpp"

#include <chrono>

#include <spdlog/spdlog.h>
#include <caf/send.hpp>

#include "actors/clock.hpp"
#include "actors/status.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

constexpr std::chrono::seconds save_interval{1};

void save(key_office& office) {
  if (auto err = office.save_use(unix_ms()))
    spdlog::warn("what API keys have used is not saved reason=\"{}\"", message_of(err));
}

}  // namespace

key_keeper_state::~key_keeper_state() {
  if (office) save(*office);
}

void key_keeper_state::tell(pointer self, const gateway_actor& to,
                            const std::vector<tmsg::keynews>& news) const {
  for (const auto& each : news) self->send(to, key_atom_v, each);
}

void key_keeper_state::tell_all(pointer self) {
  auto news = office->news_since_last();
  for (const auto& [incarnation, other] : others) tell(self, other, news);
}

key_keeper_inside::behavior_type key_keeper_behavior(key_keeper_state::pointer self,
                                                     std::shared_ptr<key_office> office) {
  self->state.office = std::move(office);
  self->delayed_send(self, save_interval, save_atom_v);
  return {[self](key_atom, const tmsg::keycmd& command) -> caf::result<tmsg::keyrpt> {
            auto& state = self->state;
            ++state.handled;
            auto report = state.office->handle(command, unix_ms());
            state.tell_all(self);
            if (!report) return std::move(report.error());
            return std::move(*report);
          },
          [self](key_atom, const tmsg::keynews& news) {
            auto& state = self->state;
            auto taken = state.office->take(news);
            if (!taken)
              spdlog::warn("API keys of another node are not saved reason=\"{}\"",
                           message_of(taken.error()));
            state.tell_all(self);
          },
          [self](status_atom) {
            return actor_status({.name = "keys",
                                 .kind = "keys",
                                 .parent = "supervisor",
                                 .mailbox_depth = self->mailbox().size(),
                                 .handled = self->state.handled,
                                 .noun = "commands"});
          },
          [self](member_atom, const tmsg::member& member, const peer_handles& handles) {
            auto& state = self->state;
            auto incarnation = member.read()->getIncarnation();
            if (!handles.gateway) {
              state.others.erase(incarnation);
              return;
            }
            auto& known = state.others[incarnation];
            auto other = caf::actor_cast<gateway_actor>(handles.gateway);
            if (known == other) return;
            known = other;
            state.tell(self, other, state.office->news());
          },
          [self](save_atom) {
            save(*self->state.office);
            self->delayed_send(self, save_interval, save_atom_v);
          }};
}

}  // namespace tandem
