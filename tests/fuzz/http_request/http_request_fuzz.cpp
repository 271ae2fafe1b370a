// Any bytes as requests of one connection. Cut in two ways they are the same requests; and what is
// taken keeps what http_request promises.
//
// Input: a byte that says how long the pieces are, the bytes.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "actors/http_server/answer_head.hpp"
#include "actors/http_server/request_parser.hpp"

namespace {

using namespace tandem;

constexpr std::size_t text_max = 65'536;

void require(bool holds) {
  if (!holds) std::abort();
}

struct outcome {
  std::vector<http_request> requests;
  unsigned status = 0;
};

void check_path(std::string_view path) {
  if (path == "*") return;
  require(!path.empty() && path[0] == '/');
  require(path.find("//") == path.npos && path.find('\\') == path.npos);
  for (unsigned char c : path) require(c >= 0x20 && c != 0x7f);
  auto padded = std::string{path} + "/";
  require(padded.find("/../") == padded.npos && padded.find("/./") == padded.npos);
}

void check_request(const http_request& request, const request_head& head,
                   const head_limits& limits) {
  require(is_token(request.method));
  check_path(request.path);
  require(request.headers.size() <= limits.headers_max);
  std::size_t hosts = 0, lengths = 0, codings = 0;
  for (const auto& [name, value] : request.headers) {
    require(is_token(name) && is_field_value(value));
    require(std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; }));
    hosts += name == "host" ? 1 : 0;
    lengths += name == "content-length" ? 1 : 0;
    codings += name == "transfer-encoding" ? 1 : 0;
  }
  require(hosts == 1 || (hosts == 0 && head.minor_version == 0));
  require(lengths + codings <= 1);
  require(request.body.size() <= limits.body_bytes_max);
  if (lengths == 1) require(request.body.size() == head.content_length);
  if (lengths + codings == 0) require(request.body.empty());
}

outcome read_all(std::string_view bytes, std::size_t step, const head_limits& limits) {
  outcome out;
  request_parser parser{limits};
  std::string held;
  while (!bytes.empty()) {
    auto part = bytes.substr(0, step);
    held += part;
    bytes.remove_prefix(part.size());
    for (;;) {
      auto before = parser.at();
      auto used = parser.feed(held);
      require(used <= held.size());
      held.erase(0, used);
      if (parser.at() == request_parser::state::refused) {
        out.status = parser.why().status;
        require(out.status >= 400 && out.status <= 505 && !parser.why().why.empty());
        return out;
      }
      if (parser.at() == request_parser::state::done) {
        check_request(parser.request(), parser.head(), limits);
        out.requests.push_back(std::move(parser.request()));
        parser.reset();
        continue;
      }
      if (parser.at() == before) break;
    }
    // Of a head that is too long nothing is kept.
    require(held.size() <= limits.header_bytes_max + step);
  }
  return out;
}

void check_answer(std::string_view text) {
  http_response answer;
  answer.content_type = text;
  answer.headers = {{std::string{text}, "x"}, {"X-A", std::string{text}}};
  std::string head;
  render_head(head, answer, {}, "now");
  require(head.find("\r\n\r\n") == head.size() - 4);
  require(std::count(head.begin(), head.end(), '\n') <= 7);
  require(head.find('\0') == head.npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > text_max) return 0;
  std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  head_limits limits;
  limits.header_bytes_max = 2'048;
  limits.target_bytes_max = 512;
  limits.headers_max = 20;
  limits.body_bytes_max = 4'096;
  auto whole = read_all(bytes, bytes.size(), limits);
  auto cut = read_all(bytes, data[0] % 64U + 1U, limits);
  require(whole.requests.size() == cut.requests.size());
  for (std::size_t i = 0; i < whole.requests.size(); ++i) {
    const auto &a = whole.requests[i], &b = cut.requests[i];
    require(a.method == b.method && a.path == b.path && a.query == b.query && a.body == b.body &&
            a.headers.size() == b.headers.size());
  }
  // Which of several reasons comes first may depend on the cut, not whether there is one.
  require((whole.status == 0) == (cut.status == 0));
  check_answer(bytes);
  return 0;
}
