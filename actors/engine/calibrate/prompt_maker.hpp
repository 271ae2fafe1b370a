#pragma once

#include <algorithm>
#include <cmath>

#include <caf/error.hpp>

#include "actors/engine/calibrate/call_meter.hpp"
#include "actors/engine/calibrate/filler_text.hpp"

namespace tandem {

/// Prompts of about as many tokens as wished, for a server whose tokens nobody knows beforehand.
class prompt_maker {
 public:
  explicit prompt_maker(std::uint64_t seed) : text_{seed} {}

  /// Asks how many tokens a word is, and how many every prompt has besides.
  [[nodiscard]] caf::error learn_size(call_meter& meter) {
    constexpr double few = 8;
    constexpr double many = 72;
    auto size_of = [&](double words) {
      auto round = meter.measure({{0, text_.words(static_cast<std::size_t>(words)), 1}});
      return round.front();
    };
    auto small = size_of(few);
    auto large = size_of(many);
    for (const auto& call : {small, large})
      if (call.code != errc::unknown) return make_error(call.code, call.error);
    tokens_per_word_ = std::max(0.25, (large.prompt_tokens - small.prompt_tokens) / (many - few));
    fixed_ = std::max(0.0, small.prompt_tokens - few * tokens_per_word_);
    return {};
  }

  [[nodiscard]] std::size_t words_in(double tokens) const {
    return static_cast<std::size_t>(
        std::max(1.0, std::round((tokens - fixed_) / tokens_per_word_)));
  }
  /// Of a text that came from here.
  [[nodiscard]] double tokens_in(const std::string& text) const {
    auto words = std::count(text.begin(), text.end(), ' ') + 1;
    return fixed_ + tokens_per_word_ * static_cast<double>(words);
  }
  [[nodiscard]] std::string of_tokens(double tokens) { return text_.words(words_in(tokens)); }
  [[nodiscard]] filler_text& text() { return text_; }

 private:
  filler_text text_;
  double tokens_per_word_ = 1.5;
  double fixed_ = 0;
};

}  // namespace tandem
