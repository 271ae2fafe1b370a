#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include <caf/expected.hpp>

#include "actors/engine/backend.hpp"
#include "actors/engine/embedded/inference_server.hpp"
#include "actors/engine/engine_config.hpp"

namespace tandem {

/// Adapts the embedded inference server to the engine actor.
class embedded_backend : public backend {
 public:
  /// `invalid_argument` names what is wrong with the file and how to mend it.
  [[nodiscard]] static caf::expected<std::unique_ptr<embedded_backend>> open(
      const engine_config& config, backend_sink sink);

  [[nodiscard]] progress start(generation_request request) override;
  progress cancel(std::uint64_t id) override;
  [[nodiscard]] backend_status status() const override;

 private:
  embedded_backend(const engine_config& config, backend_sink sink);

  backend_sink sink_;
  embedded::inference_server server_;
};

}  // namespace tandem
