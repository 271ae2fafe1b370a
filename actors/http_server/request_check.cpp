#include "actors/http_server/request_check.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

namespace tandem {
namespace {

constexpr std::size_t method_bytes_max = 32;
/// Of a request line, beside its target.
constexpr std::size_t line_bytes_beside = method_bytes_max + 16;

constexpr std::array<bool, 256> make_table(std::string_view more) {
  std::array<bool, 256> out{};
  for (char c = 'a'; c <= 'z'; ++c) out[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) out[static_cast<unsigned char>(c)] = true;
  for (char c = '0'; c <= '9'; ++c) out[static_cast<unsigned char>(c)] = true;
  for (char c : more) out[static_cast<unsigned char>(c)] = true;
  return out;
}

constexpr auto token_chars = make_table("!#$%&'*+-.^_`|~");
constexpr auto host_chars = make_table("-._~!$&'()*+,;=:[]%");
/// RFC 3986, and the few more that browsers and tools send as they are.
constexpr auto target_chars = make_table("-._~!$&'()*+,;=:@/?%[]|\"<>{}^`\\");

constexpr bool all_of_table(std::string_view text, const std::array<bool, 256>& table) {
  return std::all_of(text.begin(), text.end(),
                     [&table](char c) { return table[static_cast<unsigned char>(c)]; });
}

constexpr int hex_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

std::string_view trim(std::string_view text) {
  auto first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool has_prefix_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

/// What all headers together decide.
struct head_facts {
  std::string_view host;
  unsigned hosts = 0;
  unsigned lengths = 0;
  unsigned codings = 0;
  bool says_close = false;
  bool says_keep_alive = false;
};

http_refusal read_length(std::string_view text, std::uint64_t& out) {
  if (text.empty()) return {400, "Content-Length is no number"};
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  out = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return {400, "Content-Length is no number"};
    auto digit = static_cast<std::uint64_t>(c - '0');
    if (out > (most - digit) / 10) return {400, "Content-Length is too large a number"};
    out = out * 10 + digit;
  }
  return {};
}

void read_connection(std::string_view value, head_facts& facts) {
  while (!value.empty()) {
    auto comma = value.find(',');
    auto each = trim(value.substr(0, comma));
    if (equals_ignoring_case(each, "close")) facts.says_close = true;
    if (equals_ignoring_case(each, "keep-alive")) facts.says_keep_alive = true;
    value = comma == value.npos ? std::string_view{} : value.substr(comma + 1);
  }
}

http_refusal read_header(std::string_view name, std::string_view value, request_head& out,
                         head_facts& facts) {
  switch (name.size()) {
    case 4:
      if (!equals_ignoring_case(name, "host")) break;
      if (++facts.hosts > 1) return {400, "more than one Host"};
      if (value.empty() || !all_of_table(value, host_chars)) return {400, "Host is no host"};
      facts.host = value;
      break;
    case 6:
      if (!equals_ignoring_case(name, "expect")) break;
      if (!equals_ignoring_case(value, "100-continue"))
        return {417, "the only expectation that can be met is 100-continue"};
      out.expects_continue = true;
      break;
    case 10:
      if (equals_ignoring_case(name, "connection")) read_connection(value, facts);
      break;
    case 14:
      if (!equals_ignoring_case(name, "content-length")) break;
      if (++facts.lengths > 1) return {400, "more than one Content-Length"};
      return read_length(value, out.content_length);
    case 17:
      if (!equals_ignoring_case(name, "transfer-encoding")) break;
      if (++facts.codings > 1) return {400, "more than one Transfer-Encoding"};
      if (!equals_ignoring_case(value, "chunked"))
        return {400, "the only Transfer-Encoding is chunked"};
      out.is_chunked = true;
      break;
    default:
      break;
  }
  return {};
}

http_refusal read_headers(std::string_view lines, const head_limits& limits, request_head& out,
                          head_facts& facts) {
  while (!lines.empty()) {
    auto end = lines.find("\r\n");
    auto line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    if (line.empty()) return {};
    if (line[0] == ' ' || line[0] == '\t') return {400, "a header is folded over lines"};
    auto colon = line.find(':');
    if (colon == line.npos) return {400, "a header has no colon"};
    auto name = line.substr(0, colon);
    if (!is_token(name)) return {400, "a header's name has characters that no name has"};
    auto value = trim(line.substr(colon + 1));
    if (!is_field_value(value)) return {400, "a header has control characters"};
    if (out.headers.size() >= limits.headers_max) return {431, "too many headers"};
    out.headers.emplace_back(name, value);
    if (auto refusal = read_header(name, value, out, facts)) return refusal;
  }
  return {};
}

http_refusal read_version(std::string_view text, unsigned& minor_version) {
  if (text == "HTTP/1.1") {
    minor_version = 1;
    return {};
  }
  if (text == "HTTP/1.0") {
    minor_version = 0;
    return {};
  }
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() == 8 && text.substr(0, 5) == "HTTP/" && is_digit(text[5]) && text[6] == '.' &&
      is_digit(text[7]))
    return {505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  return {400, "the request line names no version of HTTP"};
}

/// Takes `http://host` off an absolute form.
http_refusal strip_authority(std::string_view& target, std::string_view host) {
  std::size_t scheme = has_prefix_ignoring_case(target, "http://")    ? 7
                       : has_prefix_ignoring_case(target, "https://") ? 8
                                                                      : 0;
  if (scheme == 0) return {400, "the target is no path"};
  auto rest = target.substr(scheme);
  auto end = std::min(rest.find_first_of("/?"), rest.size());
  if (!equals_ignoring_case(rest.substr(0, end), host))
    return {400, "the target names another host than Host"};
  target = rest.substr(end);
  return {};
}

http_refusal read_target(std::string_view target, const head_facts& facts, request_head& out) {
  if (target.empty() || !all_of_table(target, target_chars))
    return {400, "the target has characters that no target has"};
  if (target == "*") {
    if (out.method != "OPTIONS") return {400, "* is a target for OPTIONS alone"};
    out.raw_path = target;
    return {};
  }
  if (target[0] != '/')
    if (auto refusal = strip_authority(target, facts.host)) return refusal;
  auto mark = target.find('?');
  out.raw_path = target.substr(0, mark);
  if (out.raw_path.empty()) out.raw_path = "/";
  if (mark != target.npos) out.query = target.substr(mark + 1);
  for (auto at = out.query.find('%'); at != out.query.npos; at = out.query.find('%', at + 1))
    if (at + 2 >= out.query.size() || hex_of(out.query[at + 1]) < 0 ||
        hex_of(out.query[at + 2]) < 0)
      return {400, "the query has a % without two hexadecimal digits"};
  return {};
}

/// How long the body is must be said in one way.
http_refusal judge(const head_facts& facts, const head_limits& limits, request_head& out) {
  if (out.minor_version == 1 && facts.hosts == 0) return {400, "there is no Host"};
  if (facts.codings > 0 && facts.lengths > 0)
    return {400, "Transfer-Encoding and Content-Length exclude each other"};
  if (facts.codings > 0 && out.minor_version == 0)
    return {400, "HTTP/1.0 has no Transfer-Encoding"};
  if (out.content_length > limits.body_bytes_max) return {413, "the body is too long"};
  out.keep_alive = !facts.says_close && (out.minor_version == 1 || facts.says_keep_alive);
  out.is_last = facts.says_close || out.minor_version == 0;
  out.expects_continue = out.expects_continue && out.minor_version == 1;
  return {};
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && all_of_table(text, token_chars);
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
  });
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [](char left, char right) { return lower(left) == lower(right); });
}

