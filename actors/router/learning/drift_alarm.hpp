#pragma once

#include <cstdint>

namespace tandem {

/// Page-Hinkley test (Page 1954) on what an arm's rewards differ from its predictions, over the
/// noise of one reward: a change by one noise is found within some 30 rewards, a false alarm comes
/// once in some 100,000.
class drift_alarm {
 public:
  enum class change { none, worse, better };

  /// `noise`: the standard deviation of one reward around its prediction.
  change add(double difference, double noise);
  void reset();
  /// The last alarm, and rewards since.
  [[nodiscard]] change last() const { return last_; }
  [[nodiscard]] std::uint64_t since() const { return since_; }

 private:
  double worse_ = 0;
  double better_ = 0;
  change last_ = change::none;
  std::uint64_t since_ = 0;
};

}  // namespace tandem
