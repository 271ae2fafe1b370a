#pragma once

#include <cstdint>
#include <string>

namespace tandem::test {

/// A port of loopback on which nothing listens, of this process alone until it ends, so that what
/// listens on it can be stopped and started again. It lies below the range of outgoing connections
/// and of servers that listen on port 0 (32768, net.ipv4.ip_local_port_range). Throws when there is
/// none.
[[nodiscard]] std::uint16_t free_port();

/// 127.0.0.1 with such a port.
[[nodiscard]] std::string free_address();

}  // namespace tandem::test
