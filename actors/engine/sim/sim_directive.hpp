#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "schema/errc.hpp"

namespace tandem {

/// What a prompt may ask of a simulated engine: a JSON object behind the word `@sim`, to the end of
/// the line. Keys of wrong types and unknown ones are ignored.
///   @sim {"reply":"42","ms":120,"error":"engine_failed","fail_first":2,"cut":true}
///   @sim {"status":429,"retry_after_ms":500}   @sim {"stall":true}   @sim {"cut_after":12}
///   @sim {"tokens":200,"slow":4,"difficulty":0.7,"wrong":true,"usage":3}
///   @sim {"prompt_tokens":900}
struct sim_directive {
  /// The text to answer with.
  std::string reply;
  bool has_reply = false;
  /// How many tokens the reply has, or counts as where it is worded; 0: as it comes.
  std::uint32_t tokens = 0;
  /// How many tokens the prompt has; 0: as its bytes say.
  std::uint32_t prompt_tokens = 0;
  /// How long the call takes; negative: as the profile says.
  double ms = -1;
  /// The call's times are multiplied by this.
  double slow = 1;
  /// The call fails with this error. `status` names it by HTTP's codes: 429 is `overloaded`, 503
  /// `unavailable`, other 4xx `invalid_argument`, other 5xx `engine_failed`.
  errc error = errc::unknown;
  std::chrono::milliseconds retry_after{0};
  /// It is never answered.
  bool stall = false;
  /// It breaks off with `engine_failed` after so many tokens; negative: it does not.
  std::int64_t cut_after = -1;
  /// Only the first so many calls with this prompt fail, stall, break off or are wrong; 0: all.
  std::uint32_t fail_first = 0;
  /// The answer is wrong.
  bool wrong = false;
  /// 0 to 1, against the engine's quality; negative: by the prompt's hash.
  double difficulty = -1;
  /// Reported token counts are multiplied by this; negative: as the config says.
  double usage = -1;
  /// The reply is cut at its token limit.
  bool cut = false;
  /// Why the directive is not usable; empty: it is, or there is none.
  std::string problem;

  [[nodiscard]] bool has_fault() const {
    return error != errc::unknown || stall || cut_after >= 0 || wrong;
  }
};

[[nodiscard]] sim_directive parse_sim_directive(std::string_view prompt);

}  // namespace tandem
