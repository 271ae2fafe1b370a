// Calls whose last user text is turned into numbers by a server before they are decided. A call
// waits at most as long as the server may take, and others are decided meanwhile.

#include <memory>
#include <utility>

#include <caf/send.hpp>

#include "actors/router/router.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// More are decided without.
constexpr std::size_t waiting_max = 4096;

std::string_view last_user_text(schema::Attempt::Reader attempt) {
  std::string_view last;
  std::string_view of_user;
  for (auto message : attempt.getMessages()) {
    last = view(message.getContent());
    if (message.getRole() == schema::Role::USER) of_user = last;
  }
  return of_user.empty() ? last : of_user;
}

}  // namespace

void router_state::with_embedding(pointer self, schema::Attempt::Reader attempt,
                                  std::function<void(std::span<const float>)> decide) {
  auto text = last_user_text(attempt);
  if (text.empty() || waiting.size() >= waiting_max) return decide({});
  auto call = next_waiting++;
  auto slot = std::make_shared<embedding_slot>();
  embeddings->embed(text, [slot, call, to = router_inside{self}](caf::expected<embedding> got) {
    if (got) slot->value = std::move(*got);
    // Called before anybody waits: the caller looks itself.
    if (slot->now.exchange(embedding_slot::full) == embedding_slot::awaited)
      caf::anon_send(to, embed_atom_v, call, true);
  });
  if (slot->now.exchange(embedding_slot::awaited) == embedding_slot::full)
    return decide(slot->value ? std::span<const float>{*slot->value} : std::span<const float>{});
  waiting.emplace(call, waiting_call{std::move(slot), std::move(decide)});
  // The client keeps its time itself; this is for one that does not.
  self->delayed_send(self, embeddings->config().timeout, embed_atom_v, call, false);
}

void router_state::on_embedding(std::uint64_t call, bool arrived) {
  auto found = waiting.find(call);
  if (found == waiting.end()) return;
  auto of = std::move(found->second);
  waiting.erase(found);
  // The slot is only looked into when it is full: another thread writes it.
  if (arrived && of.slot->value)
    of.decide(*of.slot->value);
  else
    of.decide({});
}

void router_state::decide_all() {
  while (!waiting.empty()) on_embedding(waiting.begin()->first, false);
}

caf::typed_response_promise<tmsg::decisn, engine_actor> router_state::route_later(
    pointer self, const tmsg::rtqry& query, const tmsg::attempt& attempt) {
  auto promise = self->make_response_promise<tmsg::decisn, engine_actor>();
  auto to = std::make_shared<promised<tmsg::decisn, engine_actor>>(promise);
  with_embedding(self, *attempt.read(), [self, to, query, attempt](std::span<const float> known) {
    auto& state = self->state;
    auto routed = state.table->route(*query.read(), *attempt.read(), state.now_ms(), known);
    if (!routed) {
      to->promise.deliver(std::move(routed.error()));
      return;
    }
    state.tell_load(self, routed->engine);
    to->promise.deliver(std::move(routed->decision),
                        state.engines.find(routed->engine)->second.handle);
  });
  return promise;
}

caf::typed_response_promise<tmsg::decisn> router_state::choose_way_later(
    pointer self, const tmsg::attempt& attempt) {
  auto promise = self->make_response_promise<tmsg::decisn>();
  auto to = std::make_shared<promised<tmsg::decisn>>(promise);
  with_embedding(self, *attempt.read(), [self, to, attempt](std::span<const float> known) {
    auto way = self->state.table->choose_way(*attempt.read(), self->state.now_ms(), known);
    if (way)
      to->promise.deliver(std::move(*way));
    else
      to->promise.deliver(std::move(way.error()));
  });
  return promise;
}

}  // namespace tandem
