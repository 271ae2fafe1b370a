#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace tandem {

/// `[etcd]` in the config file.
struct etcd_config {
  /// `http://host:port` or `https://…` of some or all members; empty: there is no etcd.
  std::vector<std::string> endpoints;
  /// Authorities that the members' certificates are checked against; empty: the system's.
  std::filesystem::path ca_file;
  /// This node's certificate for etcd and its key, as PEM; empty: none.
  std::filesystem::path cert_file;
  std::filesystem::path key_file;
  /// Empty: without a password.
  std::string user;
  std::filesystem::path password_file;
  /// Of one call, all tries together.
  std::chrono::milliseconds timeout{3000};
};

}  // namespace tandem
