#include "actors/cache_shard/plan_compare.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <simdjson.h>

namespace tandem {
namespace {

/// Keys in order, no spaces.
bool write(simdjson::dom::element value, std::string& out, int depth) {
  if (depth > 16) return false;
  simdjson::dom::object object;
  simdjson::dom::array array;
  if (!value.get(object)) {
    std::vector<std::pair<std::string, simdjson::dom::element>> fields;
    for (auto [key, inner] : object) fields.emplace_back(std::string{key}, inner);
    std::sort(fields.begin(), fields.end(),
              [](const auto& x, const auto& y) { return x.first < y.first; });
    out += '{';
    for (const auto& [key, inner] : fields) {
      out += key;
      out += ':';
      if (!write(inner, out, depth + 1)) return false;
      out += ',';
    }
    out += '}';
    return true;
  }
  if (!value.get(array)) {
    out += '[';
    for (auto inner : array) {
      if (!write(inner, out, depth + 1)) return false;
      out += ',';
    }
    out += ']';
    return true;
  }
  out += simdjson::minify(value);
  return true;
}

}  // namespace

bool is_same_plan(std::string_view a, std::string_view b) {
  std::string in_order[2];
  for (int i = 0; i < 2; ++i) {
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    if (parser.parse(simdjson::padded_string{i == 0 ? a : b}).get(root) ||
        !write(root, in_order[i], 0))
      return false;
  }
  return in_order[0] == in_order[1];
}

}  // namespace tandem
