#pragma once

#include <string>

#include "nodes/cli/style.hpp"
#include "schema/types.hpp"

namespace tandem::cli {

/// `tandem weights list`: a row a version, then what is under way.
[[nodiscard]] std::string weights_text(schema::WeightReport::Reader report, const style& how);
[[nodiscard]] std::string weights_json(schema::WeightReport::Reader report);
/// `tandem weights status`: updates and transfers; one row an engine.
[[nodiscard]] std::string rolls_text(schema::WeightReport::Reader report, const style& how);
/// `tandem weights show`, `compare`.
[[nodiscard]] std::string version_text(schema::WeightReport::Reader report, const style& how);
[[nodiscard]] std::string difference_text(schema::WeightReport::Reader report, const style& how);

/// One line on how an update is: `executor 1 -> 2: rolling, 3 of 16 engines serve it`.
[[nodiscard]] std::string roll_line(schema::WeightRoll::Reader roll);
[[nodiscard]] bool is_over(schema::WeightRoll::Reader roll);

}  // namespace tandem::cli
