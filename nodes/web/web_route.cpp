#include "nodes/web/web_route.hpp"

namespace tandem {
namespace {

/// The next segment of a path, without its slash.
std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  auto end = path.find('/');
  auto segment = path.substr(0, end);
  path.remove_prefix(segment.size());
  return segment;
}

bool matches(std::string_view pattern, std::string_view path, std::vector<std::string>& taken) {
  taken.clear();
  while (!pattern.empty() && !path.empty()) {
    auto wanted = take_segment(pattern);
    if (wanted.ends_with("...}")) {
      if (path.size() < 2) return false;
      taken.emplace_back(path.substr(1));
      return true;
    }
    auto given = take_segment(path);
    if (wanted.starts_with('{')) {
      if (given.empty()) return false;
      taken.emplace_back(given);
    } else if (wanted != given) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string url_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    auto low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace

web_match find_route(const std::vector<web_route>& routes, std::string_view method,
                     std::string_view path) {
  web_match out;
  if (method == "HEAD") method = "GET";
  std::vector<std::string> taken;
  for (const auto& route : routes) {
    if (!matches(route.path, path, taken)) continue;
    if (route.method == method) return {&route, std::move(taken), {}};
    out.allowed += (out.allowed.empty() ? "" : ", ") + std::string{route.method};
  }
  return out;
}

std::string query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    auto part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    auto equals = part.find('=');
    if (url_decoded(part.substr(0, equals)) == name)
      return equals == part.npos ? std::string{} : url_decoded(part.substr(equals + 1));
  }
  return {};
}

}  // namespace tandem
