#pragma once

#include <cstddef>
#include <vector>

#include "actors/engine/engine_config.hpp"
#include "actors/engine/sim/pace.hpp"

namespace tandem {

/// Engines that compute one batch after another (vLLM, SGLang, llama.cpp, the embedded one): each
/// step gives every call that writes one token, and reads up to `prefill_chunk` prompt tokens,
/// first come, first served. A step takes
///   (per_token - per_token_batch) + per_token_batch × writers + read tokens / prefill_rate
///   + (per_token_context × the context of the writers + prefill_context × that of each token read)
///     / 1,000.
/// Who comes in the middle of a step waits for its end; beyond `slots` calls wait for one to end.
/// Steps that are alike are counted, not made.
/// Source: Orca (Yu et al., OSDI 2022) for iterations, Sarathi-Serve (Agrawal et al., OSDI 2024)
/// for chunks; the sum is what measurements fit (docs/calibrate.md).
class batch_steps : public pace {
 public:
  explicit batch_steps(const sim_config& config);

  [[nodiscard]] double time_of(key call, double tokens, double now) override;

 private:
  struct waiting {
    double at;
    key call;
  };
  struct reader {
    key call;
    double left;
    double position;
  };
  struct writer {
    /// The step with which it ends.
    double last;
    key call;
    /// Its context less the count of steps: it grows by one with each.
    double context;
  };
  /// All that changes, so that the future is the same code run on a copy.
  struct state {
    /// The end of the step under way; what begins later is not decided.
    double time = 0;
    double last_step = 0;
    double steps = 0;
    double context = 0;
    /// Those in their constant overhead, by its end; then the line for a slot.
    std::vector<waiting> arriving;
    std::vector<key> line;
    std::vector<reader> readers;
    /// A heap, the first to end in front.
    std::vector<writer> writers;
  };

  void advance(double now) override;
  void enter(key call, double now) override;
  void leave(key call) override;
  void forecast() override;
  [[nodiscard]] double written_of(key call, double now) const override;

  void run(state& s, double until);
  void admit(state& s) const;
  void read_step(state& s);
  void write_steps(state& s, double until);
  void end_writers(state& s);
  [[nodiscard]] double write_cost(const state& s) const;
  [[nodiscard]] bool has_slot(const state& s) const;

  double overhead_us_;
  double base_us_;
  double alone_us_;
  double writer_us_;
  double token_us_;
  double write_context_us_;
  double read_context_us_;
  double chunk_;
  std::size_t slots_;
  state now_;
  state later_;
};

}  // namespace tandem
