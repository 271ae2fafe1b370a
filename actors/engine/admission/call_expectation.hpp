#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tandem {

/// What a call of a size takes at one engine, so that short and long calls can be compared: time =
/// constant + a · prompt tokens read + b · tokens written. Only the shape is learned here (a call
/// of this size against one of that); the level, which the load moves, is gradient_limit's. Updates
/// are multiplicative (exponentiated gradient, Kivinen and Warmuth 1997): the three stay positive,
/// and no size outweighs the others by being large. Deterministic; no clock.
class call_expectation {
 public:
  struct sample {
    /// Those that were not in the engine's prefix cache.
    std::uint64_t prompt_tokens = 0;
    std::uint64_t completion_tokens = 0;
    double seconds = 0;
  };

  /// Seconds; 0: nothing was learned yet.
  [[nodiscard]] double of(const sample& call) const;
  /// Of calls that were served under about the same load. Returns ln(taken / expected) on average
  /// as it was before: the load.
  double learn(std::span<const sample> calls);

 private:
  struct parts {
    double constant = 0;
    double reading = 0;
    double writing = 0;
    [[nodiscard]] double sum() const { return constant + reading + writing; }
  };
  [[nodiscard]] parts parts_of(const sample& call) const;
  [[nodiscard]] double off_by(const sample& call) const;
  [[nodiscard]] double load_of(std::span<const sample> calls) const;

  double constant_ = 0;
  double per_prompt_token_ = 0;
  double per_written_token_ = 0;
  std::size_t learned_ = 0;
};

}  // namespace tandem
