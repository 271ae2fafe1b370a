#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace tandem {

struct neighbour {
  std::uint64_t id = 0;
  float similarity = 0;
};

/// A small-world graph over vectors of length 1 (hnswlib; Malkov and Yashunin 2018, arXiv
/// 1603.09320), by inner product. What is removed keeps its place until the graph is made anew. One
/// thread at a time. hnswlib throws; nothing of that leaves here.
class goal_graph {
 public:
  goal_graph(std::size_t dimension, std::uint64_t seed);
  ~goal_graph();

  /// False: no memory, or the id is there. Ids are never used twice.
  [[nodiscard]] bool add(std::uint64_t id, std::span<const float> vector);
  /// False: it is not there.
  bool remove(std::uint64_t id);
  /// Empty: not there.
  [[nodiscard]] std::vector<float> vector_of(std::uint64_t id) const;
  /// At most `count`, nearest first; approximate.
  [[nodiscard]] std::vector<neighbour> nearest(std::span<const float> vector,
                                               std::size_t count) const;

  /// Removed ones included.
  [[nodiscard]] std::size_t used() const noexcept;
  [[nodiscard]] std::size_t removed() const noexcept;
  /// What the graph holds now: vectors, links, locks, the table of ids.
  [[nodiscard]] std::size_t bytes() const noexcept;

  /// What a graph costs beyond its entries, and each entry.
  [[nodiscard]] static std::size_t fixed_bytes() noexcept;
  [[nodiscard]] static std::size_t entry_bytes(std::size_t dimension) noexcept;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace tandem
