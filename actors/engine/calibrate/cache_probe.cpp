#include "actors/engine/calibrate/cache_probe.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "actors/engine/calibrate/calibration.hpp"

namespace tandem {
namespace {

constexpr std::array<std::uint32_t, 7> blocks{512, 256, 128, 64, 32, 16, 1};
constexpr int shares = 8;
/// Without the server's word: read again in less than this share of the time, it was not read.
constexpr double quick = 0.6;
constexpr std::uint32_t others_max = 256;

double first_us(const measured_call& call) {
  return call.first_us - call.at_us;
}

}  // namespace

measured_call cache_probe::ask(std::string prompt) {
  ++facts_.calls;
  return meter_.measure({{0, std::move(prompt), 1}}).front();
}

bool cache_probe::is_hit(const measured_call& again, const measured_call& fresh) const {
  if (facts_.tells_cached) return again.cached_tokens > fresh.prompt_tokens / 2;
  return first_us(again) < quick * first_us(fresh);
}

measured_cache cache_probe::run(double seconds) {
  auto began = meter_.seconds();
  std::vector<double> fresh_us;
  std::vector<double> again_us;
  std::string text;
  for (int i = 0; i < 3 && meter_.seconds() - began < seconds; ++i) {
    text = prompts_.of_tokens(options_.prompt_tokens);
    auto fresh = ask(text);
    auto again = ask(text);
    if (fresh.code != errc::unknown || again.code != errc::unknown) return facts_;
    facts_.tells_cached = facts_.tells_cached || again.cached_tokens > 0;
    fresh_us.push_back(first_us(fresh));
    again_us.push_back(first_us(again));
  }
  if (fresh_us.empty()) return facts_;
  std::sort(fresh_us.begin(), fresh_us.end());
  std::sort(again_us.begin(), again_us.end());
  auto middle = fresh_us.size() / 2;
  facts_.has_cache = facts_.tells_cached || again_us[middle] < quick * fresh_us[middle];
  if (!facts_.has_cache) return facts_;
  if (facts_.tells_cached) find_block(text);
  if (options_.cache_capacity) find_capacity();
  return facts_;
}

void cache_probe::find_block(const std::string& text) {
  std::vector<std::uint64_t> hits;
  for (int i = 1; i <= shares; ++i) {
    // Odd lengths: a multiple of a block must not be ours by accident.
    auto size =
        text.size() * static_cast<std::size_t>(i) / (shares + 1) + static_cast<std::size_t>(i);
    auto call = ask(text.substr(0, size) + " " + prompts_.text().words(4));
    if (call.code == errc::unknown && call.cached_tokens > 0)
      hits.push_back(static_cast<std::uint64_t>(call.cached_tokens));
  }
  facts_.block_tokens = 1;
  if (hits.size() < shares / 2) return;
  for (auto block : blocks)
    if (std::all_of(hits.begin(), hits.end(), [block](auto hit) { return hit % block == 0; })) {
      facts_.block_tokens = block;
      return;
    }
}

void cache_probe::find_capacity() {
  auto first = prompts_.of_tokens(options_.prompt_tokens);
  std::uint32_t kept = 0;
  for (std::uint32_t others = 1; others <= others_max; others *= 2) {
    auto fresh = ask(first);
    for (std::uint32_t i = 0; i < others; ++i)
      static_cast<void>(ask(prompts_.of_tokens(options_.prompt_tokens)));
    if (fresh.code != errc::unknown) return;
    if (!is_hit(ask(first), fresh)) break;
    kept = others;
    // A prompt of its own for each try: the last try has made this one the latest used.
    first = prompts_.of_tokens(options_.prompt_tokens);
  }
  facts_.capacity_tokens = (kept + 1) * options_.prompt_tokens;
}

}  // namespace tandem
