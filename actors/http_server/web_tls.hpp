#pragma once

#include <filesystem>
#include <memory>

#include <openssl/ssl.h>
#include <sys/stat.h>

#include <caf/expected.hpp>

namespace tandem {

/// What the server shows: TLS 1.2 or later, HTTP/1.1 by ALPN, no certificate of the client. A
/// certificate that is renewed (by rename) is shown on the next connection; one that cannot be used
/// leaves the old one. Used by one thread at a time.
class web_tls {
 public:
  using context_ptr = std::shared_ptr<SSL_CTX>;

  /// `not_authenticated`, with what is wrong with which file.
  [[nodiscard]] static caf::expected<web_tls> open(std::filesystem::path certificate,
                                                   std::filesystem::path key);
  [[nodiscard]] context_ptr current();

 private:
  struct stamp {
    ino_t inode = 0;
    timespec changed{};
  };
  web_tls(std::filesystem::path certificate, std::filesystem::path key);
  [[nodiscard]] caf::expected<context_ptr> make() const;
  [[nodiscard]] stamp stamp_now() const;

  std::filesystem::path certificate_, key_;
  stamp seen_;
  context_ptr context_;
};

}  // namespace tandem
