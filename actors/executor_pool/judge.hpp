#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <caf/expected.hpp>

#include "schema/attempt.capnp.h"
#include "schema/errc.hpp"

namespace tandem {

struct judge_message {
  schema::Role role = schema::Role::UNKNOWN;
  std::string content;
};

/// What a judging model is asked: whether `output`, a reply to `prompt`, satisfies `rubric`. Prompt
/// and output stand between fences that are made from their own hash, so that neither can close
/// them, and the judge is told that they are data. Overlong ones are cut in the middle, with a word
/// about it.
[[nodiscard]] std::vector<judge_message> judge_messages(std::string_view rubric,
                                                        std::string_view prompt,
                                                        std::string_view output);

/// The JSON schema of a judge's reply, for servers that can constrain theirs.
[[nodiscard]] const std::string& judge_schema();

struct verdict {
  bool pass = false;
  /// 0 to 1.
  float score = 0;
  std::string reason;
};

/// `invalid_output`: the judge did not answer in its form (prose, a missing or repeated key, a
/// score out of range), and so there is no verdict. One code fence around the JSON is forgiven.
[[nodiscard]] caf::expected<verdict> read_verdict(std::string_view text);

/// Whether an output is among the `share` (0 to 1) that is really judged. The same for the same
/// seed, such as an attempt's fence.
[[nodiscard]] bool should_judge(double share, std::uint64_t seed);

}  // namespace tandem
