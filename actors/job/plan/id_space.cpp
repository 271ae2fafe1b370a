#include "actors/job/plan/id_space.hpp"

#include <algorithm>

#include "actors/job/plan/prompt_template.hpp"

namespace tandem::plan {

id_space::id_space(const limits& bounds, const id_scope& scope)
    : bounds_(bounds),
      last_id_(scope.last_id),
      finished_(scope.finished.begin(), scope.finished.end()) {}

bool id_space::known(std::uint32_t written) const {
  return own_.count(written + shift_) != 0 || (shift_ == 0 && finished_.count(written) != 0);
}

std::optional<plan_error> id_space::check_id(const step& next, std::size_t offset) const {
  if (shift_ > step_id_max || next.id > step_id_max - shift_) {
    return make_error(plan_errc::bad_id, offset, next.id,
                      "the id is too high; number the steps of a new plan from " +
                          std::to_string(std::min(last_id_, step_id_max - 1) + 1));
  }
  if (own_.count(next.id + shift_) != 0) {
    return make_error(plan_errc::duplicate_id, offset, next.id,
                      "another step has this id already; give each step its own");
  }
  if (shift_ == 0 && next.id <= last_id_) {
    return make_error(plan_errc::duplicate_id, offset, next.id,
                      "ids up to " + std::to_string(last_id_) +
                          " belong to earlier plans of this job; number from " +
                          std::to_string(last_id_ + 1));
  }
  return std::nullopt;
}

plan_error id_space::bad_reference(const step& next, std::uint32_t to, std::size_t offset) const {
  const std::string name = std::to_string(to);
  if (to == next.id) {
    return make_error(
        plan_errc::cycle, offset, next.id,
        "the step depends on itself, which is a cycle; take " + name + " out of its depends_on");
  }
  if (shift_ == 0 && to <= last_id_) {
    return make_error(plan_errc::unknown_reference, offset, next.id,
                      "depends on step " + name +
                          " of an earlier plan, which has no result; do its work in a new step");
  }
  if (to > next.id) {
    return make_error(plan_errc::forward_reference, offset, next.id,
                      "depends on the later step " + name +
                          ", which could close a cycle; write step " + name +
                          " first, and refer only to steps before");
  }
  return make_error(plan_errc::unknown_reference, offset, next.id,
                    "depends on step " + name + ", which was not defined before it; define step " +
                        name + " first or take it out of depends_on");
}

std::optional<plan_error> id_space::admit(step& next, std::size_t offset) {
  if (own_.empty()) shift_ = next.id > last_id_ ? 0 : last_id_;
  if (auto failed = check_id(next, offset)) return failed;
  for (const std::uint32_t to : next.depends_on) {
    if (to == next.id || !known(to)) return bad_reference(next, to, offset);
  }
  if (shift_ != 0) {
    auto prompt = renumber(next.prompt, next.depends_on, shift_, bounds_.step_bytes_max);
    if (auto* failed = std::get_if<plan_error>(&prompt)) {
      const auto code =
          failed->code == plan_errc::text_too_large ? plan_errc::step_too_large : failed->code;
      return make_error(code, offset, next.id, "in its prompt, " + failed->message);
    }
    next.prompt = std::get<std::string>(std::move(prompt));
    for (auto& id : next.depends_on) id += shift_;
    next.id += shift_;
  }
  own_.insert(next.id);
  newest_ = next.id;
  return std::nullopt;
}

result<answer> id_space::resolve(std::optional<answer> given, std::size_t offset) const {
  answer made = given ? std::move(*given) : answer{newest_ - shift_, {}, {}};
  if (made.step_id) {
    if (!known(*made.step_id)) {
      return make_error(plan_errc::bad_answer, offset, 0,
                        "\"answer\" names step " + std::to_string(*made.step_id) +
                            ", which is not in the plan; name one that is");
    }
    *made.step_id += shift_;
    made.depends_on = {*made.step_id};
    return made;
  }
  for (const std::uint32_t id : references(made.compose)) {
    if (known(id)) made.depends_on.push_back(id);
  }
  if (shift_ != 0) {
    auto prompt = renumber(made.compose, made.depends_on, shift_, bounds_.compose_bytes_max);
    if (auto* failed = std::get_if<plan_error>(&prompt)) {
      return make_error(failed->code, offset, 0, "in \"compose\", " + failed->message);
    }
    made.compose = std::get<std::string>(std::move(prompt));
    for (auto& id : made.depends_on) id += shift_;
  }
  return made;
}

}  // namespace tandem::plan
