#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <unordered_map>

#include "actors/engine/backend.hpp"
#include "actors/engine/engine_config.hpp"
#include "actors/engine/sim/paced_calls.hpp"
#include "actors/engine/sim/sim_directive.hpp"
#include "actors/engine/sim/sim_weights.hpp"

namespace tandem {

/// A model of an engine instead of an engine: time, cost, prefix cache, quality and faults by a
/// simple calibrated formula (sim_config), deterministic under a seed. It does not wait: it says
/// for how long to. What it writes says that it is simulated, except where a directive words the
/// reply; with weights that have a name it says that too, and `{version}` in a worded reply is
/// replaced by it.
class sim_backend : public backend {
 public:
  /// Without a sink nothing is streamed, and every end is returned.
  /// Without `now` it has no clock, and times are as exact as a slice: see paced_calls.
  explicit sim_backend(const engine_config& config, backend_sink sink = {},
                       std::function<std::chrono::steady_clock::time_point()> now = {});

  [[nodiscard]] progress start(generation_request request) override;
  [[nodiscard]] progress resume(std::uint64_t id) override;
  progress cancel(std::uint64_t id) override;
  [[nodiscard]] backend_status status() const override;
  [[nodiscard]] weight_abilities abilities() const override;
  void change_weights(weight_step step, const weight_target& target,
                      std::function<void(weight_outcome)> done) override;

 private:
  [[nodiscard]] paced_call answer(const generation_request& request, const sim_directive& wish);
  /// Whether the directive's faults hold for this call.
  [[nodiscard]] bool faulty(const std::string& prompt, const sim_directive& wish);
  [[nodiscard]] bool strikes(double rate);
  /// Why the call is refused, as a result; code `unknown`: it is not.
  [[nodiscard]] generation refusal(const sim_directive& wish, bool faulty,
                                   std::uint64_t prompt_tokens);
  void break_off(paced_call& call, const sim_directive& wish, bool faulty);
  [[nodiscard]] std::string text_for(const generation_request& request, const sim_directive& wish,
                                     bool faulty);
  [[nodiscard]] std::string plan_text() const;
  [[nodiscard]] std::string worded(const sim_directive& wish) const;
  [[nodiscard]] std::string wrong(const std::string& text) const;

  sim_config config_;
  sim_weights weights_;
  std::mt19937_64 random_;
  paced_calls calls_;
  /// Calls seen of each prompt with `fail_first`; bounded.
  std::unordered_map<std::string, std::uint32_t> failures_;
};

}  // namespace tandem
