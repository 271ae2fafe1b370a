#include "config/node_config.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "config/binder.hpp"
#include "config/words.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

std::filesystem::path home_folder() {
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') return home;
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr && found->pw_dir != nullptr && *found->pw_dir == '/') {
    return found->pw_dir;
  }
  return {};
}

bool is_host(std::string_view host, bool in_brackets) {
  constexpr std::size_t host_length_max = 253;
  return !host.empty() && host.size() <= host_length_max &&
         std::all_of(host.begin(), host.end(), [in_brackets](char c) {
           auto is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
           return is_word || (in_brackets && (c == ':' || c == '%'));
         });
}

}  // namespace

caf::expected<listen_address> parse_address(std::string_view text) {
  auto wrong = [&text] {
    return make_error(errc::invalid_argument,
                      quote_word(text) +
                          " is no address; write host:port, such as 127.0.0.1:7420 or "
                          "[::1]:7420, with a port from 0 to 65535");
  };
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  auto host = text.substr(0, colon);
  auto digits = text.substr(colon + 1);
  auto in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (in_brackets) host = host.substr(1, host.size() - 2);
  listen_address result;
  auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), result.port);
  if (digits.empty() || failure != std::errc{} || end != digits.data() + digits.size() ||
      !is_host(host, in_brackets)) {
    return wrong();
  }
  result.host = host;
  return result;
}

std::string to_string(const listen_address& address) {
  auto is_v6 = address.host.find(':') != std::string::npos;
  return (is_v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

std::string default_node_name() {
  std::array<char, 256> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) == 0 && is_config_name(buffer.data())) {
    return buffer.data();
  }
  return "node";
}

std::filesystem::path default_data_folder() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/') {
    return std::filesystem::path{state} / "tandem";
  }
  auto home = home_folder();
  return home.empty() ? home : home / ".local" / "state" / "tandem";
}

std::filesystem::path expand_home(const std::filesystem::path& path) {
  const auto& text = path.native();
  if (text == "~") return home_folder();
  if (text.starts_with("~/")) return home_folder() / text.substr(2);
  return path;
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos);
}

bool node_config::has_role(std::string_view role) const {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

void node_config::resolve() {
  if (name.empty()) name = default_node_name();
  if (data.empty()) data = default_data_folder();
  if (!data.empty()) {
    std::error_code ignored;
    auto absolute = std::filesystem::absolute(data, ignored);
    if (!ignored) data = absolute.lexically_normal();
  }
  if (tls.folder.empty() && !data.empty()) tls.folder = data / "tls";
  if (http.listen.empty() && has_role("gateway")) http.listen = default_http_listen;
  if (!http.listen.empty() && !has_role("gateway")) roles.emplace_back("gateway");
}

caf::error to_error(const std::vector<config_problem>& problems) {
  constexpr std::size_t shown_max = 50;
  if (problems.empty()) return caf::none;
  std::string text;
  for (std::size_t i = 0; i < std::min(problems.size(), shown_max); ++i) {
    if (i > 0) text += '\n';
    text += problems[i].text;
  }
  if (problems.size() > shown_max) {
    text += "\nand " + std::to_string(problems.size() - shown_max) + " more";
  }
  return make_error(errc::invalid_argument, std::move(text));
}

}  // namespace tandem
