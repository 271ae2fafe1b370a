#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace tandem {

/// `[weights]` in the config file.
struct weight_config {
  /// Empty: `weights` in the data folder.
  std::filesystem::path folder;
  /// Where other nodes get chunks; port 0: any. Host empty: that of node.listen.
  std::string host;
  std::uint16_t port = 0;
  /// `host:port` where others reach that; empty: the node's advertised host and the port.
  std::string advertise;
  /// Bytes a second, all transfers together; 0: no limit.
  std::uint64_t upload_rate = 0;
  std::uint64_t download_rate = 0;
  /// Of all versions on this node; and what must stay free on the disk.
  std::uint64_t disk_max = std::uint64_t{4} << 40;
  std::uint64_t disk_free_min = std::uint64_t{1} << 30;
  /// Copies of versions of one model that a node keeps, beside those in use.
  std::uint32_t keep = 3;
  /// Differences are sent where a node has another version of the model.
  bool differences = true;
  /// How long engines wait, after a start, to hear from others what they are to serve.
  std::chrono::milliseconds catch_up{std::chrono::seconds{5}};
};

}  // namespace tandem
