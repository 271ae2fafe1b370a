#include "tests/support/web_client.hpp"

#include <algorithm>
#include <memory>

#include <curl/curl.h>

namespace tandem::test {
namespace {

constexpr long limit_ms = 60'000;

std::size_t keep_body(char* bytes, std::size_t one, std::size_t count, void* to) {
  static_cast<std::string*>(to)->append(bytes, one * count);
  return one * count;
}

std::size_t keep_header(char* bytes, std::size_t one, std::size_t count, void* to) {
  std::string_view line{bytes, one * count};
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  auto colon = line.find(':');
  if (colon == line.npos) return one * count;
  std::string name{line.substr(0, colon)};
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  auto value = line.substr(colon + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  (*static_cast<std::map<std::string, std::string>*>(to))[name] = value;
  return one * count;
}

/// One transfer; the client's settings and the request's.
class transfer {
 public:
  transfer(const std::string& base, const std::string& key, const std::filesystem::path& ca,
           const web_request& request)
      : url_{base + request.path} {
    set(CURLOPT_URL, url_.c_str());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_TIMEOUT_MS, limit_ms);
    // Paths are sent as a test writes them.
    set(CURLOPT_PATH_AS_IS, 1L);
    if (!ca.empty()) set(CURLOPT_CAINFO, ca.c_str());
    if (request.method == "HEAD") set(CURLOPT_NOBODY, 1L);
    if (!request.body.empty() || request.method == "POST") {
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(CURLOPT_POSTFIELDS, request.body.data());
    }
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    add("Content-Type: application/json");
    add("Expect:");
    if (!key.empty()) add("Authorization: Bearer " + key);
    for (const auto& header : request.headers) add(header);
    set(CURLOPT_HTTPHEADER, lines_);
    set(CURLOPT_HEADERFUNCTION, keep_header);
    set(CURLOPT_HEADERDATA, &answer_.headers);
    set(CURLOPT_WRITEFUNCTION, keep_body);
    set(CURLOPT_WRITEDATA, &answer_.body);
  }
  ~transfer() {
    curl_slist_free_all(lines_);
    curl_easy_cleanup(handle_);
  }
  transfer(const transfer&) = delete;
  transfer& operator=(const transfer&) = delete;

  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(handle_, option, value);
  }
  web_answer run() {
    auto code = curl_easy_perform(handle_);
    if (code != CURLE_OK) answer_.error = curl_easy_strerror(code);
    curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &answer_.status);
    return std::move(answer_);
  }

 private:
  void add(const std::string& line) { lines_ = curl_slist_append(lines_, line.c_str()); }

  CURL* handle_ = curl_easy_init();
  curl_slist* lines_ = nullptr;
  std::string url_;
  web_answer answer_;
};

}  // namespace

web_answer web_client::send(const web_request& request) const {
  return transfer{base_, key_, ca_, request}.run();
}

web_answer web_client::get(std::string path, std::vector<std::string> headers) const {
  return send({.method = "GET", .path = std::move(path), .headers = std::move(headers)});
}

web_answer web_client::post(std::string path, std::string body,
                            std::vector<std::string> headers) const {
  return send({.method = "POST",
               .path = std::move(path),
               .body = std::move(body),
               .headers = std::move(headers)});
}

web_stream::web_stream(const web_client& client, web_request request) {
  reader_ = std::thread{[this, client, request = std::move(request)] {
    transfer one{client.base_, client.key_, client.ca_, request};
    one.set(CURLOPT_WRITEFUNCTION, &web_stream::take);
    one.set(CURLOPT_WRITEDATA, this);
    one.set(CURLOPT_NOPROGRESS, 0L);
    one.set(CURLOPT_XFERINFOFUNCTION, &web_stream::watch);
    one.set(CURLOPT_XFERINFODATA, this);
    auto answer = one.run();
    std::lock_guard lock{mutex_};
    answer_ = std::move(answer);
    answer_.body = text_;
    has_ended_ = true;
    changed_.notify_all();
  }};
}

web_stream::~web_stream() {
  leave();
}

std::size_t web_stream::take(char* bytes, std::size_t one, std::size_t count, void* stream) {
  auto* self = static_cast<web_stream*>(stream);
  std::lock_guard lock{self->mutex_};
  self->text_.append(bytes, one * count);
  self->changed_.notify_all();
  return self->leaves_ ? 0 : one * count;
}

int web_stream::watch(void* stream, long long, long long, long long, long long) {
  auto* self = static_cast<web_stream*>(stream);
  std::lock_guard lock{self->mutex_};
  return self->leaves_ ? 1 : 0;
}

bool web_stream::wait_text(std::string_view text, std::chrono::milliseconds limit) {
  std::unique_lock lock{mutex_};
  auto is_there = [&] { return text_.find(text) != text_.npos; };
  changed_.wait_for(lock, limit, [&] { return has_ended_ || is_there(); });
  return is_there();
}

std::string web_stream::text() const {
  std::lock_guard lock{mutex_};
  return text_;
}

void web_stream::leave() {
  {
    std::lock_guard lock{mutex_};
    leaves_ = true;
  }
  if (reader_.joinable()) reader_.join();
}

web_answer web_stream::wait_end() {
  if (reader_.joinable()) reader_.join();
  std::lock_guard lock{mutex_};
  return answer_;
}

}  // namespace tandem::test
