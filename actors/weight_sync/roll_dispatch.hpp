#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/weight_sync/order_book.hpp"
#include "actors/weight_sync/roll_machine.hpp"
#include "schema/errc.hpp"
#include "schema/types.hpp"

namespace tandem {

/// Between a coordinator's roll_machine and the nodes: its orders as messages, and what comes back.
/// Nodes are asked what jobs hold only once every engine that is held takes no new ones, again and
/// again until none is held any more. No actors, no clock.
class roll_dispatch {
 public:
  static constexpr std::uint64_t ask_again_ms = 200;

  struct letter {
    std::string node;
    tmsg::wtorder order;
  };
  struct ended {
    roll_order order;
    /// `unknown`: well.
    errc code = errc::unknown;
    std::string error;
  };

  /// `wanted` are all orders that stand from now on; those to be sent now, in the name of the node
  /// with this incarnation.
  [[nodiscard]] std::vector<letter> send(const roll_record& roll,
                                         const std::vector<roll_order>& wanted,
                                         std::uint64_t incarnation, std::uint64_t now_ms);
  /// Nothing: it is of another roll, or of an order that does not stand, or came before.
  [[nodiscard]] std::optional<ended> take(const roll_record& roll, const tmsg::wtoutcm& outcome);
  /// Running jobs by the version that they hold, once all of these nodes have said it since the
  /// engines were held.
  [[nodiscard]] std::optional<std::map<std::string, std::uint64_t>> pins(
      const std::set<std::string>& nodes) const;

 private:
  order_book orders_;
  /// By node: version -> jobs.
  std::map<std::string, std::map<std::string, std::uint64_t>> pins_;
  std::uint64_t asked_at_ms_ = 0;
};

}  // namespace tandem
