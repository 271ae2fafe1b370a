#pragma once

#include <functional>
#include <string_view>

namespace tandem {

/// Calls `sample` for each line `name{labels} value` of a Prometheus text that can be read; labels
/// are skipped, values that are no finite numbers too. Pure; for any bytes.
void read_prometheus(std::string_view text,
                     const std::function<void(std::string_view name, double value)>& sample);

}  // namespace tandem
