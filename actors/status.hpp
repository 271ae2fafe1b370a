#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "schema/text.hpp"
#include "schema/types.hpp"

namespace tandem {

/// What an actor says of itself when the supervisor asks. Texts are literals or std::strings.
struct actor_figures {
  std::string_view name;
  std::string_view kind;
  std::string_view parent;
  std::size_t mailbox_depth = 0;
  std::size_t in_flight = 0;
  std::size_t queued = 0;
  std::uint64_t handled = 0;
  /// What `handled` counts.
  std::string_view noun;
  std::string_view state = "ok";
  std::string_view last_error{};
};

[[nodiscard]] inline tmsg::actstat actor_status(const actor_figures& figures) {
  message_builder<schema::ActorStatus> status;
  status->setName(text(figures.name));
  status->setKind(text(figures.kind));
  status->setParent(text(figures.parent));
  status->setMailboxDepth(static_cast<std::uint32_t>(figures.mailbox_depth));
  status->setInFlight(static_cast<std::uint32_t>(figures.in_flight));
  status->setQueued(static_cast<std::uint32_t>(figures.queued));
  status->setHandled(figures.handled);
  status->setNoun(text(figures.noun));
  status->setState(text(figures.state));
  status->setLastError(text(figures.last_error));
  return status.finish();
}

}  // namespace tandem
