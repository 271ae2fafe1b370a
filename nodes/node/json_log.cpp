#include "nodes/node/json_log.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <set>
#include <utility>
#include <vector>

#include "schema/json_writer.hpp"

namespace tandem {
namespace {

bool is_key_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.';
}

/// The length of `key=` at the front of `text`; 0: there is none.
std::size_t key_size(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size() && is_key_letter(text[size])) ++size;
  return size > 0 && size < text.size() && text[size] == '=' ? size + 1 : 0;
}

/// Where a quoted value ends: its text may have quotes of its own, so one counts only where the
/// line ends or another key follows.
std::size_t closing_quote(std::string_view text) {
  for (auto at = text.find('"', 1); at != text.npos; at = text.find('"', at + 1)) {
    auto rest = text.substr(at + 1);
    if (rest.empty() || (rest[0] == ' ' && key_size(rest.substr(1)) != 0)) return at;
  }
  return text.npos;
}

/// The value at the front of `text`, and what it takes.
std::pair<std::string_view, std::size_t> read_value(std::string_view text) {
  if (text.starts_with('"'))
    if (auto end = closing_quote(text); end != text.npos) return {text.substr(1, end - 1), end + 1};
  auto end = std::min(text.find(' '), text.size());
  return {text.substr(0, end), end};
}

std::string utc(std::chrono::system_clock::time_point time) {
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> day{};
  std::strftime(day.data(), day.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 48> out{};
  std::snprintf(out.data(), out.size(), "%s.%03dZ", day.data(), static_cast<int>(ms % 1000));
  return out.data();
}

}  // namespace

std::string json_log_line(std::chrono::system_clock::time_point time, std::string_view level,
                          std::string_view message) {
  std::size_t at = 0;
  // Keys begin a word.
  while (at < message.size() && key_size(message.substr(at)) == 0)
    at = std::min(message.find(' ', at), message.size() - 1) + 1;
  auto event = message.substr(0, at);
  while (event.ends_with(' ')) event.remove_suffix(1);
  json_writer json;
  json.object();
  json.field("time", utc(time));
  json.field("level", level);
  json.field("event", event);
  std::set<std::string, std::less<>> keys{"time", "level", "event"};
  std::string loose;
  for (auto rest = message.substr(at); !rest.empty();) {
    auto size = key_size(rest);
    if (size == 0) {
      // A remark behind the fields.
      auto end = std::min(rest.find(' '), rest.size() - 1) + 1;
      loose += rest.substr(0, end);
      rest.remove_prefix(end);
      continue;
    }
    std::string key{rest.substr(0, size - 1)};
    while (!keys.insert(key).second) key += '_';
    auto [value, taken] = read_value(rest.substr(size));
    json.field(key, value);
    rest.remove_prefix(std::min(size + taken + 1, rest.size()));
  }
  if (!loose.empty()) {
    std::string key = "note";
    while (!keys.insert(key).second) key += '_';
    json.field(key, loose);
  }
  json.end();
  return json.text();
}

void json_log_formatter::format(const spdlog::details::log_msg& message,
                                spdlog::memory_buf_t& out) {
  auto level = spdlog::level::to_string_view(message.level);
  auto line = json_log_line(message.time, {level.data(), level.size()},
                            {message.payload.data(), message.payload.size()});
  line += '\n';
  out.append(line.data(), line.data() + line.size());
}

std::unique_ptr<spdlog::formatter> json_log_formatter::clone() const {
  return std::make_unique<json_log_formatter>();
}

}  // namespace tandem
