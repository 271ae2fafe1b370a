#pragma once

#include <vector>

#include "actors/openai/client_chat.hpp"
#include "actors/trace/trace_context.hpp"
#include "nodes/web/web_context.hpp"

namespace tandem {

/// The job that a request asks for, whatever the path: its tenant and the most of its priority are
/// the key's; `Idempotency-Key` is the client key where the options name none.
[[nodiscard]] tmsg::submit make_submit(const web_call& call, const std::vector<client_turn>& turns,
                                       const tandem_options& options, const trace_context& trace);

}  // namespace tandem
