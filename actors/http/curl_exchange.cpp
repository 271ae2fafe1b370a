#include "actors/http/curl_exchange.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace tandem {
namespace {

constexpr std::size_t header_bytes_max = 64 * 1024;
/// Of a header that is looked at.
constexpr std::size_t value_bytes_max = 2048;
/// curl's own buffers, for each open stream: 16 KB, its least for sending.
constexpr long buffer_bytes = 16 * 1024;

bool starts_with_name(std::string_view line, std::string_view lower_name) {
  if (line.size() <= lower_name.size() || line[lower_name.size()] != ':') return false;
  return std::equal(lower_name.begin(), lower_name.end(), line.begin(), [](char name, char got) {
    return name == (got >= 'A' && got <= 'Z' ? static_cast<char>(got + 32) : got);
  });
}

std::string_view value_of(std::string_view line) {
  line.remove_prefix(line.find(':') + 1);
  auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!line.empty() && blank(line.front())) line.remove_prefix(1);
  while (!line.empty() && blank(line.back())) line.remove_suffix(1);
  return line.substr(0, value_bytes_max);
}

/// The part of a URL that may be shown: no path, no query, no password.
std::string host_of(const std::string& url) {
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parts{curl_url(), &curl_url_cleanup};
  if (!parts ||
      curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
    return {};
  auto part = [&](CURLUPart which) {
    char* text = nullptr;
    std::string out;
    if (curl_url_get(parts.get(), which, &text, 0) == CURLUE_OK) out = text;
    curl_free(text);
    return out;
  };
  auto host = part(CURLUPART_HOST);
  auto port = part(CURLUPART_PORT);
  return port.empty() ? host : host + ":" + port;
}

http_failure failure_of(CURLcode code, std::string_view detail) {
  switch (code) {
    case CURLE_OK:
      return http_failure::none;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return http_failure::resolve;
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
      return http_failure::connect;
    case CURLE_OPERATION_TIMEDOUT:
      return http_failure::connect_timeout;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
      return http_failure::tls;
    case CURLE_URL_MALFORMAT:
    case CURLE_SSL_CACERT_BADFILE:
      return http_failure::invalid;
    case CURLE_UNSUPPORTED_PROTOCOL:
      // Also what an answer without a status line ends in.
      return detail.find("HTTP/0.9") != detail.npos ? http_failure::broken : http_failure::invalid;
    default:
      return http_failure::broken;
  }
}

const char* words_of(http_failure failure) {
  switch (failure) {
    case http_failure::invalid:
      return "cannot be asked";
    case http_failure::resolve:
      return "no such host";
    case http_failure::connect:
      return "cannot connect";
    case http_failure::connect_timeout:
      return "cannot connect in time";
    case http_failure::tls:
      return "TLS failed";
    default:
      return "the connection broke";
  }
}

std::string in_ms(std::chrono::milliseconds limit) {
  return std::to_string(limit.count()) + " ms";
}

}  // namespace

curl_exchange::curl_exchange(const socket_hooks& hooks) : easy_{curl_easy_init()} {
  if (easy_ == nullptr) throw std::bad_alloc{};
  curl_easy_setopt(easy_, CURLOPT_PRIVATE, this);
  curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, error_);
  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  // Or the end of an exchange would wait for a name server that does not answer.
  curl_easy_setopt(easy_, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy_, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy_, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy_, CURLOPT_NOPROXY, "");
  curl_easy_setopt(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy_, CURLOPT_BUFFERSIZE, buffer_bytes);
  curl_easy_setopt(easy_, CURLOPT_UPLOAD_BUFFERSIZE, buffer_bytes);
  curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, &curl_exchange::on_header);
  curl_easy_setopt(easy_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &curl_exchange::on_body);
  curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy_, CURLOPT_OPENSOCKETFUNCTION, hooks.open);
  curl_easy_setopt(easy_, CURLOPT_OPENSOCKETDATA, hooks.context);
  curl_easy_setopt(easy_, CURLOPT_CLOSESOCKETFUNCTION, hooks.close);
  curl_easy_setopt(easy_, CURLOPT_CLOSESOCKETDATA, hooks.context);
}

curl_exchange::~curl_exchange() {
  curl_easy_cleanup(easy_);
  curl_url_cleanup(url_);
  curl_slist_free_all(headers_);
  curl_slist_free_all(own_headers_);
}

namespace {

curl_slist* header_list(const std::vector<std::string>& headers) {
  // An empty value removes the header: curl would wait a second for a 100 Continue.
  auto* list = curl_slist_append(nullptr, "Expect:");
  for (const auto& header : headers) list = curl_slist_append(list, header.c_str());
  return list;
}

}  // namespace

