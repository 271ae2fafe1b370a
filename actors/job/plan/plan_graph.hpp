// The steps of one job as a graph that is executed while it still grows: what is ready, what is
// under way, what is done, over all epochs. Holds ids only, no texts. Not thread-safe: one job, one
// owner.
//
// Readiness costs O(edges) over the whole life of the job, not per call. Ready steps come out with
// the longest known chain of dependents first, ties by the lower id. Chain lengths are recomputed
// when steps are taken and the graph has grown: at each growth while it is small, then at each
// growth by an eighth, so that this too stays linear in the size of the graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "actors/job/plan/plan.hpp"

namespace tandem::plan {

enum class step_state : std::uint8_t {
  waiting = 1,  // for dependencies
  ready,        // can be taken
  taken,        // an attempt is under way
  done,
  failed,  // gave up on; what depends on it stays waiting
};

class plan_graph {
 public:
  explicit plan_graph(const limits& bounds = {});

  // `depends_on` are final ids, each once, of steps of this graph.
  // Errors: bad_id, duplicate_id (also ids of abandoned epochs), unknown_reference, cycle,
  // too_many_steps, too_many_dependencies. On an error nothing has changed.
  [[nodiscard]] std::optional<plan_error> add_step(std::uint32_t id,
                                                   std::span<const std::uint32_t> depends_on);

  // Takes up to `count_max` ready steps; they count as under way from then on.
  [[nodiscard]] std::vector<std::uint32_t> take_ready(
      std::size_t count_max = std::numeric_limits<std::size_t>::max());

  // Each says whether it changed anything; a late or repeated report, or one about a step of an
  // abandoned epoch, does not. A result may also come without its step having been taken (recovery,
  // a plan cache).
  bool mark_done(std::uint32_t id);
  bool mark_failed(std::uint32_t id);
  // A taken or failed step becomes ready once more.
  bool requeue(std::uint32_t id);

  // Starts a new epoch: forgets every step that is not done. Returns those that were under way, so
  // that their attempts can be cancelled. Ids used so far are never accepted again.
  [[nodiscard]] std::vector<std::uint32_t> abandon_unfinished();

  [[nodiscard]] std::optional<step_state> state_of(std::uint32_t id) const;
  // Direct dependents, in the order in which they were added.
  [[nodiscard]] std::vector<std::uint32_t> dependents(std::uint32_t id) const;
  // All steps that need this one, directly or not, in the order in which they were added.
  [[nodiscard]] std::vector<std::uint32_t> blocked_by(std::uint32_t id) const;
  [[nodiscard]] std::vector<std::uint32_t> finished() const;  // in the order of adding

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] std::size_t remaining() const { return nodes_.size() - done_; }
  [[nodiscard]] std::size_t in_flight() const { return taken_; }
  [[nodiscard]] std::size_t failed() const { return failed_; }
  [[nodiscard]] bool all_done() const { return remaining() == 0; }
  // Nothing is ready or under way, yet steps remain: only requeue, new steps or a new epoch can
  // help.
  [[nodiscard]] bool stalled() const {
    return remaining() != 0 && taken_ == 0 && ready_count_ == 0;
  }
  [[nodiscard]] std::uint32_t last_id() const { return last_id_; }
  // Edges and nodes visited so far by everything that is not a plain query.
  [[nodiscard]] std::size_t work() const { return work_; }

 private:
  struct node {
    std::uint32_t id = 0;
    step_state state = step_state::waiting;
    bool queued = false;                    // has an entry in ready_
    std::uint32_t missing = 0;              // dependencies that are not done
    std::uint32_t chain = 0;                // known steps on the longest path of dependents
    std::vector<std::uint32_t> dependents;  // places in nodes_
  };
  struct candidate {
    std::uint32_t chain;
    std::uint32_t id;
    std::uint32_t place;
  };
  // Orders a heap: the longest chain, then the lowest id, on top.
  struct less_urgent {
    bool operator()(const candidate& a, const candidate& b) const {
      return a.chain != b.chain ? a.chain < b.chain : a.id > b.id;
    }
  };

  [[nodiscard]] node* find(std::uint32_t id);
  [[nodiscard]] const node* find(std::uint32_t id) const;
  void make_ready(std::uint32_t place);
  void leave(step_state old);
  void update_chains();

  limits bounds_;
  std::vector<node> nodes_;  // in the order of adding, which is a topological one
  std::unordered_map<std::uint32_t, std::uint32_t> places_;
  std::vector<candidate> ready_;  // a heap; entries whose step is not ready any more are skipped
  std::uint32_t last_id_ = 0;
  std::uint32_t closed_id_ = 0;  // ids up to here belong to earlier epochs
  std::size_t epoch_steps_ = 0;
  std::size_t done_ = 0;
  std::size_t taken_ = 0;
  std::size_t failed_ = 0;
  std::size_t ready_count_ = 0;
  std::size_t size_ = 0;   // nodes and edges
  std::size_t grown_ = 0;  // of these, since chains were computed
  std::size_t work_ = 0;
};

}  // namespace tandem::plan
