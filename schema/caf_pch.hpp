#pragma once

// Precompiled once and shared by every target that includes CAF or the schema (2 to 3 s of each
// translation unit otherwise).

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/expected.hpp>
#include <caf/response_promise.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <simdjson.h>

#include "schema/errc.hpp"
#include "schema/journal.capnp.h"
#include "schema/types.hpp"
