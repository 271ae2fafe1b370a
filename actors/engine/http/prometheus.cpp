#include "actors/engine/http/prometheus.hpp"

#include <charconv>
#include <cmath>

namespace tandem {
namespace {

/// Past the labels, in whose quotes anything may stand; empty: they don't end.
std::string_view after_labels(std::string_view rest) {
  bool quoted = false;
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (quoted && rest[i] == '\\') {
      ++i;
    } else if (rest[i] == '"') {
      quoted = !quoted;
    } else if (rest[i] == '}' && !quoted) {
      return rest.substr(i + 1);
    }
  }
  return {};
}

}  // namespace

void read_prometheus(std::string_view text,
                     const std::function<void(std::string_view name, double value)>& sample) {
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty() || line.front() == '#') continue;
    auto name = line.substr(0, line.find_first_of("{ \t"));
    auto rest = line.substr(name.size());
    if (!rest.empty() && rest.front() == '{') rest = after_labels(rest);
    auto start = rest.find_first_not_of(" \t");
    if (name.empty() || start == rest.npos) continue;
    rest.remove_prefix(start);
    double value = 0;
    auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    bool whole = end == rest.data() + rest.size() || *end == ' ' || *end == '\r' || *end == '\t';
    if (code == std::errc{} && whole && std::isfinite(value)) sample(name, value);
  }
}

}  // namespace tandem
