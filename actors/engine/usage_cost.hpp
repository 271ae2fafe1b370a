#pragma once

#include "actors/engine/backend.hpp"
#include "schema/common.capnp.h"
#include "schema/decision.capnp.h"

namespace tandem {

/// Tokens and money of one call: at the chosen model's prices, and what the same tokens cost at the
/// large tier's.
inline void write_usage(schema::Usage::Builder usage, const generation& result,
                        schema::Decision::Reader decision) {
  usage.setPromptTokens(result.prompt_tokens);
  usage.setCachedPromptTokens(result.cached_prompt_tokens);
  usage.setCompletionTokens(result.completion_tokens);
  usage.setCalls(1);
  auto cost = [&](std::int64_t input_price, std::int64_t output_price) {
    return static_cast<std::int64_t>(result.prompt_tokens) * input_price +
           static_cast<std::int64_t>(result.completion_tokens) * output_price;
  };
  usage.setCostNanousd(cost(decision.getInputPriceNanousd(), decision.getOutputPriceNanousd()));
  usage.setCostAllLargeNanousd(
      cost(decision.getLargeInputPriceNanousd(), decision.getLargeOutputPriceNanousd()));
}

}  // namespace tandem
