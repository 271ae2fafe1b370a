#pragma once

#include <memory>
#include <string>

#include <caf/expected.hpp>

#include "actors/engine/backend.hpp"
#include "actors/engine/engine_config.hpp"
#include "actors/engine/replay/recorded_answers.hpp"
#include "actors/engine/sim/paced_calls.hpp"

namespace tandem {

/// Answers with what a real model once answered, found by the last user message; a prompt that was
/// not recorded is `invalid_argument`. Its answers are real, its times and token counts are not:
/// they come from [engine.sim]'s profile and from 4 bytes a token, so status().simulated is true
/// and jobs say so.
class replay_backend : public backend {
 public:
  /// `invalid_argument` names what is wrong with the file and how to mend it.
  [[nodiscard]] static caf::expected<std::unique_ptr<replay_backend>> open(
      const engine_config& config, backend_sink sink,
      std::function<std::chrono::steady_clock::time_point()> now = {});

  [[nodiscard]] progress start(generation_request request) override;
  [[nodiscard]] progress resume(std::uint64_t id) override;
  progress cancel(std::uint64_t id) override;
  [[nodiscard]] backend_status status() const override;

 private:
  replay_backend(const engine_config& config, recorded_answers answers, backend_sink sink,
                 std::function<std::chrono::steady_clock::time_point()> now);

  std::string weight_version_;
  std::uint32_t context_tokens_;
  recorded_answers answers_;
  paced_calls calls_;
};

}  // namespace tandem
