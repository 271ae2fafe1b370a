#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace tandem {

/// As people count: runs of digits by their number, the rest by bytes. `2` < `10`, `v1.9` <
/// `v1.10`.
[[nodiscard]] std::strong_ordering compare_versions(std::string_view a, std::string_view b);

/// What is wrong with a version's name (1 to 64 of letters, digits, `.`, `_`, `-`, `+`; none that
/// begins with a dot or a dash); empty: nothing.
[[nodiscard]] std::string why_no_version(std::string_view name);

/// The one after `newest`: its last number counted up; `1` after nothing.
[[nodiscard]] std::string next_version(std::string_view newest);

}  // namespace tandem
