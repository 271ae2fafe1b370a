#pragma once

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include "actors/atoms.hpp"
#include "schema/types.hpp"

namespace tandem {

/// One a node: looks at it again and again, and says what is wrong. Nobody asks it anything but how
/// it does; what it finds is in the alarm_book.
using alarm_watch_actor = caf::typed_actor<caf::replies_to<status_atom>::with<tmsg::actstat>>;

}  // namespace tandem
