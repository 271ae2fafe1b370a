#pragma once

#include <cstdint>

#include "schema/common.capnp.h"

namespace tandem {

/// Tokens and money that may be spent, or are reserved. In a limit, 0 means that there is none.
struct budget {
  std::uint64_t tokens = 0;
  std::int64_t cost_nanousd = 0;

  [[nodiscard]] bool limited() const { return tokens != 0 || cost_nanousd != 0; }
  friend bool operator==(const budget&, const budget&) = default;
};

[[nodiscard]] inline budget read_budget(schema::Budget::Reader from) {
  return {from.getTokens(), from.getCostNanousd()};
}

/// More tokens than a prompt can have: each is a byte at least, and chat templates add a few to
/// every message.
[[nodiscard]] constexpr std::uint64_t prompt_tokens_bound(std::uint64_t bytes,
                                                          std::uint64_t messages) {
  return bytes + 16 * messages + 64;
}

/// More than a call can cost; prices in 1e-9 US dollars a token.
[[nodiscard]] constexpr budget call_bound(std::uint64_t prompt_tokens, std::uint64_t max_tokens,
                                          std::int64_t input_price, std::int64_t output_price) {
  return {prompt_tokens + max_tokens, static_cast<std::int64_t>(prompt_tokens) * input_price +
                                          static_cast<std::int64_t>(max_tokens) * output_price};
}

/// Whether `bound` stays within `limit`; a limit of 0 allows all.
[[nodiscard]] constexpr bool fits(const budget& bound, const budget& limit) {
  return (limit.tokens == 0 || bound.tokens <= limit.tokens) &&
         (limit.cost_nanousd == 0 || bound.cost_nanousd <= limit.cost_nanousd);
}

}  // namespace tandem
