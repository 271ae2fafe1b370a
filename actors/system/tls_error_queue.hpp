#pragma once

namespace tandem {

/// Keeps the TLS connections of one process apart. OpenSSL's SSL_get_error looks at the thread's
/// error queue, which must therefore be empty before each operation (its manual says so); CAF
/// 0.17.6 runs all connections on one thread and never empties it, so that one peer that hangs up
/// without a goodbye, or sends rubbish, ends every other connection. Tandem's programs therefore
/// put their own SSL_read, SSL_write, SSL_accept and SSL_connect before OpenSSL's: the same calls,
/// behind an emptied queue.
/// False: CAF's calls do not come through here (it was linked in another way).
[[nodiscard]] bool tls_connections_are_apart();

}  // namespace tandem
