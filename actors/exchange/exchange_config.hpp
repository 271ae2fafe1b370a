#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tandem {

struct exchange_config {
  /// Of this node.
  std::uint64_t incarnation = 0;
  /// Those that this node has a `[[model]]` for: engines of others are not used.
  std::vector<std::string> models;
  /// `[cluster]`: attempts and bytes under way to one node.
  std::uint32_t peer_work_max = 1024;
  std::uint64_t peer_bytes_max = std::uint64_t{8} << 20;
  /// An offer to each peer at most this often.
  std::chrono::milliseconds offer_pause{5};
  /// A cancelled attempt that its owner says nothing of for as long is given up.
  std::chrono::milliseconds cancel_grace{std::chrono::seconds{10}};
  /// Ids of attempts begin here: above all that an earlier exchange of this incarnation gave.
  std::uint64_t first_id = 1;
};

}  // namespace tandem
