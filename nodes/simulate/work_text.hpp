#pragma once

#include <string>

#include "nodes/simulate/work.hpp"

namespace tandem::simulation {

/// Texts of the sizes that an item says, by which simulated engines know what to do (see
/// actors/engine/sim/sim_directive.hpp). Deterministic: equal items have equal texts.

/// What comes before the last message; of four bytes a token, what is not in blocks is like no
/// other text of another `number`.
void write_prefix(const work_item& item, std::uint64_t number, std::string& out);
/// The last message of a call: how much to answer, and how hard it is.
[[nodiscard]] std::string call_directive(const work_item& item, std::uint64_t number);
/// The last message of a job: the plan that its planner is to write.
[[nodiscard]] std::string job_directive(const work_item& item, std::uint64_t number);

/// Fits right answers of simulated engines, and no wrong one; for a check of kind `regex`.
inline constexpr const char* right_answer = "(?s)sim:.*";

}  // namespace tandem::simulation
