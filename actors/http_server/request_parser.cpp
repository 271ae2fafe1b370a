#include "actors/http_server/request_parser.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

namespace tandem {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using beast_text = boost::beast::string_view;

/// Memory that a client gets for saying that it will send a body.
constexpr std::uint64_t reserve_max = 8 * 1024;

bool is_same(beast_text a, std::string_view b) {
  return std::string_view{a.data(), a.size()} == b;
}

/// Compares what Beast reads with what check_head has read.
class head_compare : public http::basic_parser<true> {
 public:
  explicit head_compare(const request_head& ours) : ours_{ours} {}
  [[nodiscard]] bool agrees() const { return agrees_ && fields_ == ours_.headers.size(); }

 private:
  void on_request_impl(http::verb, beast_text method, beast_text, int version,
                       error_code& failure) override {
    agrees_ =
        is_same(method, ours_.method) && version == 10 + static_cast<int>(ours_.minor_version);
    failure = {};
  }
  void on_response_impl(int, beast_text, int, error_code& failure) override { failure = {}; }
  void on_field_impl(http::field, beast_text name, beast_text value, error_code& failure) override {
    agrees_ = agrees_ && fields_ < ours_.headers.size() &&
              is_same(name, ours_.headers[fields_].first) &&
              is_same(value, ours_.headers[fields_].second);
    ++fields_;
    failure = {};
  }
  void on_header_impl(error_code& failure) override {
    auto length = content_length();
    agrees_ =
        agrees_ && chunked() == ours_.is_chunked && (length ? *length : 0) == ours_.content_length;
    failure = {};
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code& failure) override {
    failure = {};
  }
  std::size_t on_body_impl(beast_text body, error_code& failure) override {
    failure = {};
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast_text, error_code& failure) override {
    failure = {};
  }
  std::size_t on_chunk_body_impl(std::uint64_t, beast_text body, error_code& failure) override {
    failure = {};
    return body.size();
  }
  void on_finish_impl(error_code& failure) override { failure = {}; }

  const request_head& ours_;
  std::size_t fields_ = 0;
  bool agrees_ = false;
};

bool beast_agrees(std::string_view head, const request_head& ours, std::size_t header_bytes_max) {
  head_compare compare{ours};
  compare.header_limit(static_cast<std::uint32_t>(header_bytes_max) + 1);
  // Not boost::none: 1.74 takes that for 0.
  compare.body_limit(std::numeric_limits<std::uint64_t>::max());
  error_code failure;
  auto used = compare.put(boost::asio::const_buffer{head.data(), head.size()}, failure);
  return !failure && used == head.size() && compare.is_header_done() && compare.agrees();
}
}  // namespace

request_parser::request_parser(head_limits limits) : limits_{limits} {}

void request_parser::reset() {
  at_ = state::head;
  scan_ = {};
  request_ = {};
  chunks_ = {};
  body_left_ = body_bytes_ = 0;
  keeps_body_ = true;
  why_ = {};
}

void request_parser::refuse(http_refusal why) {
  at_ = state::refused;
  why_ = why;
}

void request_parser::drop_body() {
  keeps_body_ = false;
  request_.body = {};
}

std::size_t request_parser::feed(std::string_view bytes) {
  if (at_ == state::head) return feed_head(bytes);
  if (at_ == state::body) return feed_body(bytes);
  return 0;
}

std::size_t request_parser::feed_head(std::string_view bytes) {
  switch (scan_.look(bytes, limits_)) {
    case head_scan::result::more:
      return 0;
    case head_scan::result::refused:
      refuse(scan_.why());
      return 0;
    case head_scan::result::found:
      break;
  }
  auto text = bytes.substr(0, scan_.size());
  if (auto refusal = check_head(text, limits_, head_)) {
    refuse(refusal);
    return 0;
  }
  if (!beast_agrees(text, head_, limits_.header_bytes_max)) {
    refuse({400, "the head can be read in more than one way"});
    return 0;
  }
  if (auto refusal = decode_path(head_.raw_path, request_.path)) {
    refuse(refusal);
    return 0;
  }
  fill_request();
  return text.size();
}

void request_parser::fill_request() {
  request_.method = head_.method;
  request_.query = head_.query;
  request_.headers.resize(head_.headers.size());
  for (std::size_t i = 0; i < head_.headers.size(); ++i) {
    auto& to = request_.headers[i];
    to.name = head_.headers[i].first;
    for (char& c : to.name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    to.value = head_.headers[i].second;
  }
  head_.headers.clear();
  head_.method = head_.raw_path = head_.query = {};
  body_left_ = head_.content_length;
  at_ = head_.has_body() ? state::body : state::done;
}

std::size_t request_parser::feed_body(std::string_view bytes) {
  auto& body = request_.body;
  if (head_.is_chunked) {
    auto before = body.size();
    auto progress = chunks_.feed(bytes, limits_.body_bytes_max, keeps_body_ ? &body : nullptr);
    body_bytes_ += keeps_body_ ? body.size() - before : progress.used;
    if (progress.at == chunked_reader::result::refused) refuse(chunks_.why());
    if (progress.at == chunked_reader::result::done) at_ = state::done;
    return progress.used;
  }
  auto part = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, bytes.size()));
  if (keeps_body_) {
    if (body.empty()) body.reserve(static_cast<std::size_t>(std::min(body_left_, reserve_max)));
    body.append(bytes.substr(0, part));
  }
  body_left_ -= part;
  body_bytes_ += part;
  if (body_left_ == 0) at_ = state::done;
  return part;
}

}  // namespace tandem
