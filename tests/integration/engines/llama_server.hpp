#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/child_process.hpp"

namespace tandem::test {

/// TANDEM_LLAMA_SERVER, or what scripts/engines.sh installed; nothing when there is neither.
[[nodiscard]] std::optional<std::filesystem::path> find_llama_server();
/// TANDEM_REAL_ENGINES=1, as CI sets it: without a server these tests fail.
[[nodiscard]] bool must_have_llama_server();

/// One of the models that come with Tandem.
[[nodiscard]] std::filesystem::path model_file(std::string_view name);

/// A real llama-server as a process of the test's own, on a free port.
class llama_server {
 public:
  /// Precondition: find_llama_server(). Does not wait.
  explicit llama_server(std::filesystem::path gguf, unsigned slots = 4);

  /// Whether it listens with its model loaded.
  [[nodiscard]] bool wait_ready(std::chrono::milliseconds limit = std::chrono::seconds{60});
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] child_process& process() { return *process_; }
  /// On the same port; the old one is killed first.
  void restart();

 private:
  std::filesystem::path gguf_;
  unsigned slots_;
  std::uint16_t port_;
  std::unique_ptr<child_process> process_;
};

}  // namespace tandem::test
