// Reads the complete JSON text of one step, of the answer or of another value: types, sizes and
// tools, but not how steps relate (see id_space.hpp). Ids are those which the planner wrote.
// Unknown keys are ignored, known keys may come once and in any order; null stands for an optional
// key left out. Texts given to it are non-const so that they can get the parser's padding; their
// content stays.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "actors/job/plan/plan.hpp"

namespace tandem::plan {

class step_reader {
 public:
  step_reader(const limits& bounds, std::span<const std::string> tools);
  ~step_reader();

  // `offset` is where the text starts in the stream, for messages.
  [[nodiscard]] result<step> read_step(std::string& json, std::size_t offset);
  // Nothing for null: the default is for the caller to choose.
  [[nodiscard]] result<std::optional<answer>> read_answer(std::string& json, std::size_t offset);
  [[nodiscard]] result<std::string> read_key(std::string& json, std::size_t offset);
  [[nodiscard]] std::optional<plan_error> check_value(std::string& json, std::size_t offset);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace tandem::plan
