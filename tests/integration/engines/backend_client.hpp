#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/engine/http/http_backend.hpp"
#include "tests/support/stub_engine.hpp"

namespace tandem::test {

/// An `http` engine's backend on its own, as an engine actor would hold it. Waits end after twenty
/// seconds with an exception.
class backend_client {
 public:
  explicit backend_client(const engine_config& config);
  backend_client(const backend_client&) = delete;
  backend_client& operator=(const backend_client&) = delete;

  /// Asks, and waits for the end. The id is set here.
  generation ask(generation_request request);
  /// The id.
  std::uint64_t start(generation_request request);
  generation wait(std::uint64_t id);
  /// What on_text told so far.
  [[nodiscard]] std::string told(std::uint64_t id);
  /// Until `seen` is true of the status; the status.
  backend_status wait_status(const std::function<bool(const backend_status&)>& seen);
  [[nodiscard]] std::vector<engine_check> probe();
  [[nodiscard]] backend& object() { return *backend_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, std::string> texts_;
  std::map<std::uint64_t, generation> ended_;
  std::uint64_t ids_ = 0;
  std::shared_ptr<http_loop> loop_;
  std::unique_ptr<http_backend> backend_;
};

/// Of an engine `e` whose server is the stub; probes often.
[[nodiscard]] engine_config engine_at(const stub_engine& stub);

/// One user message, at most 64 tokens.
[[nodiscard]] generation_request question(std::string text = "add 12 7");

}  // namespace tandem::test
