#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace tandem {

/// Owns the descriptor of a TCP connection.
class tcp_socket {
 public:
  tcp_socket() = default;
  explicit tcp_socket(int descriptor) : descriptor_{descriptor} {}
  tcp_socket(tcp_socket&& other) noexcept : descriptor_{other.release()} {}
  tcp_socket& operator=(tcp_socket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~tcp_socket();

  /// -1: none.
  [[nodiscard]] int descriptor() const { return descriptor_; }
  /// Whoever calls this has to close it.
  [[nodiscard]] int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_ = -1;
};

struct tcp_connection {
  tcp_socket socket;
  /// Why there is none, in words; empty: there is one.
  std::string problem;
};

/// Connects to the first address of the host that answers. `timeout`: of each address; and then of
/// each read and write, which block. Looking the name up takes as long as the system's resolver
/// allows.
[[nodiscard]] tcp_connection connect_tcp(const std::string& host, std::uint16_t port,
                                         std::chrono::milliseconds timeout);

}  // namespace tandem
