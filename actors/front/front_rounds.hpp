#pragma once

// What the requests to all journals have in common; included by front's sources only.

#include <string>

#include "actors/front/front.hpp"
#include "schema/errc.hpp"

namespace tandem {

/// `overloaded`: `rounds_max` are under way already.
[[nodiscard]] inline caf::error too_many(const front_config& config) {
  return make_error(errc::overloaded,
                    std::to_string(config.rounds_max) +
                        " lists, purges and sums of the whole cluster are under way already; ask "
                        "again later");
}

/// Asks whoever has the journal open; false: nobody has.
template <class Reply, class Verb, class Message, class Then, class Fail>
bool ask_home(front_state::pointer self, std::uint64_t journal, Verb verb, const Message& request,
              Then then, Fail fail) {
  auto& state = self->state;
  if (const auto* planner = state.local(journal)) {
    self->request(*planner, caf::infinite, verb, request).then(then, fail);
    return true;
  }
  const auto* home = state.home(journal);
  if (home == nullptr) return false;
  self->request(home->link, caf::infinite, verb, journal, request).then(then, fail);
  return true;
}

}  // namespace tandem
