#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include <caf/actor_system_config.hpp>
#include <caf/expected.hpp>

#include "actors/system/tls_files.hpp"

namespace tandem {

/// What differs between the actor system of a node and that of a client.
struct system_settings {
  /// Worker threads; 0: as many as cores. A client needs 1 or 2.
  std::uint32_t threads = 0;
  /// Present: may talk to other processes, over mutual TLS with these files. Absent: this process
  /// only.
  std::optional<tls_files> network;
  /// A peer that is silent for `connection_timeout` is given up.
  std::chrono::milliseconds heartbeat{500};
  std::chrono::milliseconds connection_timeout{3000};
};

/// CAF's configuration of every Tandem process: set in code, never by `parse`, which would read a
/// stray `caf-application.ini`. Knows the message types of schema/types.hpp and renders Tandem's
/// errors.
class system_config : public caf::actor_system_config {
 public:
  /// `not_authenticated` when the TLS files would not do (see `check_certificate_files`): CAF would
  /// otherwise fall back to an anonymous cipher. Must outlive the actor system made from it.
  [[nodiscard]] static caf::expected<std::unique_ptr<system_config>> make(
      const system_settings& settings);

 private:
  explicit system_config(const system_settings& settings);
};

}  // namespace tandem
