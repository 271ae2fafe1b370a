#pragma once

#include <string>
#include <string_view>

#include "schema/common.capnp.h"

namespace tandem {

/// Why `output` does not fit `check`; empty: it does. Kinds: `number` (a decimal number and nothing
/// else), `exact`, `contains`, `regex` (RE2, matched against the whole). An unknown kind or a bad
/// expression is a misfit that says so.
[[nodiscard]] std::string misfit(schema::Check::Reader check, std::string_view output);

}  // namespace tandem
