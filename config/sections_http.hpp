#pragma once

#include "actors/alarm/alarm_config.hpp"
#include "actors/gateway/gateway_config.hpp"
#include "actors/trace/trace_config.hpp"
#include "config/binder.hpp"

namespace tandem {

// `[http]`, `[alarms]` and `[traces]`, bound to their structs.
[[nodiscard]] config_fields bind_gateway(gateway_config& c);
[[nodiscard]] config_fields bind_alarms(alarm_config& c);
[[nodiscard]] config_fields bind_traces(trace_config& c);

}  // namespace tandem
