#pragma once

#include <cstdint>
#include <memory>
#include <thread>

#include <caf/expected.hpp>

#include "actors/engine/backend.hpp"
#include "actors/engine/embedded/inference_server.hpp"
#include "actors/engine/engine_config.hpp"

namespace tandem {

/// Adapts the embedded inference server to the engine actor. Its weights are swapped in place: what
/// has begun goes on with the old ones.
class embedded_backend : public backend {
 public:
  /// `invalid_argument` names what is wrong with the file and how to mend it.
  [[nodiscard]] static caf::expected<std::unique_ptr<embedded_backend>> open(
      const engine_config& config, backend_sink sink);
  /// Waits for a load that is under way.
  ~embedded_backend() override;

  [[nodiscard]] progress start(generation_request request) override;
  progress cancel(std::uint64_t id) override;
  [[nodiscard]] backend_status status() const override;
  [[nodiscard]] weight_abilities abilities() const override;
  void change_weights(weight_step step, const weight_target& target,
                      std::function<void(weight_outcome)> done) override;

 private:
  embedded_backend(const engine_config& config, backend_sink sink);

  backend_sink sink_;
  embedded::inference_server server_;
  /// Loads; one at a time.
  std::thread loader_;
};

}  // namespace tandem
