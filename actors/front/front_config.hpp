#pragma once

#include <chrono>
#include <cstdint>

namespace tandem {

struct front_config {
  /// Requests under way to one other node; more are `overloaded`.
  std::uint32_t peer_requests_max = 4096;
  /// How long a list waits for the journals of other nodes; what has not answered is named.
  std::chrono::milliseconds list_patience{std::chrono::seconds{2}};
  /// Lists and purges under way at once; more are `overloaded`.
  std::uint32_t rounds_max = 1024;
  /// Submissions with a client key under way at once; more are `overloaded`.
  std::uint32_t keys_max = 4096;
};

}  // namespace tandem
