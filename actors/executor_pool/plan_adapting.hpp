#pragma once

#include <string>
#include <string_view>

#include "schema/cache.capnp.h"
#include "schema/types.hpp"

namespace tandem {

/// Numbers of attempts that put a near plan into other words: nobody's, like those of
/// `refresh_bit`.
inline constexpr std::uint32_t adapt_bit = 0x5000'0000;

/// The call of a small model, of this tier, that writes the plan of a near goal in the words of the
/// goal that `call` is to plan. It has the same template and schema as any plan.
[[nodiscard]] tmsg::attempt adapting_attempt(schema::Attempt::Reader call,
                                             schema::CacheEntry::Reader near,
                                             std::string_view tier);

struct adapted_plan {
  std::string text;
  /// Why it is not to be used, in a few words; empty: it is.
  std::string problem;
};

/// What was written instead of the near plan. It must have the same steps: ids, kinds, tools,
/// dependencies and placeholders; and the words of each prompt must pass the guards of near goals
/// (numbers, names, negations and so on) against those that they take the place of.
[[nodiscard]] adapted_plan read_adapted(std::string_view near, std::string_view written);

/// Whether it is worth a call to adapt a plan: after each one in a row that could not be used,
/// twice as many are left out, up to 64.
class adapting_rule {
 public:
  [[nodiscard]] bool take() {
    if (left_out_ == 0) return true;
    --left_out_;
    return false;
  }
  void on_adapted(bool usable) {
    failed_ = usable ? 0 : failed_ + (failed_ < 6 ? 1u : 0u);
    left_out_ = usable ? 0 : 1u << failed_;
  }

 private:
  unsigned failed_ = 0;
  unsigned left_out_ = 0;
};

}  // namespace tandem
