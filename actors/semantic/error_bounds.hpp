#pragma once

#include <cstddef>

namespace tandem {

/// Clopper and Pearson's exact bounds of a rate of which `wrong` of `count` were seen, one-sided.
/// `confidence` in (0, 1). Without any seen: 1 and 0.
[[nodiscard]] double upper_error_bound(std::size_t wrong, std::size_t count, double confidence);
[[nodiscard]] double lower_error_bound(std::size_t wrong, std::size_t count, double confidence);

/// How many must be right, none wrong, until the upper bound is at most `max_error`.
[[nodiscard]] std::size_t least_labels(double max_error, double confidence);

}  // namespace tandem
