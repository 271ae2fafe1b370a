// How the steps of one plan relate to each other and to earlier epochs of the same job: which ids
// exist, which may be referred to, and which number a planner's number stands for.
//
// A planner that goes on numbering (its first id lies above `last_id`) is taken at its word and may
// refer to finished steps of earlier epochs. One that numbers from 1 again has all its ids,
// references and declared placeholders raised by `last_id`, and can refer to its own steps only.
// Since every reference must be to a step seen before, no cycle can arise.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "actors/job/plan/plan.hpp"

namespace tandem::plan {

// What earlier epochs of the job leave behind. Nothing for its first plan.
struct id_scope {
  std::uint32_t last_id = 0;                // the highest id that the job ever used
  std::span<const std::uint32_t> finished;  // steps with results; only read during construction
};

class id_space {
 public:
  id_space(const limits& bounds, const id_scope& scope);

  // Checks the ids of a step that has been read, and turns them into final ones, its prompt's too.
  [[nodiscard]] std::optional<plan_error> admit(step& next, std::size_t offset);
  // The same for the answer, when all steps are known; without one it is the last step's result.
  [[nodiscard]] result<answer> resolve(std::optional<answer> given, std::size_t offset) const;
  [[nodiscard]] std::size_t size() const { return own_.size(); }

 private:
  [[nodiscard]] bool known(std::uint32_t written) const;
  [[nodiscard]] std::optional<plan_error> check_id(const step& next, std::size_t offset) const;
  [[nodiscard]] plan_error bad_reference(const step& next, std::uint32_t to,
                                         std::size_t offset) const;

  limits bounds_;
  std::uint32_t last_id_;
  std::unordered_set<std::uint32_t> finished_;
  std::unordered_set<std::uint32_t> own_;  // final ids of this plan
  std::uint32_t newest_ = 0;               // final id of the step admitted last
  std::uint32_t shift_ = 0;
};

}  // namespace tandem::plan
