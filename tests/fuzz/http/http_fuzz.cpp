// Any bytes as what servers say beside their answers: refusals, Retry-After, and the figures that
// probes read. Whatever it is, verdicts are printable and bounded, and figures are ones that can be
// true.
//
// Input: two bytes of status, one that chooses (bit 0: Retry-After instead of a body), the text.

#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "actors/engine/http/http_status.hpp"
#include "actors/engine/http/prometheus.hpp"
#include "actors/engine/http/server_facts.hpp"

namespace {

using namespace tandem;

constexpr std::size_t text_max = 65'536;
constexpr std::chrono::minutes wait_max{5};
// 2026-01-01; and two centuries later, near the end of what the clock can hold.
constexpr std::int64_t moments_s[] = {1'767'225'600, 8'078'313'600};

void require(bool holds) {
  if (!holds) std::abort();
}

void check_line(std::string_view text, std::size_t most) {
  require(text.size() <= most);
  for (unsigned char c : text) require(c >= 0x20 && c != 0x7f);
}

void check_verdict(const http_verdict& verdict) {
  require(verdict.code == errc::invalid_argument || verdict.code == errc::overloaded ||
          verdict.code == errc::engine_failed);
  require(!verdict.text.empty());
  check_line(verdict.text, 2'000);
}

void read_facts(std::string_view text) {
  server_facts facts;
  static_cast<void>(facts.read_props(text));
  static_cast<void>(facts.read_server_info(text));
  static_cast<void>(facts.read_version(text));
  static_cast<void>(facts.read_models(text, "stub"));
  static_cast<void>(facts.read_weights(text));
  static_cast<void>(facts.read_loads(text));
  static_cast<void>(facts.read_load(text));
  static_cast<void>(facts.read_metrics(text));
  require(facts.models.size() <= 100);
  for (const auto& name : facts.models) check_line(name, 600);
  check_line(facts.version, 600);
  check_line(facts.weight_version, 600);
  check_line(facts.models_text(), 6'100);
  require(facts.cache_usage == -1.0F || (facts.cache_usage >= 0 && facts.cache_usage <= 1));
  read_prometheus(text, [&](std::string_view name, double value) {
    require(!name.empty() && std::isfinite(value));
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3 || size > text_max) return 0;
  auto status = static_cast<int>(data[0] << 8U | data[1]);
  std::string_view text{reinterpret_cast<const char*>(data) + 3, size - 3};
  if ((data[2] & 1U) != 0) {
    for (auto moment : moments_s) {
      auto wait = read_retry_after(
          text, std::chrono::system_clock::time_point{std::chrono::seconds{moment}});
      require(wait >= wait.zero() && wait <= wait_max);
    }
    return 0;
  }
  check_verdict(judge_status(status, text, std::chrono::seconds{1}, "from the file key"));
  if (auto error = read_server_error(text)) {
    check_line(error->message, 1'300);
    check_verdict(judge_error(*error, "from the file key"));
  }
  read_facts(text);
  return 0;
}
