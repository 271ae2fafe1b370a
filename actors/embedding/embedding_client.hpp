#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include <caf/expected.hpp>

#include "actors/embedding/embedding_cache.hpp"
#include "actors/embedding/embedding_config.hpp"

namespace tandem {

class http_loop;

/// Asks an OpenAI-compatible server for the vectors of texts. The same text asked for twice is one
/// request; those of late are remembered. A server that fails is left alone for a while: then every
/// call ends at once, so that a dead server costs nothing. All vectors have as many dimensions as
/// the first; another number is a failure, until the node is started anew. Callable from any
/// thread, callbacks included.
class embedding_client {
 public:
  /// Of a longer text the first part is meant.
  static constexpr std::size_t text_bytes_max = std::size_t{8} * 1024;
  /// Callbacks that wait for one text; more are refused.
  static constexpr std::size_t waiting_max = 1024;

  using callback = std::function<void(caf::expected<embedding>)>;

  /// `invalid_argument`: a URL, a key or a CA file that cannot be used.
  [[nodiscard]] static caf::expected<std::shared_ptr<embedding_client>> open(
      const embedding_config& config, const std::shared_ptr<http_loop>& loop);
  embedding_client(const embedding_client&) = delete;
  embedding_client& operator=(const embedding_client&) = delete;
  /// Calls back whoever waits, with `cancelled`.
  ~embedding_client();

  /// Calls `done` exactly once: before this returns (known, refused) or later from the loop's
  /// thread, after `timeout` at the latest; it must not block. `overloaded`: too many under way;
  /// `unavailable`: the server has failed lately; `engine_failed`, with why, when it fails now;
  /// `invalid_argument`: no text; `cancelled`: the client is gone.
  void embed(std::string_view text, callback done);

  [[nodiscard]] const embedding_config& config() const;

  struct counts {
    std::uint64_t requests = 0;
    std::uint64_t hits = 0;
    std::uint64_t failures = 0;
    /// For the pause or for too many under way.
    std::uint64_t refused = 0;
  };
  [[nodiscard]] counts counted() const;

 private:
  class core;
  explicit embedding_client(std::shared_ptr<core> made) : core_{std::move(made)} {}

  std::shared_ptr<core> core_;
};

}  // namespace tandem
