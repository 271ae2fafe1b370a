#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tandem {

/// `[cluster]` in the config file.
struct cluster_config {
  /// Nodes of another name are refused.
  std::string name = "tandem";
  /// `host:port` of nodes that may be up already; any one of them is enough. Empty: it starts alone
  /// and waits for others to join it.
  std::vector<std::string> join;
  /// Where other nodes reach this one; empty: where it listens.
  std::string advertise;
  std::chrono::milliseconds heartbeat{500};
  /// Not heard of for as long: `suspect`, and `gone`.
  std::chrono::milliseconds suspect_after{1500};
  std::chrono::milliseconds gone_after{3000};
  /// Nodes that are gone or have left and own no journal are forgotten.
  std::chrono::milliseconds forget_after{std::chrono::minutes{10}};
  std::uint32_t members_max = 1024;
  /// Attempts and bytes under way to one node; what is more waits, then goes elsewhere.
  std::uint32_t peer_work_max = 1024;
  std::uint64_t peer_bytes_max = std::uint64_t{8} << 20;
};

}  // namespace tandem
