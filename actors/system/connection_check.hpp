#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <caf/error.hpp>

#include "actors/system/tls_files.hpp"

namespace tandem {

/// Whom to try to reach, and as whom.
struct connection_target {
  std::string host;
  std::uint16_t port = 0;
  tls_files tls;
  /// Of each step: connecting to one of the host's addresses, each wait for an answer.
  std::chrono::milliseconds timeout{std::chrono::seconds{5}};
  /// Whoever connects: what an error says to do next depends on it.
  enum class side { client, node } from = side::client;
};

/// Does by hand what CAF would do, TCP and the TLS handshake, only to say why it fails: CAF answers
/// every failure with the same code, and waits minutes for an address that answers nothing.
/// `unavailable`: nobody listens, or it does not speak TLS. `not_authenticated`: one side does not
/// accept the other's certificate. Blocks.
[[nodiscard]] caf::error check_connection(const connection_target& target);

}  // namespace tandem
