#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>

#include <caf/expected.hpp>

#include "actors/engine/backend.hpp"
#include "actors/engine/engine_config.hpp"

namespace tandem {

class http_loop;
class tracer;

/// What the backends of one node share.
struct backend_services {
  /// The node's one event loop for HTTP.
  std::shared_ptr<http_loop> http;
  /// Logs and process files of managed engines go below it.
  std::filesystem::path data_folder;
  /// Null: nothing is traced.
  std::shared_ptr<tracer> trace = {};
  /// What time it is, for what is simulated; null: an engine actor's own clock.
  std::function<std::chrono::steady_clock::time_point()> now = {};
};

/// The backend that `config.kind` names; `invalid_argument` says which kinds there are, or what is
/// wrong with its files.
[[nodiscard]] caf::expected<std::unique_ptr<backend>> make_backend(const engine_config& config,
                                                                   const backend_services& services,
                                                                   backend_sink sink);

}  // namespace tandem