void curl_exchange::set_own_headers(const std::vector<std::string>& headers) {
  if (headers.empty() && own_headers_ == nullptr) return;
  curl_slist_free_all(std::exchange(own_headers_, nullptr));
  if (!headers.empty()) {
    own_headers_ = header_list(endpoint_->headers);
    for (const auto& header : headers)
      own_headers_ = curl_slist_append(own_headers_, header.c_str());
  }
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, own_headers_ != nullptr ? own_headers_ : headers_);
}

void curl_exchange::set_up(const http_endpoint& endpoint) {
  curl_slist_free_all(std::exchange(headers_, nullptr));
  headers_ = header_list(endpoint.headers);
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_);
  curl_easy_setopt(easy_, CURLOPT_URL, endpoint.url.c_str());
  // Or it would be taken apart for every request. What cannot be is refused in curl's own words.
  curl_url_cleanup(std::exchange(url_, curl_url()));
  auto is_url = url_ != nullptr && curl_url_set(url_, CURLUPART_URL, endpoint.url.c_str(),
                                                CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
  curl_easy_setopt(easy_, CURLOPT_CURLU, is_url ? url_ : nullptr);
  curl_easy_setopt(easy_, CURLOPT_PROXY, endpoint.proxy.c_str());
  curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(endpoint.connect_timeout.count()));
  if (endpoint.ca_file.empty()) {
    auto* info = curl_version_info(CURLVERSION_NOW);
    curl_easy_setopt(easy_, CURLOPT_CAINFO, info->cainfo);
    curl_easy_setopt(easy_, CURLOPT_CAPATH, info->capath);
  } else {
    curl_easy_setopt(easy_, CURLOPT_CAINFO, endpoint.ca_file.c_str());
    curl_easy_setopt(easy_, CURLOPT_CAPATH, nullptr);
  }
  auto path_or_null = [](const std::filesystem::path& file) {
    return file.empty() ? nullptr : file.c_str();
  };
  curl_easy_setopt(easy_, CURLOPT_SSLCERT, path_or_null(endpoint.cert_file));
  curl_easy_setopt(easy_, CURLOPT_SSLKEY, path_or_null(endpoint.key_file));
  curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYHOST, endpoint.verify_name ? 2L : 0L);
  curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, nullptr);
  if (endpoint.method == "GET") {
    curl_easy_setopt(easy_, CURLOPT_HTTPGET, 1L);
  } else {
    curl_easy_setopt(easy_, CURLOPT_POST, 1L);
    if (endpoint.method != "POST")
      curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, endpoint.method.c_str());
  }
}

void curl_exchange::prepare(std::uint64_t id, std::shared_ptr<const http_endpoint> endpoint,
                            std::string body, std::shared_ptr<http_handler> handler,
                            loop_clock* time, const std::vector<std::string>& headers) {
  if (endpoint != endpoint_) {
    set_up(*endpoint);
    endpoint_ = std::move(endpoint);
  }
  set_own_headers(headers);
  id_ = id;
  handler_ = std::move(handler);
  time_ = time;
  began_ = time->now;
  body_ = std::move(body);
  if (endpoint_->method != "GET") {
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size()));
    // Not copied.
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, body_.c_str());
  }
  bytes_ = header_bytes_ = 0;
  begun_again_ = false;
  status_ = 0;
  head_done_ = has_progressed_ = false;
  failure_ = http_failure::none;
  failure_text_.clear();
  error_[0] = '\0';
  time_->sweep_at = std::min(time_->sweep_at, deadline());
}

bool curl_exchange::count(std::size_t bytes) {
  bytes_ += bytes;
  if (bytes_ <= endpoint_->response_bytes_max) return true;
  failure_ = http_failure::too_large;
  failure_text_ = "the response is larger than " + std::to_string(endpoint_->response_bytes_max) +
                  " bytes (response_bytes_max)";
  return false;
}

bool curl_exchange::read_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > header_bytes_max) {
    failure_ = http_failure::too_large;
    failure_text_ =
        "the response's headers are larger than " + std::to_string(header_bytes_max) + " bytes";
    return false;
  }
  if (!count(line.size())) return false;
  // Trailers.
  if (head_done_) return true;
  if (line == "\r\n" || line == "\n") return finish_head();
  if (line.starts_with("HTTP/")) {
    content_type_.clear();
    retry_after_.clear();
    location_.clear();
  } else if (starts_with_name(line, "content-type")) {
    content_type_ = value_of(line);
  } else if (starts_with_name(line, "retry-after")) {
    retry_after_ = value_of(line);
  } else if (starts_with_name(line, "location")) {
    location_ = value_of(line);
  }
  return true;
}

