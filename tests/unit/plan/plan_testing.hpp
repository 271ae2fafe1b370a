// Helpers of the plan tests: parse in one go or in pieces, and compare outcomes.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/job/plan/plan_parser.hpp"

namespace tandem::plan::testing {

struct outcome {
  std::vector<step> steps;
  std::optional<answer> final_answer;
  std::optional<plan_error> error;

  bool operator==(const outcome&) const = default;
};

inline outcome finish(plan_parser& parser, std::vector<step> steps) {
  outcome seen{std::move(steps), {}, {}};
  auto end = parser.finish();
  if (auto* failed = std::get_if<plan_error>(&end)) {
    seen.error = *failed;
  } else {
    seen.final_answer = std::get<answer>(end);
  }
  return seen;
}

inline outcome parse(std::string_view text, const limits& bounds = {}, const id_scope& scope = {},
                     std::span<const std::string> tools = {}) {
  plan_parser parser(bounds, scope, tools);
  std::vector<step> steps;
  (void)parser.feed(text, steps);
  return finish(parser, std::move(steps));
}

inline outcome parse_in_pieces(std::string_view text, std::size_t piece, const limits& bounds = {},
                               const id_scope& scope = {}) {
  plan_parser parser(bounds, scope);
  std::vector<step> steps;
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    (void)parser.feed(text.substr(0, piece), steps);
  }
  return finish(parser, std::move(steps));
}

// The error that parsing must end in; the test fails where it does not.
inline plan_error error_of(const outcome& seen) {
  EXPECT_TRUE(seen.error.has_value());
  return seen.error.value_or(plan_error{});
}

inline std::string one_step(std::string_view fields) {
  return "{\"steps\":[{" + std::string(fields) + "}]}";
}

// n steps in a row, each depending on the one before it.
inline std::string chain_plan(std::size_t count) {
  std::string text = "{\"steps\":[";
  for (std::size_t i = 1; i <= count; ++i) {
    if (i > 1) text += ',';
    text += "{\"id\":" + std::to_string(i) + ",\"kind\":\"k\",\"prompt\":\"go\",\"depends_on\":[";
    if (i > 1) text += std::to_string(i - 1);
    text += "]}";
  }
  return text + "]}";
}

}  // namespace tandem::plan::testing
