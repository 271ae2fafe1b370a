#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "actors/engine/backend.hpp"
#include "actors/engine/engine_config.hpp"
#include "actors/engine/sim/pace.hpp"
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
  /// Somebody reads along.
  bool stream = true;
};

/// Times of calls that share one engine, by the profile in sim_config: `batch_steps` where it names
/// a prefill_chunk, else `shared_rates`. start() and resume() say how long to wait until the next
/// resume(): until the call's end as the calls at work have it, or until there is text to stream.
/// A call that comes meanwhile makes that too early, which the next resume() says; a cancelled one
/// makes it too late by what it would still have taken. With a sink, a call that has streamed ends
/// through the sink's on_done, in order behind its text.
class paced_calls {
 public:
  using clock = std::chrono::steady_clock;

  /// `now`: what time it is, real or virtual. Without it a call that begins while others are at
  /// work begins when the last of them was resumed, and none waits longer than a slice.
  paced_calls(const sim_config& config, backend_sink sink,
              std::function<clock::time_point()> now = {});

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
    /// To be cached once they are read.
    std::vector<std::uint64_t> blocks;
    pace::key key = 0;
    /// When it is to be resumed, for who has no clock.
    double due = 0;
    /// One pause to its end.
    bool whole = false;
    std::uint64_t streamed_tokens = 0;
    std::size_t streamed_bytes = 0;
    bool streamed = false;
  };
  using calls = std::unordered_map<std::uint64_t, running_call>;

  [[nodiscard]] double now(double known);
  /// Where there is a clock to say it by.
  void set_first_text(paced_call& call, double at) const;
  /// Where nothing can happen before the call's end: how long it takes.
  [[nodiscard]] std::optional<std::chrono::microseconds> whole_time(const paced_call& call) const;
  [[nodiscard]] bool streams(const running_call& call) const;
  [[nodiscard]] std::chrono::microseconds pause(running_call& call, const pace::marks& at,
                                                double now);
  void cache_what_is_read(double now);
  void stream(std::uint64_t id, running_call& call, std::uint64_t written);
  [[nodiscard]] progress go_on(calls::iterator at, double now);
  [[nodiscard]] progress finish(calls::iterator at);
  void forget(calls::iterator at);

  sim_config config_;
  backend_sink sink_;
  std::function<clock::time_point()> clock_;
  /// Times are counted from here.
  std::optional<clock::time_point> origin_;
  double latest_ = 0;
  prefix_cache cache_;
  std::unique_ptr<pace> pace_;
  std::vector<pace::key> free_keys_;
  pace::key keys_ = 0;
  calls running_;
  /// Of `running_`: those whose blocks are not cached yet.
  std::vector<std::uint64_t> reading_;
};

}  // namespace tandem
