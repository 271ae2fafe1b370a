#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace tandem {

/// Whose turn it is among those that have something waiting: deficit round robin (Shreedhar and
/// Varghese 1995). In each round everyone gets a quantum of tokens, and begins what they pay for;
/// what is left of it waits for the next turn, and is lost when nothing waits. Over any time two
/// that both always wait differ by a quantum and twice the largest cost at most. Rounds in which
/// nobody could begin are skipped, so all is O(log n) whatever the costs.
class deficit_rounds {
 public:
  static constexpr std::uint64_t quantum = 128;

  /// `who` waits now, and did not before; `cost` of its first.
  void join(std::string_view who, std::uint64_t cost);
  /// Whose first is next; somebody must wait. Valid until it leaves.
  [[nodiscard]] const std::string& next() const { return *std::get<2>(*order_.begin()); }
  /// The first of next() begins; `cost` of the one behind it, if there is one.
  void served(std::optional<std::uint64_t> cost);
  /// The first of `who` left without having begun.
  void left(std::string_view who, std::optional<std::uint64_t> cost);
  [[nodiscard]] bool empty() const { return order_.empty(); }

 private:
  struct slot {
    std::uint64_t turn = 0;
    std::uint64_t cost = 0;
    /// In which its first begins, and what it has to spend then.
    std::uint64_t round = 0;
    std::uint64_t tokens = 0;
  };
  using slots = std::unordered_map<std::string, slot>;

  void go_on(slots::iterator at, std::optional<std::uint64_t> cost);

  slots slots_;
  /// Round, turn within it, who.
  std::set<std::tuple<std::uint64_t, std::uint64_t, const std::string*>> order_;
  std::uint64_t round_ = 0;
  std::uint64_t turns_ = 0;
};

}  // namespace tandem