bool curl_exchange::finish_head() {
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  // 100 Continue and its like come before the response.
  if (status < 200) return true;
  head_done_ = true;
  status_ = static_cast<int>(status);
  if (status >= 300 && status < 400 && !location_.empty()) {
    // Without a scheme: the host alone is another.
    auto host = host_of(location_.starts_with("//") ? "http:" + location_ : location_);
    failure_ = http_failure::redirect;
    failure_text_ = "it redirects (" + std::to_string(status) + ") to " +
                    (host.empty() ? "another path of the same host" : "the host " + host) +
                    "; redirects are not followed: put the final address into url";
    return false;
  }
  handler_->on_head(
      {.status = status_, .content_type = content_type_, .retry_after = retry_after_});
  return true;
}

bool curl_exchange::read_body(std::string_view bytes) {
  if (!count(bytes.size())) return false;
  switch (handler_->on_body(bytes)) {
    case http_next::stop:
      failure_ = http_failure::stopped;
      failure_text_ = "stopped";
      return false;
    case http_next::progressed:
      progressed_ = time_->now;
      // Only from here on can a deadline come nearer.
      if (!std::exchange(has_progressed_, true))
        time_->sweep_at = std::min(time_->sweep_at, deadline());
      break;
    case http_next::waiting:
      break;
  }
  return true;
}

std::size_t curl_exchange::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  auto bytes = size * count;
  return static_cast<curl_exchange*>(self)->read_header({data, bytes}) ? bytes : 0;
}

std::size_t curl_exchange::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto bytes = size * count;
  if (bytes == 0) return 0;
  return static_cast<curl_exchange*>(self)->read_body({data, bytes}) ? bytes : 0;
}

http_outcome curl_exchange::outcome_of(CURLcode code) const {
  if (failure_ != http_failure::none) return {failure_, status_, failure_text_, bytes_};
  if (code == CURLE_OK && head_done_) return {http_failure::none, status_, {}, bytes_};
  // curl is content with headers that break off.
  if (code == CURLE_OK)
    return {http_failure::broken, status_, "the connection was closed within the headers", bytes_};
  std::string_view detail = error_[0] != '\0' ? error_ : curl_easy_strerror(code);
  auto failure = failure_of(code, detail);
  std::string text = words_of(failure);
  text += " (";
  text += host_of(endpoint_->url);
  text += "): ";
  text += detail;
  long system_error = 0;
  curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &system_error);
  if (failure == http_failure::connect && system_error != 0) {
    char words[128] = {};
    text += ": ";
    text += strerror_r(static_cast<int>(system_error), words, sizeof words);
  }
  return {failure, status_, std::move(text), bytes_};
}

bool curl_exchange::begin_again() {
  if (begun_again_ || bytes_ != 0 || header_bytes_ != 0) return false;
  begun_again_ = true;
  return true;
}

void curl_exchange::end(CURLcode code) {
  auto outcome = outcome_of(code);
  std::string{}.swap(body_);
  std::exchange(handler_, nullptr)->on_end(std::move(outcome));
}

void curl_exchange::end(http_failure failure, std::string text) {
  http_outcome outcome{failure, status_, std::move(text), bytes_};
  std::string{}.swap(body_);
  std::exchange(handler_, nullptr)->on_end(std::move(outcome));
}

curl_exchange::clock::time_point curl_exchange::deadline() const {
  auto end = clock::time_point::max();
  auto limit = [&](clock::time_point from, std::chrono::milliseconds pause) {
    if (pause.count() > 0) end = std::min(end, from + pause);
  };
  limit(began_, endpoint_->total_timeout);
  if (has_progressed_)
    limit(progressed_, endpoint_->idle_timeout);
  else
    limit(began_, endpoint_->first_timeout);
  return end;
}

void curl_exchange::end_timed_out() {
  const auto& limits = *endpoint_;
  if (limits.total_timeout.count() > 0 && time_->now >= began_ + limits.total_timeout)
    return end(http_failure::total_timeout, "not done within " + in_ms(limits.total_timeout));
  if (has_progressed_)
    return end(http_failure::idle_timeout,
               "it stalled: nothing came for " + in_ms(limits.idle_timeout));
  end(http_failure::first_timeout,
      (head_done_ ? "its answer did not begin within " : "no answer within ") +
          in_ms(limits.first_timeout));
}

}  // namespace tandem