head_scan::result head_scan::refuse(unsigned status, std::string_view why) {
  why_ = {status, why};
  return result::refused;
}

head_scan::result head_scan::look(std::string_view bytes, const head_limits& limits) {
  // Else a client that speaks something else would be waited for.
  if (seen_ == 0 && !bytes.empty() && !is_token(bytes.substr(0, 1)))
    return refuse(400, "the request begins with no method");
  for (;;) {
    const auto* found = seen_ < bytes.size()
                            ? static_cast<const char*>(
                                  std::memchr(bytes.data() + seen_, '\n', bytes.size() - seen_))
                            : nullptr;
    if (found == nullptr) break;
    auto at = static_cast<std::size_t>(found - bytes.data());
    if (at >= limits.header_bytes_max) break;
    if (at == line_ || bytes[at - 1] != '\r') return refuse(400, "a line does not end in CRLF");
    auto is_empty = at - line_ == 1;
    seen_ = line_ = at + 1;
    if (is_empty) return result::found;
  }
  seen_ = bytes.size();
  if (line_ == 0 && bytes.size() > limits.target_bytes_max + line_bytes_beside)
    return refuse(414, "the target is too long");
  if (bytes.size() >= limits.header_bytes_max) return refuse(431, "the headers are too long");
  return result::more;
}

http_refusal check_head(std::string_view head, const head_limits& limits, request_head& out) {
  auto headers = std::move(out.headers);
  headers.clear();
  out = {};
  out.headers = std::move(headers);
  auto end = head.find("\r\n");
  if (end == head.npos || head.size() < 4 || head.substr(head.size() - 4) != "\r\n\r\n")
    return {400, "the head has no end"};
  auto line = head.substr(0, end);
  auto first = line.find(' ');
  auto last = line.rfind(' ');
  if (first == line.npos || last == first)
    return {400, "the request line is not: method, target, version"};
  out.method = line.substr(0, first);
  if (!is_token(out.method)) return {400, "the method has characters that no method has"};
  if (out.method.size() > method_bytes_max) return {501, "the method is too long"};
  auto target = line.substr(first + 1, last - first - 1);
  if (auto refusal = read_version(line.substr(last + 1), out.minor_version)) return refusal;
  if (target.size() > limits.target_bytes_max) return {414, "the target is too long"};
  if (out.method == "CONNECT" || out.method == "TRACE")
    return {501, "CONNECT and TRACE are not served"};
  head_facts facts;
  if (auto refusal = read_headers(head.substr(end + 2), limits, out, facts)) return refusal;
  if (auto refusal = read_target(target, facts, out)) return refusal;
  return judge(facts, limits, out);
}

http_refusal decode_path(std::string_view raw, std::string& out) {
  out.clear();
  if (raw == "*") {
    out = raw;
    return {};
  }
  if (raw.empty() || raw[0] != '/') return {400, "the target is no path"};
  for (std::size_t i = 0; i < raw.size(); ++i) {
    auto c = raw[i];
    if (c == '%') {
      if (i + 2 >= raw.size() || hex_of(raw[i + 1]) < 0 || hex_of(raw[i + 2]) < 0)
        return {400, "the path has a % without two hexadecimal digits"};
      c = static_cast<char>(hex_of(raw[i + 1]) * 16 + hex_of(raw[i + 2]));
      if (c == '/') return {400, "the path has an encoded slash"};
      i += 2;
    }
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '\\')
      return {400, "the path has a control character or a backslash"};
    out.push_back(c);
  }
  for (std::size_t at = 0; at < out.size();) {
    auto end = std::min(out.find('/', at + 1), out.size());
    auto segment = std::string_view{out}.substr(at + 1, end - at - 1);
    if (segment == "." || segment == ".." || (segment.empty() && end < out.size()))
      return {400, "the path has an empty, '.' or '..' segment"};
    at = end;
  }
  return {};
}

}  // namespace tandem
