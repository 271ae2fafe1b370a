#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "actors/router/engines/block_engines.hpp"
#include "actors/router/engines/engine_rates.hpp"

namespace tandem {

/// What each engine has to do before it can begin another call, as this router knows it: what it
/// sent there itself at once, what others sent by what the engine's owner reports, some
/// milliseconds later. Between these the backlog is worked off at the engine's measured rate. Time
/// is seconds on any clock that does not go back. One thread.
class engine_fleet {
 public:
  /// Own calls that a report may not have counted yet; older ones are taken as reported.
  static constexpr std::size_t unreported_max = 64;

  /// What a choice looks at: one line of cache.
  struct alignas(64) engine {
    /// When it is through with all prompts that are known.
    double free_at_s = 0;
    /// Of this router, and of others as last reported.
    std::uint32_t own = 0;
    std::uint32_t others = 0;
    std::uint32_t concurrency = 1;
    /// Counted when it is started again, so that calls of before are told apart.
    std::uint32_t life = 0;
    /// What it costs to reach it: a network hop, or another router's first choice.
    double bias_s = 0;
    /// Of engine_rates: of one token, of a call, and how far its cache is what the index says.
    double token_s = 1 / engine_rates::prefill_prior;
    double call_s = engine_rates::call_prior_s;
    double trust = 1;

    [[nodiscard]] std::uint32_t in_flight() const { return own + others; }
    /// Seconds before it begins another prompt: its backlog, or until one of its places is free.
    [[nodiscard]] double wait_s(double now_s) const {
      auto backlog = std::max(free_at_s - now_s, 0.0);
      if (in_flight() < concurrency) return backlog;
      auto behind = static_cast<double>(in_flight() - concurrency + 1) / concurrency;
      return std::max(backlog, behind * call_s);
    }
  };

  explicit engine_fleet(std::size_t engines_max)
      : engines_(engines_max), rates_(engines_max), unreported_(engines_max) {}

  [[nodiscard]] engine& at(engine_slot slot) { return engines_[slot]; }
  [[nodiscard]] const engine& at(engine_slot slot) const { return engines_[slot]; }

  [[nodiscard]] const engine_rates& rates(engine_slot slot) const { return rates_[slot]; }
  void learn(engine_slot slot, const engine_rates::call& done);

  /// Nothing of before counts, but for its life.
  void reset(engine_slot slot);
  /// Another life; its rates are to be learned anew.
  void restart(engine_slot slot);
  /// This router sends a call of so many tokens to compute.
  void assign(engine_slot slot, double tokens, double now_s);
  /// One of this router's calls there is over.
  void finish(engine_slot slot, double now_s);

  struct report {
    /// When the owner looked.
    double as_of_s = 0;
    /// Tokens of all prompts that are to be computed.
    double backlog_tokens = 0;
    std::uint32_t in_flight = 0;
  };
  /// What the owner says counts, and what this router sent since then on top of it.
  void on_report(engine_slot slot, const report& said, double now_s);
  /// Others' calls alone, where the owner does not know of tokens.
  void set_others(engine_slot slot, std::uint32_t in_flight) { engines_[slot].others = in_flight; }

 private:
  void take_rates(engine_slot slot);

  struct sent {
    double at_s;
    double tokens;
  };

  std::vector<engine> engines_;
  std::vector<engine_rates> rates_;
  std::vector<std::vector<sent>> unreported_;
};

}  // namespace tandem
