#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/weights/modelled_node.hpp"

namespace tandem::testing {

struct fleet_options {
  using us = virtual_time::us;

  std::size_t nodes = 4;
  /// Of each node.
  std::size_t engines = 2;
  engine_config engine;
  modelled_engine::timing engine_takes;
  /// A message to another node takes `hop`, and up to `hop_spread` more: they overtake each other.
  us hop{1000};
  us hop_spread{0};
  /// Shares of messages.
  double lost = 0;
  double doubled = 0;
  us fetch{std::chrono::seconds{1}};
  /// Until a node that is gone, or cut off, is missed.
  us missed{std::chrono::seconds{2}};
  std::uint64_t seed = 1;
};

/// Where rolls are agreed on: compare and swap, as actors/weight_sync/etcd_agreement.cpp does it.
struct modelled_agreement {
  std::optional<roll_record> roll;
  wanted_version wanted;
  std::uint64_t writes = 0;
  bool is_down = false;
  /// The next write is done, and its answer is lost.
  bool loses_answer = false;

  [[nodiscard]] errc write(const roll_record& next, const roll_mark& replaces,
                           const std::optional<wanted_version>& wants);
};

/// Nodes with engines of one model, the way between them, and what they agree on.
class weight_fleet {
 public:
  using us = virtual_time::us;

  explicit weight_fleet(const fleet_options& options);

  [[nodiscard]] virtual_time& time() { return time_; }
  [[nodiscard]] const fleet_options& options() const { return options_; }
  [[nodiscard]] modelled_agreement& agreement() { return agreement_; }
  [[nodiscard]] std::vector<std::unique_ptr<modelled_node>>& nodes() { return nodes_; }
  [[nodiscard]] std::mt19937_64& random() { return random_; }
  [[nodiscard]] modelled_engine& engine(std::size_t number) {
    return nodes_[number / options_.engines]->engine(number % options_.engines);
  }
  [[nodiscard]] std::size_t engines() const { return options_.nodes * options_.engines; }

  /// Whether `by` counts node `of` among the living.
  [[nodiscard]] bool sees(std::size_t by, std::size_t of) const;
  /// What one tells another gets lost for so long.
  void cut(std::size_t one, std::size_t other, us span);
  /// To a node; what arrives at another life of it is lost.
  void send(std::size_t from, std::size_t to, std::function<void(modelled_node&)> what);
  [[nodiscard]] std::uint64_t new_incarnation() { return ++incarnations_; }
  /// Whoever coordinates, and `but` among them not.
  template <class Visit>
  void each_coordinator(Visit visit) {
    for (auto& each : nodes_)
      if (each->is_alive() && each->coordinates()) visit(*each);
  }

  /// Jobs that run at a node, by the version that they hold.
  std::function<std::map<std::string, std::uint64_t>(std::size_t node)> pins_of;
  /// An engine has changed: for routers.
  std::function<void(std::size_t engine)> engine_changed;
  /// CPU time of each step of roll_machine, where it is to be measured.
  std::function<void(double us)> stepped;

 private:
  [[nodiscard]] bool is_cut(std::size_t one, std::size_t other, us at) const;

  fleet_options options_;
  virtual_time time_;
  std::mt19937_64 random_;
  modelled_agreement agreement_;
  std::uint64_t incarnations_ = 100;
  struct span {
    us from;
    us until;
  };
  std::map<std::pair<std::size_t, std::size_t>, span> cuts_;
  std::vector<std::unique_ptr<modelled_node>> nodes_;
};

}  // namespace tandem::testing
