#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include "actors/router/engines/block_engines.hpp"
#include "actors/router/engines/engine_choice_config.hpp"
#include "actors/router/engines/prompt_blocks.hpp"

namespace tandem {

/// An engine that can take the call.
struct engine_option {
  engine_slot engine = 0;
  std::uint32_t in_flight = 0;
  /// Above 0.
  std::uint32_t concurrency = 1;
  /// Before it can begin.
  double wait_s = 0;
  /// Of the prompt, by the index.
  std::uint32_t cached_blocks = 0;
  std::uint64_t cached_tokens = 0;
  /// Computing one token, and what is not cached.
  double token_s = 0;
  double prefill_s = 0;
  double bias_s = 0;

  [[nodiscard]] double ttft_s() const { return wait_s + prefill_s; }
};

struct engine_question {
  const prompt_blocks& prompt;
  /// 0: no session.
  std::uint64_t session = 0;
  /// Not empty.
  std::span<const engine_option> options;
};

/// Draws of a choice; a value type.
class choice_random {
 public:
  /// 0: equal ones are taken in their order. That is for one router alone: several would choose the
  /// same one.
  explicit choice_random(std::uint64_t seed)
      : source_{static_cast<std::minstd_rand::result_type>(spread_bits(seed))}, ties_{seed != 0} {}

  [[nodiscard]] std::size_t below(std::size_t n) { return source_() % n; }
  /// Which of `n` equal ones.
  [[nodiscard]] std::size_t tie(std::size_t n) { return ties_ ? below(n) : 0; }

 private:
  std::minstd_rand source_;
  bool ties_;
};

/// Chooses an engine for a call. What has to be filtered (health, pins, context) is not among the
/// options any more. Stateless but for counters and memory that is used again; random draws come
/// from the argument alone.
class engine_policy {
 public:
  engine_policy() = default;
  engine_policy(const engine_policy&) = delete;
  engine_policy& operator=(const engine_policy&) = delete;
  virtual ~engine_policy() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;
  /// A place in `options`.
  [[nodiscard]] virtual std::size_t choose(const engine_question& question,
                                           choice_random& random) = 0;
  /// A call was sent there; not every choice comes to that.
  virtual void on_assigned(engine_slot) {}
  /// Whether `cached_*` are looked at.
  [[nodiscard]] virtual bool needs_cache() const { return true; }
};

/// Null: there is none of this name.
[[nodiscard]] std::unique_ptr<engine_policy> make_engine_policy(const engine_choice_config& config);

struct engine_policy_summary {
  std::string_view name;
  std::string_view text;
};
/// All names, with a line on each.
[[nodiscard]] std::span<const engine_policy_summary> engine_policies();

}  // namespace tandem
