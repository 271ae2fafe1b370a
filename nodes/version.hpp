#pragma once

namespace tandem {

inline constexpr const char* version = TANDEM_VERSION;

}  // namespace tandem
