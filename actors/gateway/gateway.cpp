#include "actors/gateway/gateway.hpp"

#include <chrono>
#include <utility>

#include <caf/send.hpp>

#include "actors/status.hpp"

namespace tandem {
namespace {

constexpr std::chrono::seconds tick{1};

}  // namespace

bool gateway_box::post(std::function<void(gateway_pointer)> run) const {
  gateway_inside to;
  {
    std::lock_guard lock{mutex_};
    to = gateway_;
  }
  if (!to) return false;
  caf::anon_send(to, call_atom_v, gateway_task{std::move(run)});
  return true;
}

void gateway_state::add_stream(gateway_pointer self, std::uint64_t number,
                               std::shared_ptr<live_stream> stream) {
  streams.insert_or_assign(number, std::move(stream));
  if (std::exchange(is_ticking, true)) return;
  self->delayed_send(self, tick, wake_atom_v);
}

gateway_inside::behavior_type gateway_behavior(gateway_pointer self) {
  return {[self](status_atom) {
            const auto& state = self->state;
            return actor_status({.name = "gateway",
                                 .kind = "gateway",
                                 .parent = "supervisor",
                                 .mailbox_depth = self->mailbox().size(),
                                 .in_flight = state.open,
                                 .handled = state.handled,
                                 .noun = "requests"});
          },
          [self](call_atom, const gateway_task& task) {
            ++self->state.handled;
            task.run(self);
          },
          [self](chunk_atom, const tmsg::chunk& chunk) {
            auto reader = chunk.read();
            auto found = self->state.streams.find(reader->getFence().getJob().getNumber());
            if (found == self->state.streams.end()) return;
            // It may end itself.
            auto keep = found->second;
            keep->on_chunk(self, *reader);
          },
          [self](wake_atom) {
            auto& state = self->state;
            state.is_ticking = !state.streams.empty();
            if (!state.is_ticking) return;
            for (const auto& [number, stream] : state.streams) stream->on_tick();
            self->delayed_send(self, tick, wake_atom_v);
          },
          [self](wire_atom, const executor_pool_actor& pool) { self->state.pool = pool; },
          [self](wire_atom, const planner_actor& front) { self->state.front = front; },
          [self](wire_atom, const supervisor_actor& supervisor) {
            self->state.supervisor = supervisor;
          }};
}

}  // namespace tandem
