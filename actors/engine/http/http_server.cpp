#include "actors/engine/http/http_server.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "actors/engine/http/server_kind.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::size_t key_bytes_max = 8192;
constexpr std::size_t probe_bytes_max = std::size_t{4} * 1024 * 1024;

}  // namespace

caf::expected<http_server> http_server::open(const engine_config& config) {
  http_server out;
  out.engine_ = config.name;
  out.config_ = config.http;
  out.url_ = config.http.url;
  out.model_ = config.http.served_model.empty() ? config.model : config.http.served_model;
  if (auto err = out.check_url()) return err;
  if (auto err = out.read_key()) return err;
  if (!out.config_.ca_file.empty() && !std::ifstream{out.config_.ca_file})
    return make_error(errc::invalid_argument, "engine '" + config.name + "': ca_file " +
                                                  out.config_.ca_file.string() + " cannot be read");
  if (out.config_.server != "auto" && !server_kind_of(out.config_.server))
    return make_error(errc::invalid_argument,
                      "engine '" + config.name + "': server '" + out.config_.server +
                          "' is none of auto, openai, sglang, vllm, llama.cpp");
  out.make_chat();
  return out;
}

caf::error http_server::check_url() {
  auto refuse = [&](const std::string& why) {
    return make_error(errc::invalid_argument, "engine '" + engine_ + "': url " + why +
                                                  ", as in url = \"http://127.0.0.1:8080\"");
  };
  auto scheme = url_.find("://");
  if (url_.empty()) return refuse("is missing: it says where the server is");
  if (!url_.starts_with("http://") && !url_.starts_with("https://"))
    return refuse("must start with http:// or https://");
  auto bad = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
  if (std::any_of(url_.begin(), url_.end(), bad)) return refuse("contains a blank");
  auto rest = std::string_view{url_}.substr(scheme + 3);
  auto host = rest.substr(0, rest.find_first_of("/?#"));
  if (host.empty()) return refuse("names no host");
  // Would be seen in every log.
  if (host.find('@') != host.npos)
    return refuse("must not contain a user or password (use api_key_file)");
  if (rest.find_first_of("?#") != rest.npos) return refuse("must end with host or path");
  while (url_.ends_with('/')) url_.pop_back();
  if (url_.ends_with("/v1")) url_.resize(url_.size() - 3);
  while (url_.ends_with('/')) url_.pop_back();
  return {};
}

caf::error http_server::read_key() {
  auto refuse = [&](const std::string& why) {
    return make_error(errc::invalid_argument, "engine '" + engine_ + "': " + why);
  };
  const auto& file = config_.api_key_file;
  const auto& name = config_.api_key_env;
  if (!file.empty() && !name.empty())
    return refuse("api_key_file and api_key_env exclude each other");
  key_source_ = "not configured (api_key_file or api_key_env)";
  if (file.empty() && name.empty()) return {};
  if (!file.empty()) {
    key_source_ = "from api_key_file " + file.string();
    std::ifstream in{file};
    if (!in) return refuse("api_key_file " + file.string() + " cannot be read");
    key_.resize(key_bytes_max + 1);
    in.read(key_.data(), static_cast<std::streamsize>(key_.size()));
    key_.resize(static_cast<std::size_t>(in.gcount()));
  } else {
    key_source_ = "from the environment's " + name;
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return refuse("the environment has no " + name + " (api_key_env)");
    key_ = value;
  }
  key_ = std::string{trimmed(key_)};
  if (key_.empty()) return refuse("the API key " + key_source_ + " is empty");
  auto bad = [](char c) { return c <= ' ' || c == 0x7f; };
  if (key_.size() > key_bytes_max || std::any_of(key_.begin(), key_.end(), bad))
    return refuse("the API key " + key_source_ + " is no single printable word");
  return {};
}

http_endpoint http_server::endpoint(std::string_view path) const {
  http_endpoint out;
  out.url = url_;
  out.url += path;
  if (!key_.empty()) out.headers.push_back("Authorization: Bearer " + key_);
  out.connect_timeout = config_.connect_timeout;
  out.ca_file = config_.ca_file;
  out.proxy = config_.proxy;
  return out;
}

void http_server::make_chat() {
  auto out = endpoint("/v1/chat/completions");
  out.method = "POST";
  out.headers.emplace_back("Content-Type: application/json");
  out.headers.emplace_back("Accept: text/event-stream");
  out.first_timeout = config_.first_token_timeout;
  out.idle_timeout = config_.stall_timeout;
  out.response_bytes_max = config_.response_bytes_max;
  chat_ = std::make_shared<const http_endpoint>(out);
  out.headers.back() = "Accept: application/json";
  out.first_timeout = out.idle_timeout = {};
  whole_chat_ = std::make_shared<const http_endpoint>(out);
  out.url = endpoint("/v1/embeddings").url;
  embeddings_ = std::make_shared<const http_endpoint>(std::move(out));
}

std::shared_ptr<const http_endpoint> http_server::get(std::string_view path) const {
  auto out = endpoint(path);
  out.connect_timeout = std::min(config_.connect_timeout, config_.health_timeout);
  out.total_timeout = config_.health_timeout;
  out.response_bytes_max = probe_bytes_max;
  return std::make_shared<const http_endpoint>(std::move(out));
}

std::shared_ptr<const http_endpoint> http_server::post(std::string_view path,
                                                       std::chrono::milliseconds timeout,
                                                       std::size_t response_bytes_max) const {
  return request("POST", path, timeout, response_bytes_max);
}

std::shared_ptr<const http_endpoint> http_server::request(std::string_view method,
                                                          std::string_view path,
                                                          std::chrono::milliseconds timeout,
                                                          std::size_t response_bytes_max) const {
  auto out = endpoint(path);
  out.method = method;
  if (method == "POST") out.headers.emplace_back("Content-Type: application/json");
  out.connect_timeout = std::min(config_.connect_timeout, timeout);
  out.total_timeout = timeout;
  out.response_bytes_max = response_bytes_max;
  return std::make_shared<const http_endpoint>(std::move(out));
}

std::string http_server::without_key(std::string text) const {
  if (key_.empty()) return text;
  for (auto at = text.find(key_); at != text.npos; at = text.find(key_, at))
    text.replace(at, key_.size(), "***");
  return text;
}

}  // namespace tandem
