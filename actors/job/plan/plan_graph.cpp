#include "actors/job/plan/plan_graph.hpp"

#include <algorithm>
#include <string>

namespace tandem::plan {
namespace {

// Below this many nodes and edges chains are exact at every call.
constexpr std::size_t small_graph = 64;

}  // namespace

plan_graph::plan_graph(const limits& bounds) : bounds_(bounds) {}

plan_graph::node* plan_graph::find(std::uint32_t id) {
  const auto found = places_.find(id);
  return found == places_.end() ? nullptr : &nodes_[found->second];
}

const plan_graph::node* plan_graph::find(std::uint32_t id) const {
  const auto found = places_.find(id);
  return found == places_.end() ? nullptr : &nodes_[found->second];
}

std::optional<plan_error> plan_graph::add_step(std::uint32_t id,
                                               std::span<const std::uint32_t> depends_on) {
  const auto refuse = [id](plan_errc code, const std::string& text) {
    return plan_error{code, "step " + std::to_string(id) + ": " + text, 0, id};
  };
  if (id == 0 || id > step_id_max) {
    return refuse(plan_errc::bad_id, "ids are from 1 to " + std::to_string(step_id_max));
  }
  if (id <= closed_id_ || places_.count(id) != 0) {
    return refuse(plan_errc::duplicate_id,
                  "the id was used before; go on behind " + std::to_string(last_id_));
  }
  if (epoch_steps_ >= bounds_.steps_max || nodes_.size() >= bounds_.job_steps_max) {
    return refuse(plan_errc::too_many_steps,
                  "at most " + std::to_string(bounds_.steps_max) + " steps in a plan and " +
                      std::to_string(bounds_.job_steps_max) + " in a job");
  }
  if (depends_on.size() > bounds_.depends_max) {
    return refuse(plan_errc::too_many_dependencies,
                  "at most " + std::to_string(bounds_.depends_max) + " dependencies");
  }
  for (std::size_t i = 0; i < depends_on.size(); ++i) {
    const std::uint32_t to = depends_on[i];
    if (to == id) return refuse(plan_errc::cycle, "it depends on itself");
    const auto before = depends_on.first(i);
    if (places_.count(to) == 0 || std::find(before.begin(), before.end(), to) != before.end()) {
      return refuse(plan_errc::unknown_reference,
                    "it depends on step " + std::to_string(to) + ", which is unknown or repeated");
    }
  }

  const auto place = static_cast<std::uint32_t>(nodes_.size());
  node added;
  added.id = id;
  for (const std::uint32_t to : depends_on) {
    node& needed = nodes_[places_.at(to)];
    needed.dependents.push_back(place);
    if (needed.state != step_state::done) ++added.missing;
  }
  const bool ready = added.missing == 0;
  nodes_.push_back(std::move(added));
  places_.emplace(id, place);
  last_id_ = std::max(last_id_, id);
  ++epoch_steps_;
  size_ += 1 + depends_on.size();
  grown_ += 1 + depends_on.size();
  work_ += 1 + depends_on.size();
  if (ready) make_ready(place);
  return std::nullopt;
}

void plan_graph::make_ready(std::uint32_t place) {
  node& at = nodes_[place];
  at.state = step_state::ready;
  ++ready_count_;
  if (at.queued) return;
  at.queued = true;
  ready_.push_back({at.chain, at.id, place});
  std::push_heap(ready_.begin(), ready_.end(), less_urgent());
}

void plan_graph::update_chains() {
  const bool due = size_ <= small_graph ? grown_ != 0 : grown_ * 8 >= size_;
  if (!due) return;
  grown_ = 0;
  work_ += size_;
  for (auto at = nodes_.rbegin(); at != nodes_.rend(); ++at) {
    at->chain = 0;
    for (const std::uint32_t next : at->dependents) {
      at->chain = std::max(at->chain, nodes_[next].chain + 1);
    }
  }
  for (candidate& each : ready_) each.chain = nodes_[each.place].chain;
  std::make_heap(ready_.begin(), ready_.end(), less_urgent());
}

std::vector<std::uint32_t> plan_graph::take_ready(std::size_t count_max) {
  std::vector<std::uint32_t> taken;
  if (ready_count_ > 1) update_chains();
  while (taken.size() < count_max && !ready_.empty()) {
    std::pop_heap(ready_.begin(), ready_.end(), less_urgent());
    node& at = nodes_[ready_.back().place];
    ready_.pop_back();
    at.queued = false;
    ++work_;
    if (at.state != step_state::ready) continue;
    at.state = step_state::taken;
    --ready_count_;
    ++taken_;
    taken.push_back(at.id);
  }
  return taken;
}

void plan_graph::leave(step_state old) {
  if (old == step_state::ready) --ready_count_;
  if (old == step_state::taken) --taken_;
  if (old == step_state::failed) --failed_;
}

bool plan_graph::mark_done(std::uint32_t id) {
  node* at = find(id);
  if (at == nullptr || at->state == step_state::done) return false;
  leave(at->state);
  at->state = step_state::done;
  ++done_;
  for (const std::uint32_t place : at->dependents) {
    ++work_;
    node& next = nodes_[place];
    --next.missing;
    if (next.missing == 0 && next.state == step_state::waiting) make_ready(place);
  }
  return true;
}

bool plan_graph::mark_failed(std::uint32_t id) {
  node* at = find(id);
  if (at == nullptr || at->state == step_state::done || at->state == step_state::failed)
    return false;
  leave(at->state);
  at->state = step_state::failed;
  ++failed_;
  return true;
}

bool plan_graph::requeue(std::uint32_t id) {
  const auto found = places_.find(id);
  if (found == places_.end()) return false;
  node& at = nodes_[found->second];
  if (at.state != step_state::taken && at.state != step_state::failed) return false;
  leave(at.state);
  if (at.missing == 0) {
    make_ready(found->second);
  } else {
    at.state = step_state::waiting;
  }
  return true;
}

std::vector<std::uint32_t> plan_graph::abandon_unfinished() {
  std::vector<std::uint32_t> under_way;
  std::vector<node> kept;
  kept.reserve(done_);
  places_.clear();
  // Edges among what is done are never walked again, except to tell who depended on whom.
  std::vector<std::optional<std::uint32_t>> moved(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].state == step_state::taken) under_way.push_back(nodes_[i].id);
    if (nodes_[i].state != step_state::done) continue;
    moved[i] = static_cast<std::uint32_t>(kept.size());
    places_.emplace(nodes_[i].id, *moved[i]);
    kept.push_back(std::move(nodes_[i]));
    kept.back().queued = false;
  }
  work_ += size_;
  size_ = kept.size();
  for (node& each : kept) {
    std::vector<std::uint32_t> still;
    for (const std::uint32_t place : each.dependents) {
      if (moved[place]) still.push_back(*moved[place]);
    }
    each.dependents = std::move(still);
    size_ += each.dependents.size();
  }
  nodes_ = std::move(kept);
  ready_.clear();
  ready_count_ = taken_ = failed_ = epoch_steps_ = 0;
  grown_ = size_;
  closed_id_ = last_id_;
  return under_way;
}

