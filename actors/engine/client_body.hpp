#pragma once

#include <cstdint>
#include <string_view>

#include "schema/attempt.capnp.h"

namespace tandem {

/// How many answers a client's own request makes a server write: the most of `n` and `best_of`. 1
/// where it says none, or is no JSON object: then the server refuses it.
[[nodiscard]] std::uint32_t completions_of(std::string_view client_body);

/// The same of an attempt; 1 of one that is not passed on.
[[nodiscard]] std::uint32_t completions_of(schema::Attempt::Reader attempt);

}  // namespace tandem
