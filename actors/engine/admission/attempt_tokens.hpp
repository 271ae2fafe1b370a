#pragma once

#include <cstdint>

#include "schema/attempt.capnp.h"

namespace tandem {

/// About how many tokens an attempt reads and writes: what its turn in a line is measured in. 4
/// bytes a token is usual for English text; what it may write counts whole.
[[nodiscard]] inline std::uint64_t estimated_tokens(schema::Attempt::Reader attempt) {
  std::uint64_t bytes = attempt.getPlanError().size() + attempt.getFinished().size();
  for (auto message : attempt.getMessages()) bytes += message.getContent().size();
  return bytes / 4 + attempt.getMaxTokens();
}

}  // namespace tandem