std::optional<step_state> plan_graph::state_of(std::uint32_t id) const {
  const node* at = find(id);
  return at == nullptr ? std::nullopt : std::optional(at->state);
}

std::vector<std::uint32_t> plan_graph::dependents(std::uint32_t id) const {
  std::vector<std::uint32_t> ids;
  if (const node* at = find(id)) {
    for (const std::uint32_t place : at->dependents) ids.push_back(nodes_[place].id);
  }
  return ids;
}

std::vector<std::uint32_t> plan_graph::blocked_by(std::uint32_t id) const {
  const auto found = places_.find(id);
  if (found == places_.end()) return {};
  std::vector<std::uint32_t> ids;
  std::vector<bool> reached(nodes_.size(), false);
  reached[found->second] = true;
  // One pass suffices: dependents lie behind what they depend on.
  for (std::size_t i = found->second; i < nodes_.size(); ++i) {
    if (!reached[i]) continue;
    if (i != found->second) ids.push_back(nodes_[i].id);
    for (const std::uint32_t next : nodes_[i].dependents) reached[next] = true;
  }
  return ids;
}

std::vector<std::uint32_t> plan_graph::finished() const {
  std::vector<std::uint32_t> ids;
  ids.reserve(done_);
  for (const node& each : nodes_) {
    if (each.state == step_state::done) ids.push_back(each.id);
  }
  return ids;
}

}  // namespace tandem::plan
