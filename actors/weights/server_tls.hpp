#pragma once

#include <filesystem>
#include <memory>
#include <mutex>

#include <sys/stat.h>

#include <boost/asio/ssl/context.hpp>
#include <caf/expected.hpp>

#include "actors/system/tls_files.hpp"

namespace tandem {

/// What a server shows and demands on its connections: TLS 1.2 or later, AES-GCM, a certificate of
/// the cluster's authority. Certificates are renewed by rename: the next connection gets the new
/// one. Used by one thread at a time.
class server_tls {
 public:
  using context_ptr = std::shared_ptr<boost::asio::ssl::context>;

  /// `not_authenticated`, with what is wrong with the files.
  [[nodiscard]] static caf::expected<server_tls> open(tls_files files);
  /// For the next connection. Files that cannot be used leave it as it was.
  [[nodiscard]] context_ptr current();

 private:
  struct stamp {
    ino_t inode = 0;
    timespec changed{};
  };
  explicit server_tls(tls_files files) : files_{std::move(files)} {}
  [[nodiscard]] static caf::expected<context_ptr> make(const tls_files& files);
  [[nodiscard]] stamp stamp_now() const;

  tls_files files_;
  stamp seen_;
  context_ptr context_;
};

}  // namespace tandem
