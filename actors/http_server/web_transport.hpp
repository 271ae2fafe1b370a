#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include <openssl/ssl.h>

namespace tandem {

/// Reads and writes one non-blocking TCP socket, with TLS or without. Does not own the socket.
/// OpenSSL sits on the socket itself: asio's ssl::stream holds 70 KB a connection, this about 10.
class web_transport {
 public:
  enum class result {
    done,
    /// Again when the socket can be read, or written.
    want_read,
    want_write,
    /// The other side sends nothing more.
    end,
    failed,
  };
  struct progress {
    std::size_t bytes = 0;
    result at = result::done;
  };

  /// `context`: null for no TLS; outlives it.
  web_transport(int socket, SSL_CTX* context);

  [[nodiscard]] bool is_tls() const { return tls_ != nullptr; }
  [[nodiscard]] result handshake();
  /// At least one byte, or why there is none.
  [[nodiscard]] progress read(char* to, std::size_t room);
  /// As much of these, in this order, as goes now.
  [[nodiscard]] progress write(std::span<const std::string_view> parts);
  /// Decrypted bytes that no event of the socket tells of.
  [[nodiscard]] bool has_pending() const;
  /// Says that nothing more comes.
  void finish();
  /// The kernel knows that the other side has closed or reset, though nobody has read so far.
  [[nodiscard]] bool is_closed_by_peer() const;
  [[nodiscard]] bool is_reset() const;

 private:
  struct free_ssl {
    void operator()(SSL* tls) const { SSL_free(tls); }
  };
  [[nodiscard]] result reason_of(int returned) const;
  [[nodiscard]] int tcp_state() const;

  int socket_;
  std::unique_ptr<SSL, free_ssl> tls_;
};

}  // namespace tandem
