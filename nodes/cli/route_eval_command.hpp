#pragma once

#include "nodes/cli/command_line.hpp"
#include "nodes/cli/console.hpp"

namespace tandem::cli {

/// `tandem route eval LOG`: what policies would have been worth on exported decisions, without a
/// node. The arguments are `eval` and LOG (`-`: standard input); options: `policy` (may repeat;
/// none: all there are), `clip` (largest weight), `purpose` (only decisions of that one).
exit_code route_eval(const invocation& from, console& io);

}  // namespace tandem::cli
