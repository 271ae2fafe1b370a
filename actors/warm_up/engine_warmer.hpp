#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/warm_up/call_kinds.hpp"
#include "actors/warm_up/prefix_memory.hpp"
#include "actors/warm_up/warm_budget.hpp"

namespace tandem {

/// Which engines of a node have begun to serve with a cold cache, what is to be replayed there, one
/// at a time, and whether calls have used it. Time is seconds on any clock that does not go back.
/// One thread.
class engine_warmer {
 public:
  struct settings {
    /// Of one start of an engine; 0: nothing is remembered or replayed.
    std::uint64_t budget_tokens = 100'000;
    /// How long after its start an engine may be given something; then the rest is dropped.
    double patience_s = 120;
    /// In which a replayed prefix is to be used.
    double window_s = 600;
    prefix_memory::limits memory;
    call_kinds::limits kinds;
  };
  struct counts {
    std::uint64_t replayed = 0;
    std::uint64_t used = 0;
    std::uint64_t wasted = 0;
    /// That engines computed for it.
    std::uint64_t tokens = 0;
  };

  engine_warmer(const settings& how, std::uint64_t seed);

  [[nodiscard]] bool is_off() const { return settings_.budget_tokens == 0; }
  [[nodiscard]] prefix_memory& memory() { return memory_; }
  [[nodiscard]] const prefix_memory& memory() const { return memory_; }
  [[nodiscard]] const counts& total() const { return counts_; }
  /// Of one start of an engine of this model, at present.
  [[nodiscard]] std::uint64_t budget(std::string_view model) const;

  struct engine_news {
    std::string_view name;
    std::string_view model;
    /// Another one: its cache is empty.
    std::string_view life;
    bool serves = false;
  };
  /// True: there is something to replay there now, see next().
  [[nodiscard]] bool on_engine(const engine_news& news, double now_s);
  void on_gone(std::string_view name);
  /// Something is under way there, or is to be.
  [[nodiscard]] bool is_warming(std::string_view name) const;
  /// A job's call is on its way, here or elsewhere. The engines that have something to replay now:
  /// the beginning of what usually comes behind such a call, where no engine of this node has read
  /// it for as long as a count lives.
  [[nodiscard]] std::vector<std::string> on_call(const call_kinds::call& seen, double now_s);
  /// As if it had just begun. True: it has something now.
  [[nodiscard]] bool warm_again(std::string_view name, double now_s);

  /// What is to be sent there now; nothing: there is none, one is under way, or it is too late.
  /// on_reply() is owed for it.
  [[nodiscard]] std::optional<prefix_memory::prefix> next(std::string_view name, double now_s);
  enum class outcome : std::uint8_t { read, busy, failed };
  /// `life` is that of when it was sent. After `busy` the same one comes again.
  void on_reply(std::string_view name, std::string_view life, outcome how, std::uint64_t tokens,
                double now_s);

  /// A replay that a call should find there.
  struct awaited {
    std::uint64_t mark = 0;
    /// Of the call's prompt, up to the mark; by the size of its text.
    std::uint64_t tokens = 0;
  };
  /// Of a call's chain: what was replayed there for it, and not used yet. Costs a look where
  /// nothing is expected there.
  [[nodiscard]] std::vector<awaited> expected(std::string_view name,
                                              std::span<const std::uint64_t> chain) const;
  /// The call's engine had so many tokens of its prompt: a replay counts as used when it reaches
  /// half as far as its mark (texts have two to five bytes a token).
  void on_used(std::string_view name, std::span<const awaited> replays,
               std::uint64_t cached_tokens);
  /// Counts what was not used in its time.
  void expire(double now_s);

 private:
  struct engine {
    std::string model;
    std::string life;
    bool serves = false;
    bool cold = false;
    double begun_s = 0;
    std::deque<prefix_memory::prefix> queue;
    bool under_way = false;
    /// By mark; true: used.
    std::unordered_map<std::uint64_t, bool> replayed;
    double replayed_s = 0;
    std::uint64_t unused = 0;
  };

  bool begin(engine& on, double now_s);
  /// What was replayed on it is over.
  void close(engine& on);
  [[nodiscard]] warm_budget& budget_of(const std::string& model);
  [[nodiscard]] std::size_t engines_of(std::string_view model) const;
  /// One with time for it; null: there is none, or one has it.
  [[nodiscard]] const std::string* idle_for(const call_kinds::follower& next, std::string_view busy,
                                            double now_s) const;

  settings settings_;
  prefix_memory memory_;
  call_kinds kinds_;
  counts counts_;
  std::map<std::string, engine, std::less<>> engines_;
  std::map<std::string, warm_budget, std::less<>> budgets_;
};

}  // namespace tandem
