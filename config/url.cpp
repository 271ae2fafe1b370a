#include "config/url.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "config/words.hpp"

namespace tandem {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

bool is_host(std::string_view host) {
  constexpr std::size_t host_length_max = 253;
  if (host.empty() || host.size() > host_length_max) return false;
  if (host.front() != '[') return std::all_of(host.begin(), host.end(), is_word);
  auto inner = host.substr(1, host.size() - 2);
  return host.back() == ']' && !inner.empty() &&
         std::all_of(inner.begin(), inner.end(),
                     [](char c) { return is_word(c) || c == ':' || c == '%'; });
}

bool is_port(std::string_view digits) {
  std::uint16_t port = 0;
  auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return failure == std::errc{} && end == digits.data() + digits.size() && port != 0;
}

std::string_view authority_of(std::string_view url) {
  auto start = url.find("://");
  auto rest = start == std::string_view::npos ? url : url.substr(start + 3);
  return rest.substr(0, rest.find_first_of("/?#"));
}

}  // namespace

bool has_user(std::string_view url) {
  return authority_of(url).find('@') != std::string_view::npos;
}

std::string url_problem(std::string_view url, std::span<const std::string_view> schemes,
                        bool may_have_path) {
  auto is_plain = std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!is_plain) return "has blanks or characters beyond ASCII; write them as %20 and the like";
  auto colon = url.find("://");
  if (colon == std::string_view::npos) {
    return "has no scheme; write " + std::string{schemes.front()} + "://host:port";
  }
  auto scheme = url.substr(0, colon);
  if (std::find(schemes.begin(), schemes.end(), scheme) == schemes.end()) {
    return "must start with " + list_words(schemes) + ", then ://";
  }
  if (has_user(url)) return "has a user or a password, which would be shown with the config";
  if (url.find_first_of("?#") != std::string_view::npos) {
    return "has a query or a fragment; remove what starts with " +
           std::string{url.find('?') != std::string_view::npos ? "?" : "#"};
  }
  auto authority = authority_of(url);
  auto path = url.substr(colon + 3 + authority.size());
  if (!may_have_path && !path.empty() && path != "/") {
    return "has a path; write host and port alone";
  }
  auto host = authority;
  auto bracket = authority.rfind(']');
  auto port = authority.rfind(':');
  if (port != std::string_view::npos && (bracket == std::string_view::npos || port > bracket)) {
    host = authority.substr(0, port);
    if (!is_port(authority.substr(port + 1))) {
      return "has no port from 1 to 65535 after the host's colon; an IPv6 address needs brackets, "
             "such as [::1]:8000";
    }
  }
  if (!is_host(host)) {
    return "has no host name or address after ://; letters, digits, '.', '-', '_', and IPv6 in "
           "brackets are allowed";
  }
  return {};
}

}  // namespace tandem
