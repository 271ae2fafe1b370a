#include "actors/semantic/vector_space.hpp"

#include <algorithm>

#include "actors/semantic/goal_embedding.hpp"

namespace tandem {
namespace {

/// Of all that a graph holds.
constexpr double rebuild_from = .25;
/// id, its place in the list, a node of the table
constexpr std::size_t id_bytes = 8 + 56;

}  // namespace

vector_space::vector_space(std::size_t dimension, std::uint64_t seed)
    : dimension_{dimension}, seed_{seed} {}

bool vector_space::add(std::uint64_t id, std::span<const float> vector) {
  if (vector.size() != dimension_ || places_.contains(id)) return false;
  if (!graph_ && ids_.size() >= graph_from) to_graph();
  if (graph_) {
    if (!graph_->add(id, vector)) return false;
    if (next_graph_ && !next_graph_->add(id, vector)) next_graph_.reset();
  } else {
    flat_.insert(flat_.end(), vector.begin(), vector.end());
  }
  places_.emplace(id, ids_.size());
  ids_.push_back(id);
  return true;
}

bool vector_space::remove(std::uint64_t id) {
  auto found = places_.find(id);
  if (found == places_.end()) return false;
  auto place = found->second;
  auto last = ids_.size() - 1;
  if (graph_) {
    graph_->remove(id);
    // Not there yet when it is still to be moved, and then it never is.
    if (next_graph_) next_graph_->remove(id);
  } else {
    std::copy_n(flat_.begin() + static_cast<std::ptrdiff_t>(last * dimension_), dimension_,
                flat_.begin() + static_cast<std::ptrdiff_t>(place * dimension_));
    flat_.resize(last * dimension_);
  }
  ids_[place] = ids_[last];
  places_[ids_[place]] = place;
  ids_.pop_back();
  places_.erase(id);
  return true;
}

void vector_space::to_graph() {
  auto graph = std::make_unique<goal_graph>(dimension_, seed_);
  std::span<const float> all{flat_};
  for (std::size_t i = 0; i < ids_.size(); ++i)
    if (!graph->add(ids_[i], all.subspan(i * dimension_, dimension_))) return;
  graph_ = std::move(graph);
  flat_ = {};
}

std::vector<neighbour> vector_space::nearest(std::span<const float> vector,
                                             std::size_t count) const {
  if (vector.size() != dimension_ || ids_.empty() || count == 0) return {};
  if (graph_) return graph_->nearest(vector, count);
  std::vector<neighbour> out;
  out.reserve(ids_.size());
  std::span<const float> all{flat_};
  for (std::size_t i = 0; i < ids_.size(); ++i)
    out.push_back({ids_[i], inner_product(vector, all.subspan(i * dimension_, dimension_))});
  count = std::min(count, out.size());
  std::partial_sort(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count), out.end(),
                    [](const auto& a, const auto& b) {
                      return a.similarity != b.similarity ? a.similarity > b.similarity
                                                          : a.id < b.id;
                    });
  out.resize(count);
  return out;
}

bool vector_space::maintain(std::size_t entries) {
  if (!graph_) return false;
  if (!next_graph_) {
    if (removed_share() < rebuild_from) return false;
    if (ids_.empty()) {
      graph_.reset();
      return false;
    }
    next_graph_ = std::make_unique<goal_graph>(dimension_, seed_ + rebuilds_ + 1);
    moving_ = ids_;
  }
  for (; entries > 0 && !moving_.empty(); --entries) {
    auto id = moving_.back();
    moving_.pop_back();
    if (!places_.contains(id)) continue;
    if (!next_graph_->add(id, graph_->vector_of(id))) {
      // Without memory the old graph goes on; the next call tries again.
      next_graph_.reset();
      return false;
    }
  }
  if (!moving_.empty()) return true;
  graph_ = std::move(next_graph_);
  moving_ = {};
  ++rebuilds_;
  return false;
}

double vector_space::removed_share() const noexcept {
  if (!graph_ || graph_->used() == 0) return 0;
  return static_cast<double>(graph_->removed()) / static_cast<double>(graph_->used());
}

std::size_t vector_space::bytes() const noexcept {
  return sizeof *this + ids_.size() * id_bytes + flat_.capacity() * sizeof(float) +
         moving_.capacity() * 8 + (graph_ ? graph_->bytes() : 0) +
         (next_graph_ ? next_graph_->bytes() : 0);
}

std::size_t vector_space::bytes_at_most() const noexcept {
  // Doubling leaves room for as many again.
  if (!graph_) return sizeof *this + ids_.size() * (id_bytes + 2 * dimension_ * sizeof(float));
  // A quarter removed and some more while the next is built: three entries' places for two.
  return sizeof *this + 2 * goal_graph::fixed_bytes() +
         ids_.size() * (id_bytes + 8 + goal_graph::entry_bytes(dimension_) * 5 / 2);
}

}  // namespace tandem
