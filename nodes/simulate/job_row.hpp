#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "nodes/simulate/work.hpp"

namespace tandem::simulation {

/// Steps of one job; what more there is is refused.
inline constexpr std::size_t job_row_steps_max = 1024;

enum class row_read : std::uint8_t {
  ok,
  /// A job that never had an attempt: nothing is known of what it would have asked for.
  left_out,
  wrong,
};

/// Whether a line looks like one of `tandem jobs export`.
[[nodiscard]] bool is_job_row(std::string_view line);

/// One line of `tandem jobs export` (see nodes/cli/job_export.hpp), as the job that it was: the
/// steps that were done, with what each needed, its kind, what its model read and wrote. Steps of
/// plans that were given up are left out. A job without steps is read as a call.
/// What the export does not have is put in its place: the plan's text is spread evenly over the
/// steps, and a step that a cache answered has the mean size of the others. Of each step it is
/// noted whether a model of `small_tier` did it right: not, where its output did not fit or a
/// larger model had to do it; right, where it did it and somebody said that the whole job was
/// right; else unknown. The job is verified when an output was refused. `wrong`: `problem` says
/// why.
[[nodiscard]] row_read read_job_row(simdjson::dom::parser& parser, std::string_view line,
                                    std::string_view small_tier, work_item& out,
                                    std::string& problem);

}  // namespace tandem::simulation
