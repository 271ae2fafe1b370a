#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "actors/semantic/goal_graph.hpp"

namespace tandem {

/// The vectors of one scope, all of one dimension and of length 1. Few are compared one by one;
/// from `graph_from` on they are in a graph. When a quarter of that is removed, a new one is built
/// beside it, a few entries at each `maintain`, and takes its place.
class vector_space {
 public:
  static constexpr std::size_t graph_from = 1'024;

  vector_space(std::size_t dimension, std::uint64_t seed);

  /// False: another dimension, the id is there, or no memory.
  [[nodiscard]] bool add(std::uint64_t id, std::span<const float> vector);
  bool remove(std::uint64_t id);
  /// Nearest first.
  [[nodiscard]] std::vector<neighbour> nearest(std::span<const float> vector,
                                               std::size_t count) const;

  /// Moves at most `entries` into the new graph, when one is being built or due. True: more to do.
  bool maintain(std::size_t entries);

  [[nodiscard]] std::size_t size() const noexcept { return ids_.size(); }
  [[nodiscard]] std::size_t dimension() const noexcept { return dimension_; }
  /// Of the graph that answers.
  [[nodiscard]] double removed_share() const noexcept;
  [[nodiscard]] std::uint64_t rebuilds() const noexcept { return rebuilds_; }
  /// What is held now.
  [[nodiscard]] std::size_t bytes() const noexcept;
  /// What is held at most, with removed entries that wait for a rebuild and with the new graph
  /// while it is built: what a budget counts.
  [[nodiscard]] std::size_t bytes_at_most() const noexcept;

 private:
  void to_graph();

  std::size_t dimension_;
  std::uint64_t seed_;
  /// In no order; the vectors beside them while there is no graph.
  std::vector<std::uint64_t> ids_;
  std::vector<float> flat_;
  std::unordered_map<std::uint64_t, std::size_t> places_;
  std::unique_ptr<goal_graph> graph_;
  /// Being built; `moving_` are the ids that are still to be moved.
  std::unique_ptr<goal_graph> next_graph_;
  std::vector<std::uint64_t> moving_;
  std::uint64_t rebuilds_ = 0;
};

}  // namespace tandem
