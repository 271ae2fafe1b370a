#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "actors/weight_sync/roll_machine.hpp"
#include "schema/types.hpp"

namespace tandem {

/// The orders of a coordinator that stand: each keeps its number while it stands, and is told again
/// until its outcome comes.
class order_book {
 public:
  struct standing {
    std::uint64_t id = 0;
    std::uint64_t told_at_ms = 0;
    /// Its outcome came; it stands no longer than step() wants it to.
    bool is_done = false;
  };
  struct due {
    std::uint64_t id = 0;
    roll_order order;
  };
  static constexpr std::uint64_t again_ms = 2000;

  /// `wanted` are all that stand from now on; those to be told now. Numbers are drawn upwards from
  /// `seed`, so that those of another coordinator are others.
  std::vector<due> stand(const std::vector<roll_order>& wanted, std::uint64_t now_ms,
                         std::uint64_t seed);
  /// The order that this outcome is about, the first time it comes; nothing: none that stands.
  std::optional<roll_order> take_outcome(std::uint64_t id);
  /// Of these, all of this kind stand and are done.
  [[nodiscard]] bool all_done(schema::OrderAction action, const std::vector<roll_order>& of) const;
  /// An `ask` is asked again once it is answered.
  void forget_answered(schema::OrderAction action);

 private:
  std::map<roll_order, standing> orders_;
  std::uint64_t next_ = 0;
};

/// Whose orders a node obeys, of one model: those of the newest epoch, and of two rolls that began
/// at once, with the same one, those of the first that it heard of; the other goes back.
class order_fence {
 public:
  /// A roll, or what is wanted (roll 0), that is known without an order of it.
  void know(std::uint64_t epoch, std::uint64_t roll) {
    if (epoch > epoch_) take(epoch, roll);
  }
  /// False: it must not be carried out. `roll` 0: the node's own, towards what is wanted.
  [[nodiscard]] bool admit(std::uint64_t epoch, std::uint64_t roll) {
    if (epoch < epoch_ || (epoch == epoch_ && roll != 0 && roll_ != 0 && roll != roll_))
      return false;
    if (epoch > epoch_ || roll != 0) take(epoch, roll);
    return true;
  }
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }

 private:
  void take(std::uint64_t epoch, std::uint64_t roll) {
    epoch_ = epoch;
    roll_ = roll;
  }

  std::uint64_t epoch_ = 0;
  std::uint64_t roll_ = 0;
};

/// What a node has done for coordinators: an order that comes again is not carried out again.
class done_orders {
 public:
  static constexpr std::size_t kept = 1024;

  /// True: it is new, carry it out. Else `outcome` is filled once it is known.
  bool begin(std::uint64_t id, tmsg::wtoutcm& outcome);
  void end(std::uint64_t id, const tmsg::wtoutcm& outcome);
  /// It was not carried out: the next time it is new.
  void forget(std::uint64_t id) { orders_.erase(id); }

 private:
  std::map<std::uint64_t, tmsg::wtoutcm> orders_;
  std::deque<std::uint64_t> in_order_;
};

}  // namespace tandem
