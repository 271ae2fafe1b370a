#pragma once

#include "nodes/economics/assessment.hpp"

namespace tandem {

/// The first reason that applies decides: what is computed before what is merely said, and what
/// speaks against it before what asks for care.
[[nodiscard]] assess_verdict judge(const assess_inputs& inputs, const scenario& now,
                                   const assessment& so_far);

}  // namespace tandem
