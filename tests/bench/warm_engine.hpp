#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/bench/timed_engine.hpp"

namespace tandem::bench {

/// An engine in virtual time that replays prefixes while it computes nothing else, and knows which
/// of what it has replayed was of use.
class warm_engine {
 public:
  warm_engine(const timed_engine& one, std::string name) : timed{one}, name{std::move(name)} {}

  timed_engine timed;
  std::string name;
  bool serves = true;
  /// Counted when it changes its weights.
  std::uint64_t life = 0;
  /// Will ask for a replay again.
  bool asks_again = false;

  [[nodiscard]] bool replays() const { return replay_ != 0; }
  [[nodiscard]] bool replays(std::uint64_t number) const { return replay_ == number; }
  [[nodiscard]] const std::vector<std::uint64_t>& blocks() const { return blocks_; }
  /// When it will be through, undisturbed. `number` is not 0.
  double begin(std::uint64_t number, std::vector<std::uint64_t> blocks, double now_s);
  /// Tokens that it has computed by now: engines keep the whole blocks that they have read.
  std::uint64_t stop(double now_s);
  std::uint64_t end(double now_s) { return keep(blocks_.size(), now_s); }

  /// Of a call's prompt, the first `cached` blocks were there: tokens that a replay of at most
  /// `window_s` ago had computed, and no call had used yet.
  std::uint64_t use(const traced_request& call, std::size_t cached, double window_s, double now_s);

 private:
  [[nodiscard]] std::size_t had() const;
  std::uint64_t keep(std::size_t blocks, double now_s);

  /// 0: none.
  std::uint64_t replay_ = 0;
  std::vector<std::uint64_t> blocks_;
  double since_s_ = 0;
  /// When a replay computed it.
  std::unordered_map<std::uint64_t, double> unused_;
};

}  // namespace tandem::bench
