#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <caf/error.hpp>

#include "actors/mesh/member_table.hpp"

namespace tandem {

/// When which address is tried. Seeds are tried for ever while the node that they lead to is not
/// connected; other addresses as long as the member table wishes it. After a failure the wait
/// doubles, from `pause_first` to `pause_max`; a refusal, which only a person can mend, waits
/// `refused_pause`.
class dial_plan {
 public:
  using clock = std::chrono::steady_clock;

  static constexpr std::size_t at_once_max = 16;
  static constexpr std::chrono::milliseconds pause_first{100};
  static constexpr std::chrono::milliseconds pause_max{5000};
  static constexpr std::chrono::milliseconds refused_pause{30'000};

  /// `random_seed` for the pauses, which differ from node to node.
  dial_plan(const std::vector<std::string>& seeds, std::uint64_t random_seed);

  /// Takes over what the table wishes and which seeds have been reached.
  void update(const member_table& table, clock::time_point now);
  /// The addresses to try now, at most `at_once_max` at a time; each has to be `ended`.
  [[nodiscard]] std::vector<std::string> start(clock::time_point now);
  [[nodiscard]] clock::time_point next_start() const;

  /// It led to this member.
  void succeeded(const std::string& address, std::uint64_t incarnation);
  /// True: the reason is another than the last time, and worth saying.
  bool failed(const std::string& address, const caf::error& why, clock::time_point now);

  /// Whom it led to last, as long as the address is kept.
  [[nodiscard]] std::optional<std::uint64_t> led_to(const std::string& address) const;
  [[nodiscard]] std::size_t under_way() const { return under_way_; }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  /// What refused us, and why, in words; empty: nothing.
  [[nodiscard]] std::string refusals() const;

  /// Whether trying again soon is of no use.
  [[nodiscard]] static bool is_refusal(const caf::error& why);

 private:
  struct entry {
    bool is_seed = false;
    bool is_wished = false;
    bool is_under_way = false;
    bool was_reached = false;
    std::uint32_t failures = 0;
    clock::time_point not_before;
    clock::time_point retry_at;
    /// The node that it led to.
    std::optional<std::uint64_t> led_to;
    std::string reason;
    bool is_refused = false;
  };

  [[nodiscard]] std::chrono::milliseconds pause_after(std::uint32_t failures);

  std::map<std::string, entry, std::less<>> entries_;
  std::size_t under_way_ = 0;
  std::minstd_rand random_;
};

}  // namespace tandem
