#include "actors/weights/chunk_request.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

namespace tandem {
namespace {

namespace http = boost::beast::http;

using headers = http::request<http::empty_body>;

constexpr unsigned bad_request = 400;
constexpr unsigned not_found = 404;
constexpr unsigned not_allowed = 405;

/// Boost 1.74 joins folded lines, and takes bare line feeds, before anybody sees them.
bool has_clean_lines(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    auto c = static_cast<unsigned char>(head[i]);
    if (c == '\r') {
      if (i + 1 == head.size() || head[i + 1] != '\n') return false;
      ++i;
      if (i + 1 < head.size() && (head[i + 1] == ' ' || head[i + 1] == '\t')) return false;
    } else if ((c < 0x20 && c != '\t') || c == 0x7f) {
      return false;
    }
  }
  return true;
}

bool has_clean_framing(const headers& request) {
  if (request.count(http::field::transfer_encoding) != 0) return false;
  auto lengths = request.equal_range(http::field::content_length);
  auto count = std::distance(lengths.first, lengths.second);
  if (count > 1 || (count == 1 && lengths.first->value() != "0")) return false;
  auto hosts = request.count(http::field::host);
  return hosts == 1 || (hosts == 0 && request.version() == 10);
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number out{};
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::optional<weight_hash> hash_from_hex(std::string_view text) {
  weight_hash out{};
  if (text.size() != out.size() * 2) return std::nullopt;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const char* at = text.data() + 2 * i;
    auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (!is_digit(at[0]) || !is_digit(at[1])) return std::nullopt;
    (void)std::from_chars(at, at + 2, out[i], 16);
  }
  return out;
}

/// The text up to the next '/', which is taken away with it.
std::string_view take_part(std::string_view& path) {
  auto end = std::min(path.find('/'), path.size());
  auto out = path.substr(0, end);
  path.remove_prefix(std::min(end + 1, path.size()));
  return out;
}

bool read_target(std::string_view path, chunk_request& out) {
  constexpr std::string_view manifests = "/v1/manifests/", files = "/v1/files/",
                             deltas = "/v1/deltas/";
  // A last '/' would be taken away without a trace.
  if (path.ends_with('/')) return false;
  std::optional<weight_hash> hash;
  if (path.starts_with(manifests)) {
    out.what = chunk_request::kind::manifest;
    hash = hash_from_hex(path.substr(manifests.size()));
    if (hash) out.hash = *hash;
    return hash.has_value();
  }
  if (path.starts_with(deltas)) {
    out.what = chunk_request::kind::delta;
    path.remove_prefix(deltas.size());
    auto base = hash_from_hex(take_part(path));
    if (!base) return false;
    out.base = *base;
  } else if (path.starts_with(files)) {
    out.what = chunk_request::kind::file;
    path.remove_prefix(files.size());
  } else {
    return false;
  }
  hash = hash_from_hex(take_part(path));
  auto number = number_of<std::size_t>(path);
  if (!hash || !number) return false;
  out.hash = *hash;
  out.number = *number;
  return true;
}

void read_range(std::string_view value, chunk_request& out) {
  constexpr std::string_view unit = "bytes=";
  if (!value.starts_with(unit)) return;
  value.remove_prefix(unit.size());
  auto dash = value.find('-');
  if (dash == value.npos) return;
  auto first = number_of<std::uint64_t>(value.substr(0, dash));
  auto last = number_of<std::uint64_t>(value.substr(dash + 1));
  if (!first || !last || *first > *last) return;
  out.has_range = true;
  out.first = *first;
  out.last = *last;
}

chunk_request refuse(unsigned status) {
  chunk_request out;
  out.refused = status;
  out.keep_alive = false;
  return out;
}

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

chunk_request read_chunk_request(std::string_view head) {
  if (!has_clean_lines(head)) return refuse(bad_request);
  http::request_parser<http::empty_body> parser;
  parser.header_limit(chunk_request_bytes_max);
  boost::beast::error_code failure;
  parser.put(boost::asio::buffer(head.data(), head.size()), failure);
  // A body that was announced is judged with the other framing.
  if (failure && failure != http::error::need_more && failure != http::error::unexpected_body)
    return refuse(bad_request);
  if (!parser.is_header_done()) return refuse(bad_request);
  const auto& request = parser.get();
  if (!has_clean_framing(request)) return refuse(bad_request);
  if (request.method() != http::verb::get && request.method() != http::verb::head)
    return refuse(not_allowed);
  auto ranges = request.equal_range(http::field::range);
  auto count = std::distance(ranges.first, ranges.second);
  if (count > 1) return refuse(bad_request);
  chunk_request out;
  if (!read_target(view(request.target()), out)) return refuse(not_found);
  out.head_only = request.method() == http::verb::head;
  out.keep_alive = request.keep_alive();
  if (count == 1) read_range(view(ranges.first->value()), out);
  return out;
}

}  // namespace tandem
