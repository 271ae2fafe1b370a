#include "actors/trace/traceparent.hpp"

#include <charconv>

namespace tandem {
namespace {

constexpr std::size_t length = 55;

/// Lower case alone: the specification has no other.
std::optional<std::uint64_t> read_hex(std::string_view text) {
  if (text.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return out;
}

}  // namespace

std::string hex16(std::uint64_t number) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out(16, '0');
  for (auto at = out.rbegin(); at != out.rend(); ++at, number >>= 4) *at = digits[number & 15];
  return out;
}

std::optional<trace_context> parse_traceparent(std::string_view value) {
  if (value.size() < length || value[2] != '-' || value[35] != '-' || value[52] != '-')
    return std::nullopt;
  auto version = read_hex(value.substr(0, 2));
  auto high = read_hex(value.substr(3, 16));
  auto low = read_hex(value.substr(19, 16));
  auto span = read_hex(value.substr(36, 16));
  auto flags = read_hex(value.substr(53, 2));
  if (!version || !high || !low || !span || !flags || *version == 0xFF) return std::nullopt;
  if (value.size() > length && (*version == 0 || value[length] != '-')) return std::nullopt;
  trace_context out{*high, *low, *span, (*flags & 1) != 0};
  if (!out.is_set() || out.span == 0) return std::nullopt;
  return out;
}

std::string format_traceparent(const trace_context& from) {
  return "00-" + hex16(from.high) + hex16(from.low) + '-' + hex16(from.span) +
         (from.sampled ? "-01" : "-00");
}

}  // namespace tandem
