#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>

#include "actors/engine/backend.hpp"
#include "actors/engine/engine_config.hpp"

namespace tandem {

/// What a prompt may ask of a simulated engine: a JSON object behind the word `@sim`, to the end of
/// the line.
///   @sim {"reply":"42","ms":120,"error":"engine_failed","fail_first":2,"cut":true}
struct sim_directive {
  /// The text to answer with.
  std::string reply;
  bool has_reply = false;
  /// How long the call takes; negative: as the profile says.
  double ms = -1;
  /// The call fails with this error; with `fail_first`, only its first so many calls do.
  errc error = errc::unknown;
  std::uint32_t fail_first = 0;
  /// The reply is cut at its token limit.
  bool cut = false;
  /// Why the directive is not usable; empty: it is, or there is none.
  std::string problem;
};

[[nodiscard]] sim_directive parse_sim_directive(std::string_view prompt);

/// A model of an engine instead of an engine: time, cost and errors by a simple calibrated formula,
/// deterministic under a seed. No clock: it says how long a call takes. What it writes says that it
/// is simulated, except where a directive words the reply.
class sim_backend : public backend {
 public:
  explicit sim_backend(const engine_config& config);

  [[nodiscard]] progress start(generation_request request) override;
  [[nodiscard]] progress resume(std::uint64_t id) override;
  progress cancel(std::uint64_t id) override;
  [[nodiscard]] backend_status status() const override;

 private:
  [[nodiscard]] generation answer(const generation_request& request, const sim_directive& wish);
  [[nodiscard]] std::string plan_text() const;

  sim_config config_;
  std::string weight_version_;
  std::mt19937_64 random_;
  std::unordered_map<std::uint64_t, generation> running_;
  /// Calls seen of each prompt with `fail_first`; bounded.
  std::unordered_map<std::string, std::uint32_t> failures_;
};

}  // namespace tandem
