#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/weight_sync/roll_dispatch.hpp"
#include "actors/weight_sync/roll_machine.hpp"

namespace tandem::testing {

class modelled_node;
class weight_fleet;

/// Nodes share what none of them changes.
using known_roll = std::shared_ptr<const roll_record>;

/// What a node says of itself.
struct node_news {
  std::size_t node = 0;
  std::uint64_t incarnation = 0;
  std::uint64_t number = 0;
  std::vector<fleet_engine> engines;
  std::set<std::string> have;
  known_roll roll;
  wanted_version wanted;
};

/// A roll at the node that goes on with it, as actors/weight_sync/weight_roll.cpp does it around
/// roll_machine and roll_dispatch.
class modelled_coordinator {
 public:
  /// `replaces`: what is agreed on now.
  modelled_coordinator(weight_fleet& fleet, modelled_node& node, roll_record record,
                       const roll_mark& replaces);

  [[nodiscard]] const roll_record& record() const { return machine_.record(); }
  [[nodiscard]] roll_machine& machine() { return machine_; }
  /// False: others have it, or it is over; this is of no more use.
  [[nodiscard]] bool write();
  [[nodiscard]] bool step();
  [[nodiscard]] bool on_outcome(const tmsg::wtoutcm& outcome);
  /// What it has written last.
  [[nodiscard]] const roll_mark& written() const { return written_; }
  [[nodiscard]] bool waits_to_write() const { return write_again_ms_ != 0; }

 private:
  [[nodiscard]] fleet_view look();
  void send_orders(const std::vector<roll_order>& wanted);

  weight_fleet& fleet_;
  modelled_node& node_;
  roll_machine machine_;
  roll_dispatch dispatch_;
  roll_mark written_;
  std::uint64_t write_again_ms_ = 0;
};

}  // namespace tandem::testing
