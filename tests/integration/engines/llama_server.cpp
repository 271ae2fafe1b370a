#include "tests/integration/engines/llama_server.hpp"

#include <cstdlib>

#include "tests/support/free_port.hpp"

namespace tandem::test {

std::optional<std::filesystem::path> find_llama_server() {
  const auto* named = std::getenv("TANDEM_LLAMA_SERVER");
  std::filesystem::path path =
      named != nullptr && *named != '\0' ? named : TANDEM_SOURCE_DIR "/build/engines/llama-server";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::nullopt;
  return path;
}

bool must_have_llama_server() {
  const auto* value = std::getenv("TANDEM_REAL_ENGINES");
  return value != nullptr && std::string_view{value} == "1";
}

std::filesystem::path model_file(std::string_view name) {
  return std::filesystem::path{TANDEM_SOURCE_DIR "/config/models"} / name;
}

llama_server::llama_server(std::filesystem::path gguf, unsigned slots)
    : gguf_{std::move(gguf)}, slots_{slots}, port_{free_port()} {
  restart();
}

void llama_server::restart() {
  process_.reset();
  child_options options;
  options.program = find_llama_server().value();
  options.arguments = {"-m",       gguf_.string(),
                       "--host",   "127.0.0.1",
                       "-np",      std::to_string(slots_),
                       "--port",   std::to_string(port_),
                       "-c",       std::to_string(slots_ * 1024),
                       "-t",       "1",
                       "--metrics"};
  process_ = std::make_unique<child_process>(std::move(options));
}

bool llama_server::wait_ready(std::chrono::milliseconds limit) {
  return process_->wait_text("listening on http", limit);
}

std::string llama_server::url() const {
  return "http://127.0.0.1:" + std::to_string(port_);
}

}  // namespace tandem::test
