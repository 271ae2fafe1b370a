#pragma once

#include <cstdint>
#include <string_view>

#include "actors/cache/cache_key.hpp"
#include "schema/attempt.capnp.h"
#include "schema/decision.capnp.h"

namespace tandem {

/// Under what the answer to one call is kept. All that the answer depends on is in it: tenant,
/// model, weights, templates, sampling, limits, check and every message, each with its length, so
/// that no text can be made that gives another's key.
struct attempt_key {
  cache_key key;
  /// The same without the weights.
  std::uint64_t variant = 0;
  /// Of a plan: the same without the last message, the goal. Near plans are looked for within it.
  std::uint64_t place = 0;
};

[[nodiscard]] attempt_key key_of(schema::Attempt::Reader attempt,
                                 schema::Decision::Reader decision);

/// Why an answer to this call is neither looked up nor kept; empty: it may be. `sampled`: calls at
/// a temperature above 0 are cached too.
[[nodiscard]] std::string_view why_not_cached(schema::Attempt::Reader attempt, bool sampled);

}  // namespace tandem
