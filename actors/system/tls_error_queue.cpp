#include "actors/system/tls_error_queue.hpp"

#include <initializer_list>

#include <dlfcn.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace {

/// The function of this name behind ours.
template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

// The linker exports them from a program because CAF's library refers to them, and the loader finds
// the program's first.
extern "C" {

__attribute__((visibility("default"))) int SSL_read(SSL* ssl, void* buffer, int size) {
  static auto* const real = next<decltype(SSL_read)>("SSL_read");
  ERR_clear_error();
  return real(ssl, buffer, size);
}

__attribute__((visibility("default"))) int SSL_write(SSL* ssl, const void* buffer, int size) {
  static auto* const real = next<decltype(SSL_write)>("SSL_write");
  ERR_clear_error();
  return real(ssl, buffer, size);
}

__attribute__((visibility("default"))) int SSL_accept(SSL* ssl) {
  static auto* const real = next<decltype(SSL_accept)>("SSL_accept");
  ERR_clear_error();
  return real(ssl);
}

__attribute__((visibility("default"))) int SSL_connect(SSL* ssl) {
  static auto* const real = next<decltype(SSL_connect)>("SSL_connect");
  ERR_clear_error();
  return real(ssl);
}
}

namespace tandem {

bool tls_connections_are_apart() {
  for (const char* name : {"SSL_read", "SSL_write", "SSL_accept", "SSL_connect"})
    if (::dlsym(RTLD_DEFAULT, name) == nullptr || ::dlsym(RTLD_NEXT, name) == nullptr) return false;
  return ::dlsym(RTLD_DEFAULT, "SSL_read") == reinterpret_cast<void*>(&SSL_read) &&
         ::dlsym(RTLD_DEFAULT, "SSL_read") != ::dlsym(RTLD_NEXT, "SSL_read");
}

}  // namespace tandem
