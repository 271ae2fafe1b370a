#pragma once

#include <cstdint>
#include <string>

namespace tandem::cli {

// Numbers of learners for people; `?` for what is none (a damaged node may say anything).

/// `0.500`; above a billion in powers of ten.
[[nodiscard]] std::string fixed_number(double number, int digits);
/// As printf has it, up to 47 characters.
[[nodiscard]] std::string formatted(double number, const char* form = "%.3f");
/// `+0.0120`
[[nodiscard]] std::string signed_number(double number, int digits);
/// `5%`, `0.2%`
[[nodiscard]] std::string percent(double share);
[[nodiscard]] std::string human_duration_us(std::uint64_t us);

}  // namespace tandem::cli
