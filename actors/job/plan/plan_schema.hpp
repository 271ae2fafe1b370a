// The plan language as a JSON schema, for engines that can hold a model to one (`response_format`).
// It says what grammars can say; the parser checks the rest.
#pragma once

#include <span>
#include <string>

#include "actors/job/plan/plan.hpp"

namespace tandem::plan {

// `steps` comes before `answer`, so that steps stream while the plan is being written. Lengths of
// prompts are left to the parser, since grammar engines unroll them. With no tools, `tool` is not
// offered.
[[nodiscard]] std::string plan_json_schema(const limits& bounds,
                                           std::span<const std::string> tools = {});

}  // namespace tandem::plan
