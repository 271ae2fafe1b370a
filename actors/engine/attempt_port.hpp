#pragma once

#include <cstdint>

#include <caf/actor.hpp>
#include <caf/actor_addr.hpp>
#include <caf/fwd.hpp>

#include "actors/engine/engine_actor.hpp"

namespace tandem {

/// Sends attempts to engines for an actor that has thousands of them under way, which is what
/// request() is not for: CAF 0.17 looks through all open requests of an actor when it sends one and
/// when a reply comes. Here replies come as messages, which the actor takes as
/// `(done_atom, number, attres)`, or as `(done_atom, number, error)` where the engine has ended
/// without one.
class attempt_port {
 public:
  attempt_port() = default;
  /// Replies go to `owner` for as long as it lives; they do not keep it alive.
  explicit attempt_port(caf::local_actor* owner);

  /// `number` is the owner's own: not 0, below 2^60, and never of two at once.
  void send(caf::local_actor* owner, std::uint64_t number, const engine_actor& engine,
            const tmsg::attempt& attempt, const tmsg::decisn& decision,
            const chunk_sink& sink) const;

  /// Whether the message that says `done_atom` is a reply: other nodes may know the owner too.
  [[nodiscard]] bool is_from_it(const caf::strong_actor_ptr& sender) const;

 private:
  caf::actor port_;
};

}  // namespace tandem
