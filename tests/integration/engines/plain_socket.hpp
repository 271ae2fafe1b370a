#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::test {

/// A blocking connection to 127.0.0.1 that speaks bytes; each read ends after ten seconds.
class plain_socket {
 public:
  /// Throws when nobody listens.
  explicit plain_socket(std::uint16_t port);
  ~plain_socket();
  plain_socket(const plain_socket&) = delete;
  plain_socket& operator=(const plain_socket&) = delete;

  void send(std::string_view bytes);
  /// A whole chat request of this body.
  void ask(std::string_view body, std::string_view more_headers = {});
  void get(std::string_view path);
  /// Until `end` is what came last, or the connection ends; what came.
  [[nodiscard]] std::string read_to(std::string_view end);
  /// Until the connection ends.
  [[nodiscard]] std::string read_all();
  /// Whether the last read ended in a reset.
  [[nodiscard]] bool was_reset() const { return reset_; }
  void close();

 private:
  int fd_ = -1;
  bool reset_ = false;
};

}  // namespace tandem::test
