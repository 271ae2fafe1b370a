#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "actors/router/engines/engine_fleet.hpp"
#include "actors/router/engines/engine_policy.hpp"
#include "actors/router/engines/prefix_index.hpp"

namespace tandem {

/// Chooses engines and learns from what comes of it: index, backlogs, rates and a policy together.
/// Choosing changes nothing that estimates rest on; `assign` does. Time is seconds on any clock
/// that does not go back. One thread.
class engine_chooser {
 public:
  /// Calls that wait for their end; more are chosen for, but nothing is learned from them.
  static constexpr std::size_t calls_max = 65'536;
  static constexpr std::size_t sessions_max = 16'384;

  /// Null: the policy is none of engine_policies(). `seed` is that of choice_random.
  [[nodiscard]] static std::unique_ptr<engine_chooser> make(const engine_choice_config& config,
                                                            std::uint64_t seed);

  /// A free place for an engine; none: there are engines_max.
  [[nodiscard]] std::optional<engine_slot> add();
  /// It has left: all that was known of it is gone, its place is given to another.
  void remove(engine_slot slot);
  /// It was started again or has other weights: its cache is empty, its speed another. What was
  /// sent there counts until it ends.
  void restart(engine_slot slot);
  /// Of its prefix cache, in blocks; 0: not known.
  void set_capacity(engine_slot slot, std::uint32_t blocks) { index_.set_capacity(slot, blocks); }

  struct choice {
    engine_slot engine = 0;
    /// As estimated: before it begins, and to its first token.
    double wait_s = 0;
    double ttft_s = 0;
    std::uint64_t cached_tokens = 0;
  };
  /// `eligible` is not empty. A session (not 0) stays at its engine while that takes little longer.
  [[nodiscard]] choice choose(const prompt_blocks& prompt, std::uint64_t session,
                              std::span<const engine_slot> eligible, double now_s);
  /// The call goes there. `id` (not 0) is what finish() is told.
  void assign(std::uint64_t id, const choice& chosen, const prompt_blocks& prompt,
              std::uint64_t session, double now_s);

  struct outcome {
    /// 0: not known, then nothing is learned.
    std::uint64_t prompt_tokens = 0;
    std::uint64_t cached_tokens = 0;
    std::uint64_t completion_tokens = 0;
    /// Since it was sent, without a wait that the engine has reported.
    double first_token_s = 0;
    double total_s = 0;
    bool failed = false;
  };
  /// False: not known. Else the engine has one call less.
  bool finish(std::uint64_t id, const outcome& end, double now_s);
  /// One that assign() was not told of, or that finish() does not know.
  void finish_unknown(engine_slot slot, double now_s) { fleet_.finish(slot, now_s); }

  [[nodiscard]] engine_fleet& fleet() { return fleet_; }
  [[nodiscard]] prefix_index& index() { return index_; }
  [[nodiscard]] const prefix_index& index() const { return index_; }
  [[nodiscard]] const engine_policy& policy() const { return *policy_; }

 private:
  struct call {
    engine_slot engine = 0;
    std::uint32_t life = 0;
    prefix_index::stamp deepest = 0;
    bool found_idle = false;
    std::uint64_t predicted_cached = 0;
    std::uint64_t predicted_tokens = 0;
  };
  struct session_place {
    std::uint64_t key = 0;
    engine_slot engine = 0;
    std::uint32_t life = 0;
  };

  engine_chooser(const engine_choice_config& config, std::unique_ptr<engine_policy> policy,
                 std::uint64_t seed);
  void fill_in(const prompt_blocks& prompt, std::span<const engine_slot> eligible, double now_s);
  /// Where the session is, among the options.
  [[nodiscard]] const engine_option* place_of(std::uint64_t session) const;

  double session_factor_;
  std::unique_ptr<engine_policy> policy_;
  prefix_index index_;
  engine_fleet fleet_;
  choice_random random_;
  std::vector<engine_slot> free_;
  std::unordered_map<std::uint64_t, call> calls_;
  std::vector<session_place> sessions_;
  std::vector<engine_option> options_;
  /// By engine, while choosing: blocks cached; 0 in between.
  std::vector<std::uint32_t> cached_;
};

}  // namespace tandem
