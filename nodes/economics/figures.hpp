#pragma once

#include <string>

namespace tandem {

/// `$41.82M`, `$12,346`, `$13.61`, `$0.0335`; a minus in front of the dollar.
[[nodiscard]] std::string usd(double amount);
/// Of a share: `60.9%`.
[[nodiscard]] std::string percent(double share);
/// Four significant digits at most, with commas: `14,630`, `5.3`, `0.144`.
[[nodiscard]] std::string figure(double number);
/// `2.3 s`, `95 ms`
[[nodiscard]] std::string milliseconds(double ms);

}  // namespace tandem
