#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "actors/system/tls_files.hpp"

namespace tandem::test {

/// TLS in front of a server that speaks none: takes connections on a loopback address and carries
/// their bytes to a port of 127.0.0.1 and back. Throws when it cannot start.
class tls_front {
 public:
  /// Shows the certificate of `files`; asks for none.
  tls_front(const tls_files& files, std::uint16_t to_port, const std::string& address);
  /// Ends its connections.
  ~tls_front();
  tls_front(const tls_front&) = delete;
  tls_front& operator=(const tls_front&) = delete;

  /// https://ADDRESS:PORT
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  struct context;

  void accept_all();
  void carry(int client) const;

  std::unique_ptr<context> context_;
  std::uint16_t to_port_;
  int listener_ = -1;
  std::string url_;
  std::mutex mutex_;
  bool ending_ = false;
  std::list<std::pair<int, std::thread>> connections_;
  std::thread acceptor_;
};

}  // namespace tandem::test
