#pragma once

#include <cstdint>
#include <functional>

#include "schema/attempt.capnp.h"

namespace tandem {

/// Names one attempt for ever: attempts of a job are numbered.
struct fence_key {
  std::uint64_t journal = 0;
  std::uint64_t job = 0;
  std::uint32_t attempt = 0;

  explicit fence_key(schema::Fence::Reader fence)
      : journal{fence.getJob().getJournal()},
        job{fence.getJob().getNumber()},
        attempt{fence.getAttempt()} {}

  friend bool operator==(const fence_key&, const fence_key&) = default;
};

}  // namespace tandem

template <>
struct std::hash<tandem::fence_key> {
  std::size_t operator()(const tandem::fence_key& key) const noexcept {
    return (key.journal ^ key.job * 0x9E3779B97F4A7C15ull) + key.attempt * 0xC2B2AE3D27D4EB4Full;
  }
};
