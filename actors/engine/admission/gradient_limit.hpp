#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "actors/engine/admission/call_expectation.hpp"

namespace tandem {

/// How many calls may be at work at an engine at once, as its measured latency allows: between
/// `minimum` and `maximum`, which is where it starts.
///
/// The rule is that of Gradient2 in Netflix' concurrency-limits: limit' = limit · g + headroom,
/// with g = tolerance · unloaded latency / latency, within ½ and 1, and a headroom of ½√limit; it
/// grows only while the limit is really used. Calls of a language model differ in size a
/// thousandfold, so a latency is divided by what a call of that size is expected to take
/// (call_expectation). And a slow average of latency, which is Gradient2's unloaded one, follows an
/// overload that lasts until it is taken for normal. Here it falls at once when calls are faster,
/// and rises only on evidence: where half as many calls at once were not faster, the latency does
/// not come from us. That is looked for when the limit falls, the first time that it is reached,
/// and rarely after that (as Envoy's adaptive concurrency measures its minRTT, but by halves, only
/// until it helps no more). Refusals and timeouts cut the limit by a quarter, once for those that
/// were sent before the cut.
///
/// Deterministic; time is an argument, in order. Bounded: at most `window_max` samples are kept.
class gradient_limit {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr std::size_t window_max = 64;

  struct call {
    clock::time_point started;
    clock::time_point ended;
    /// Those that the engine had to read: not from its prefix cache.
    std::uint64_t prompt_tokens = 0;
    std::uint64_t completion_tokens = 0;
    /// At work when it ended, itself included.
    std::uint32_t in_flight = 1;
  };

  explicit gradient_limit(std::uint32_t minimum = 1, std::uint32_t maximum = 1);

  [[nodiscard]] std::uint32_t limit() const;
  /// False: nothing was measured yet, the limit is the maximum.
  [[nodiscard]] bool is_measured() const { return windows_ != 0; }

  /// It ended well. Failures, cancelled calls and those that took no time are not to be told.
  void on_done(const call& done);
  /// It was given up: its time was over, nobody wanted it any more, the server hung.
  /// `completion_tokens`: the most that it could have written. That counts as overload only if even
  /// such a call should long have been over, so that a tenant's short timeouts say nothing.
  void on_given_up(const call& so_far);
  /// The server refused it for being busy, or let it time out.
  void on_overload(clock::time_point started, clock::time_point now, std::uint32_t in_flight);

 private:
  /// Of one window: latency against what is expected, and calls at work, both on average.
  struct reading {
    double load = 0;
    double used = 0;
  };
  /// A limit that is being lowered.
  struct fall {
    double limit = 0;
    reading from;
    /// Where the last halving was.
    reading last;
    /// By us, to see what that does.
    bool checks = false;
  };

  [[nodiscard]] std::size_t window_size() const;
  void end_window(clock::time_point now);
  void follow(const reading& now);
  /// False: half as many may be better still.
  [[nodiscard]] bool end_check(const reading& now);
  /// The fall has shown what the unloaded latency is; the limit goes to where that puts it.
  void settle(double unloaded);
  void surprised();
  void lower(double to, clock::time_point now);
  [[nodiscard]] double gradient(double load) const;

  double minimum_;
  double maximum_;
  double limit_;
  call_expectation expectation_;
  std::vector<call_expectation::sample> window_;
  std::uint64_t window_in_flight_ = 0;
  std::uint64_t windows_ = 0;
  /// Windows; and after which one the next check is due.
  std::uint64_t check_after_ = 16;
  std::uint64_t check_at_ = 0;
  /// What the load is when nothing waits for anything; 0: not known.
  double unloaded_ = 0;
  std::optional<fall> falling_;
  /// Calls that were sent earlier were sent under another limit.
  clock::time_point lowered_ = clock::time_point::min();
};

}  // namespace tandem
