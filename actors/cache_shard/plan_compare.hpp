#pragma once

#include <string_view>

namespace tandem {

/// Whether two plans would do the same: the same JSON, whatever spaces and order of keys. False
/// where one of them is none.
[[nodiscard]] bool is_same_plan(std::string_view a, std::string_view b);

}  // namespace tandem
