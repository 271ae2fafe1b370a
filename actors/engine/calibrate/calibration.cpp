#include "actors/engine/calibrate/calibration.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "actors/engine/calibrate/cache_probe.hpp"
#include "actors/engine/calibrate/prompt_maker.hpp"

namespace tandem {
namespace {

/// Every fourth round is not fitted to.
constexpr std::size_t held_out = 4;
constexpr double cache_seconds_share = 0.15;
constexpr std::size_t calls_few = 100;
/// Of a cache that nobody measured: what as many contexts as calls at once take.
constexpr std::uint32_t assumed_context = 4096;

/// What a round is made of: calls at once, or as they come.
struct round_shape {
  std::size_t calls = 1;
  double prompt_tokens = 0;
  double answer_tokens = 0;
  bool is_mixed = false;
};

class measurement {
 public:
  measurement(call_meter& meter, const calibration_options& options)
      : meter_{meter}, options_{options}, prompts_{options.seed}, began_{meter.seconds()} {}

  caf::expected<calibration> run() {
    if (auto err = prompts_.learn_size(meter_)) return err;
    probe_cache();
    measure_times();
    if (out_.calls == out_.failed)
      return make_error(errc::unavailable, "no call was answered: " + last_error_);
    fit();
    return std::move(out_);
  }

 private:
  [[nodiscard]] double spent() { return meter_.seconds() - began_; }

  void probe_cache() {
    cache_probe probe{meter_, prompts_, options_};
    auto found = probe.run(options_.seconds * cache_seconds_share);
    out_.has_cache = found.has_cache;
    out_.tells_cached = found.tells_cached;
    out_.capacity_is_measured = found.capacity_tokens > 0;
    out_.calls += found.calls;
    if (!found.has_cache) return;
    out_.sim.cache_block_tokens = std::max<std::uint32_t>(found.block_tokens, 16);
    auto tokens = found.capacity_tokens > 0 ? found.capacity_tokens
                                            : options_.concurrency * (options_.context_tokens > 0
                                                                          ? options_.context_tokens
                                                                          : assumed_context);
    out_.sim.cache_blocks =
        std::clamp<std::uint32_t>(tokens / out_.sim.cache_block_tokens, 1, 16'777'216);
    if (found.block_tokens < 16)
      out_.notes.push_back("the cache keeps single tokens; blocks of 16 are simulated");
    if (!found.tells_cached)
      out_.notes.push_back(
          "the server does not say what it had cached: seen by times alone, and "
          "blocks of 16 are assumed");
    if (found.capacity_tokens == 0)
      out_.notes.push_back("cache_blocks is assumed: a whole context for each request at once");
  }

  [[nodiscard]] std::vector<round_shape> shapes() {
    std::vector<round_shape> all;
    const double longest = options_.prompt_tokens;
    const double most = options_.answer_tokens;
    for (std::size_t calls = 1;; calls = std::min<std::size_t>(calls * 2, options_.concurrency)) {
      for (auto prompt : {longest / 32, longest / 4, longest})
        for (auto answer : {1.0, most / 4, most}) all.push_back({calls, prompt, answer});
      if (calls >= options_.concurrency) break;
    }
    auto once = all.size();
    for (std::size_t i = 0; i < once; ++i) all.push_back({options_.concurrency * 2, 0, 0, true});
    std::shuffle(all.begin(), all.end(), std::mt19937_64{prompts_.text().draw()});
    return all;
  }

  /// Evenly spread over orders of magnitude.
  [[nodiscard]] double spread(double low, double high) {
    return low * std::pow(high / low, prompts_.text().share());
  }

  [[nodiscard]] std::vector<planned_call> plan(const round_shape& shape) {
    std::vector<planned_call> calls;
    double at = 0;
    // From crowded to nearly one after the other.
    auto gap = shape.is_mixed ? typical_us_ * spread(0.1, 1.5) : 0;
    for (std::size_t i = 0; i < shape.calls; ++i) {
      auto prompt = shape.is_mixed ? spread(8, options_.prompt_tokens) : shape.prompt_tokens;
      auto answer = shape.is_mixed ? spread(1, options_.answer_tokens) : shape.answer_tokens;
      calls.push_back({at, prompts_.of_tokens(prompt),
                       static_cast<std::uint32_t>(std::max(1.0, std::round(answer)))});
      at -= gap * std::log(1 - prompts_.text().share());
    }
    return calls;
  }

  void note(const measured_round& round) {
    ++out_.rounds;
    for (const auto& call : round) {
      ++out_.calls;
      if (call.code != errc::unknown) {
        ++out_.failed;
        last_error_ = call.error;
      }
      out_.prompt_tokens_max = std::max(out_.prompt_tokens_max, call.prompt_tokens);
      out_.written_tokens_max = std::max(out_.written_tokens_max, call.written_tokens);
      if (round.size() == 1 && call.code == errc::unknown) {
        alone_us_ += call.end_us - call.at_us;
        ++alone_;
        typical_us_ = alone_us_ / alone_;
      }
    }
    out_.measured.push_back(round);
  }

  void measure_times() {
    while (true) {
      for (const auto& shape : shapes()) {
        if (spent() > options_.seconds || out_.calls + shape.calls > options_.requests_max) return;
        // Nothing is known yet that says how dense is crowded.
        if (shape.is_mixed && alone_ == 0) continue;
        note(meter_.measure(plan(shape)));
        if (out_.calls == out_.failed && out_.calls > 20) return;
      }
    }
  }

  void fit() {
    out_.seconds = spent();
    std::vector<measured_round> seen;
    std::vector<measured_round> kept;
    for (std::size_t i = 0; i < out_.measured.size(); ++i)
      (i % held_out == held_out - 1 ? kept : seen).push_back(out_.measured[i]);
    if (options_.is_limited) out_.sim.slots = options_.concurrency;
    out_.sim = fit_times(seen, out_.sim);
    out_.error = compare(kept.empty() ? seen : kept, out_.sim);
    if (options_.context_tokens > 0) out_.sim.context_tokens = options_.context_tokens;
    if (out_.calls < calls_few)
      out_.notes.push_back("few calls were measured: give it more --seconds");
    if (out_.failed > 0)
      out_.notes.push_back(std::to_string(out_.failed) + " calls failed: " + last_error_);
  }

  call_meter& meter_;
  const calibration_options& options_;
  prompt_maker prompts_;
  double began_;
  calibration out_;
  std::string last_error_;
  double alone_us_ = 0;
  double alone_ = 0;
  double typical_us_ = 0;
};

}  // namespace

caf::expected<calibration> calibrate(call_meter& meter, const calibration_options& options) {
  return measurement{meter, options}.run();
}

}  // namespace tandem
