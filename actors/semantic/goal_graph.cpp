#include "actors/semantic/goal_graph.hpp"

#include <algorithm>
#include <exception>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#include <hnswlib/hnswlib.h>
#pragma GCC diagnostic pop

#include "actors/semantic/goal_embedding.hpp"

namespace tandem {
namespace {

constexpr std::size_t links = 16;
constexpr std::size_t width_of_building = 100;
constexpr std::size_t width_of_search = 64;
constexpr std::size_t first_capacity = 2'048;
/// Per place, used or not: a lock, a mark of visits, a level, a pointer to upper links.
constexpr std::size_t place_bytes = sizeof(std::mutex) + 2 + 4 + 8;
/// A node of the table from ids to places, and its bucket.
constexpr std::size_t table_bytes = 40;

/// hnswlib's own one has the instructions that it was built for.
class product_space final : public hnswlib::SpaceInterface<float> {
 public:
  explicit product_space(std::size_t dimension) : parameter_{dimension, inner_product_function()} {}

  std::size_t get_data_size() override { return parameter_.dimension * sizeof(float); }
  hnswlib::DISTFUNC<float> get_dist_func() override { return distance; }
  void* get_dist_func_param() override { return &parameter_; }

 private:
  struct parameter {
    std::size_t dimension;
    inner_product_call product;
  };

  static float distance(const void* a, const void* b, const void* with) {
    const auto& p = *static_cast<const parameter*>(with);
    return 1 - p.product(static_cast<const float*>(a), static_cast<const float*>(b), p.dimension);
  }

  parameter parameter_;
};

}  // namespace

struct goal_graph::state {
  state(std::size_t size, std::uint64_t seed)
      : dimension{size},
        space{size},
        graph{&space, first_capacity, links, width_of_building, static_cast<std::size_t>(seed)} {
    graph.setEf(width_of_search);
  }

  std::size_t dimension;
  product_space space;
  hnswlib::HierarchicalNSW<float> graph;
};

goal_graph::goal_graph(std::size_t dimension, std::uint64_t seed) {
  try {
    state_ = std::make_unique<state>(dimension, seed);
  } catch (const std::exception&) {
    // Without memory there is no graph; whatever is added is refused.
  }
}

goal_graph::~goal_graph() = default;

bool goal_graph::add(std::uint64_t id, std::span<const float> vector) {
  if (!state_ || vector.size() != state_->dimension) return false;
  auto& graph = state_->graph;
  try {
    if (graph.label_lookup_.contains(id)) return false;
    if (graph.cur_element_count >= graph.max_elements_) graph.resizeIndex(graph.max_elements_ * 2);
    graph.addPoint(vector.data(), id);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

bool goal_graph::remove(std::uint64_t id) {
  if (!state_) return false;
  try {
    state_->graph.markDelete(id);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

std::vector<float> goal_graph::vector_of(std::uint64_t id) const {
  if (!state_) return {};
  const auto& graph = state_->graph;
  auto found = graph.label_lookup_.find(id);
  if (found == graph.label_lookup_.end()) return {};
  const auto* data = reinterpret_cast<const float*>(graph.getDataByInternalId(found->second));
  return {data, data + state_->dimension};
}

std::vector<neighbour> goal_graph::nearest(std::span<const float> vector, std::size_t count) const {
  std::vector<neighbour> out;
  if (!state_ || vector.size() != state_->dimension) return out;
  try {
    auto found = state_->graph.searchKnn(vector.data(), count);
    for (; !found.empty(); found.pop()) out.push_back({found.top().second, 1 - found.top().first});
  } catch (const std::exception&) {
    out.clear();
  }
  std::reverse(out.begin(), out.end());
  return out;
}

std::size_t goal_graph::used() const noexcept {
  return state_ ? state_->graph.cur_element_count : 0;
}

std::size_t goal_graph::removed() const noexcept {
  return state_ ? state_->graph.num_deleted_ : 0;
}

std::size_t goal_graph::bytes() const noexcept {
  if (!state_) return 0;
  const auto& graph = state_->graph;
  std::size_t sum = graph.max_elements_ * place_bytes +
                    decltype(state_->graph)::max_update_element_locks * sizeof(std::mutex);
  for (std::size_t i = 0; i < graph.cur_element_count; ++i)
    sum +=
        graph.size_data_per_element_ + table_bytes +
        static_cast<std::size_t>(graph.element_levels_[i]) * (graph.size_links_per_element_ + 16);
  return sum;
}

std::size_t goal_graph::fixed_bytes() noexcept {
  return decltype(state::graph)::max_update_element_locks * sizeof(std::mutex) +
         first_capacity * place_bytes + sizeof(state);
}

std::size_t goal_graph::entry_bytes(std::size_t dimension) noexcept {
  // Capacity doubles: a place may stand empty beside each that is used. Upper links: one entry in
  // `links` has them, seldom more than twice over.
  return dimension * sizeof(float) + (2 * links + 1) * 4 + 8 + 2 * place_bytes + table_bytes +
         (links * 4 + 4 + 16) / 8;
}

}  // namespace tandem
