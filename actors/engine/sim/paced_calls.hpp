#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "actors/engine/backend.hpp"
#include "actors/engine/engine_config.hpp"
#include "actors/engine/sim/prefix_cache.hpp"

namespace tandem {

/// The usual estimate for English text: 4 bytes a token.
[[nodiscard]] inline std::uint64_t tokens_in(std::size_t bytes) {
  return (bytes + 3) / 4;
}

/// One call of a simulated engine: its end is known when it begins, only its time is not.
struct paced_call {
  generation result;
  /// The true counts, whatever the result reports.
  std::uint64_t prompt_tokens = 0;
  std::uint64_t write_tokens = 0;
  /// The whole call takes this instead of what the profile says.
  std::optional<std::chrono::microseconds> takes;
  /// Its times are multiplied by this.
  double slow = 1;
  bool stalls = false;
  /// It breaks off: its text was streamed, and is no result.
  bool breaks = false;
};

/// Times of calls that share one engine, by the profile in sim_config: reading prompts shares
/// prefill_rate, writing slows with the batch. No clock: start() and resume() say how long to wait
/// until the next resume(), in slices where times depend on the other calls or text is streamed.
/// With a sink, a call that has streamed ends through the sink's on_done, in order behind its text.
class paced_calls {
 public:
  paced_calls(const sim_config& config, backend_sink sink);

  /// `prompt`: looked up in the prefix cache; its tokens that hit are not read, and are reported in
  /// the result. `id` must be new.
  [[nodiscard]] progress start(std::uint64_t id, paced_call call,
                               const std::vector<generation_request::turn>& prompt);
  [[nodiscard]] progress resume(std::uint64_t id);
  [[nodiscard]] progress cancel(std::uint64_t id);
  /// Calls at work, those that stall included.
  [[nodiscard]] std::size_t size() const { return running_.size(); }
  /// Empties the prefix cache.
  void flush() { cache_.clear(); }
  /// Of the prefix cache, 0 to 1; negative: there is none.
  [[nodiscard]] float cache_usage() const { return cache_.usage(); }

 private:
  struct running_call {
    paced_call call;
    std::vector<std::uint64_t> blocks;
    double read_left = 0;
    std::uint64_t written = 0;
    /// What the slice under way will have done.
    double slice_reads = 0;
    std::uint64_t slice_writes = 0;
    bool first_token_due = true;
    /// One pause to its end.
    bool whole = false;
    bool reads = false;
    bool streamed = false;
    std::size_t streamed_bytes = 0;
  };
  using calls = std::unordered_map<std::uint64_t, running_call>;

  /// Where nothing can happen before the call's end: how long it takes.
  [[nodiscard]] std::optional<std::chrono::microseconds> whole_time(const paced_call& call) const;
  /// The next slice's duration; 0: all is done.
  [[nodiscard]] std::chrono::microseconds next_slice(running_call& call);
  [[nodiscard]] std::chrono::microseconds read_slice(running_call& call);
  [[nodiscard]] std::chrono::microseconds write_slice(running_call& call);
  void end_slice(std::uint64_t id, running_call& call);
  void end_reading(running_call& call);
  void stream(std::uint64_t id, running_call& call);
  [[nodiscard]] progress go_on(calls::iterator at);
  [[nodiscard]] progress finish(calls::iterator at);
  void forget(calls::iterator at);

  sim_config config_;
  backend_sink sink_;
  prefix_cache cache_;
  calls running_;
  /// Of `running_`: those that read their prompt, and those that never end.
  std::size_t readers_ = 0;
  std::size_t stalled_ = 0;
};

}  // namespace tandem
