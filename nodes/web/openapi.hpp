#pragma once

#include <string_view>

namespace tandem {

/// nodes/web/openapi.json, as it was built in.
[[nodiscard]] std::string_view openapi_json() noexcept;

}  // namespace tandem
