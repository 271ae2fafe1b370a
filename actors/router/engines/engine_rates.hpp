#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tandem {

/// How fast one engine reads prompts and writes answers, and how far its prefix cache is what the
/// router thinks, learned from calls that have ended. Waiting behind others makes an engine look
/// slower, never faster: calls that found it idle count, others only where they show it faster,
/// and of the latest 32 samples the upper quartile is taken. Until some are there a prior counts
/// as three of them. Value type.
class engine_rates {
 public:
  struct call {
    /// Of the prompt, without what the engine says it had cached.
    double computed_tokens = 0;
    /// From when it was sent to its first token. 0: not known.
    double first_token_s = 0;
    double completion_tokens = 0;
    /// From the first token to the last.
    double writing_s = 0;
    /// From when it was sent to its end.
    double total_s = 0;
    /// Nothing else was known to be before it.
    bool found_idle = false;
    /// What the router thought was cached, and what was.
    double predicted_cached = 0;
    double cached = 0;
  };
  static constexpr double prefill_prior = 5'000;
  static constexpr double decode_prior = 50;
  static constexpr double call_prior_s = 1;

  void learn(const call& done);
  /// With other weights, or after a restart, it may be another machine.
  void reset() { *this = engine_rates{}; }

  /// Tokens a second, above 0.
  [[nodiscard]] double prefill() const { return prefill_; }
  [[nodiscard]] double decode() const { return decode_; }
  /// A call from beginning to end, on average.
  [[nodiscard]] double call_s() const { return call_s_; }
  /// What a token is worth that the index says is cached, 0 to 1.
  [[nodiscard]] double trust() const { return trust_; }
  [[nodiscard]] std::uint64_t samples() const { return samples_; }

 private:
  void learn_prefill(const call& done);

  static constexpr std::size_t window = 32;
  std::array<float, window> speeds_{};
  std::uint64_t samples_ = 0;
  std::uint64_t calls_ = 0;
  double prefill_ = prefill_prior;
  double decode_ = decode_prior;
  double call_s_ = call_prior_s;
  double trust_ = 1;
};

}  // namespace tandem
