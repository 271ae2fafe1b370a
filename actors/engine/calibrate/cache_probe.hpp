#pragma once

#include <cstdint>
#include <vector>

#include "actors/engine/calibrate/call_meter.hpp"
#include "actors/engine/calibrate/prompt_maker.hpp"

namespace tandem {

struct calibration_options;

struct measured_cache {
  bool has_cache = false;
  /// The server says itself what it had cached.
  bool tells_cached = false;
  /// Hits are whole multiples of it; 1 where single tokens hit.
  std::uint32_t block_tokens = 1;
  /// Roughly, by powers of two; 0: not measured.
  std::uint32_t capacity_tokens = 0;
  std::size_t calls = 0;
};

/// Whether an engine keeps what it has read of prompts: the same beginning again, by pieces that
/// grow, each followed by words of its own.
class cache_probe {
 public:
  cache_probe(call_meter& meter, prompt_maker& prompts, const calibration_options& options)
      : meter_{meter}, prompts_{prompts}, options_{options} {}

  [[nodiscard]] measured_cache run(double seconds);

 private:
  [[nodiscard]] measured_call ask(std::string prompt);
  void find_block(const std::string& text);
  void find_capacity();
  [[nodiscard]] bool is_hit(const measured_call& again, const measured_call& fresh) const;

  call_meter& meter_;
  prompt_maker& prompts_;
  const calibration_options& options_;
  measured_cache facts_;
};

}  // namespace tandem
