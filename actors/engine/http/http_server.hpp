#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <caf/expected.hpp>

#include "actors/engine/engine_config.hpp"
#include "actors/http/http_types.hpp"
#include "schema/attempt.capnp.h"

namespace tandem {

/// One server as it is configured: where it is, and how to be let in. Immutable.
class http_server {
 public:
  /// Reads the API key. `invalid_argument` names the setting and what is wrong with it.
  [[nodiscard]] static caf::expected<http_server> open(const engine_config& config);

  [[nodiscard]] const std::string& engine() const { return engine_; }
  [[nodiscard]] const http_config& config() const { return config_; }
  /// Without `/v1` and without a slash at its end.
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] const std::string& model() const { return model_; }
  /// `from the file ...`: for texts about keys.
  [[nodiscard]] const std::string& key_source() const { return key_source_; }

  /// POST /v1/chat/completions, with the timeouts of a generation.
  [[nodiscard]] std::shared_ptr<const http_endpoint> chat() const { return chat_; }
  /// Where a client's own request goes. What is not streamed has no timeouts of its own: nothing
  /// comes before its end.
  [[nodiscard]] std::shared_ptr<const http_endpoint> passed_on(schema::ClientPath path,
                                                               bool stream) const {
    return path == schema::ClientPath::EMBEDDINGS ? embeddings_ : stream ? chat_ : whole_chat_;
  }
  /// GET of a path, within health_timeout.
  [[nodiscard]] std::shared_ptr<const http_endpoint> get(std::string_view path) const;

  /// POST of JSON to a path, all within `timeout`.
  [[nodiscard]] std::shared_ptr<const http_endpoint> post(std::string_view path,
                                                          std::chrono::milliseconds timeout,
                                                          std::size_t response_bytes_max) const;

  /// GET or POST (of JSON) of a path, which may have a query, all within `timeout`.
  [[nodiscard]] std::shared_ptr<const http_endpoint> request(std::string_view method,
                                                             std::string_view path,
                                                             std::chrono::milliseconds timeout,
                                                             std::size_t response_bytes_max) const;

  /// `text` with the key, should the server have said it, struck out.
  [[nodiscard]] std::string without_key(std::string text) const;

 private:
  http_server() = default;
  [[nodiscard]] caf::error read_key();
  [[nodiscard]] caf::error check_url();
  void make_chat();
  [[nodiscard]] http_endpoint endpoint(std::string_view path) const;

  std::string engine_;
  http_config config_;
  std::string url_;
  std::string model_;
  std::string key_;
  std::string key_source_;
  std::shared_ptr<const http_endpoint> chat_;
  std::shared_ptr<const http_endpoint> whole_chat_;
  std::shared_ptr<const http_endpoint> embeddings_;
};

}  // namespace tandem
