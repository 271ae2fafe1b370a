#pragma once

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/warm_up/prefix_memory.hpp"

namespace tandem::testing {

/// `bytes` of text that no other name begins with.
inline std::string made_text(const std::string& name, std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; text.size() < bytes; ++i) text += name + std::to_string(i) + ' ';
  text.resize(bytes);
  return text;
}

inline std::vector<std::uint64_t> note(prefix_memory& memory, const std::string& prompt,
                                       double now_s = 0, const std::string& model = "tiny",
                                       std::uint64_t head_tokens = 0) {
  std::vector<prompt_part> parts{{"2", prompt}};
  std::vector<std::uint64_t> chain;
  memory.note({.model = model, .purpose = 2, .head_tokens = head_tokens, .messages = parts}, now_s,
              chain);
  return chain;
}

}  // namespace tandem::testing
