#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <caf/expected.hpp>

#include "actors/engine/backend.hpp"
#include "actors/engine/engine_config.hpp"
#include "actors/engine/http/http_link.hpp"
#include "actors/http/http_loop.hpp"

namespace tandem {

struct chat_request_options;
class server_prober;
class server_weights;

/// An OpenAI-compatible server as an engine's backend. Always streamed upstream; a cancelled
/// request closes its connection. Errors: `invalid_argument` for what is the caller's fault (4xx),
/// `overloaded` for 408, 429 and 503, `engine_failed` for everything else. A good generation's
/// `error` is empty, or says that its tokens are an estimate.
class http_backend : public backend {
 public:
  /// Begins to probe. `invalid_argument` says which setting is wrong; whether the server is there
  /// shows in status().
  [[nodiscard]] static caf::expected<std::unique_ptr<http_backend>> open(
      const engine_config& config, std::shared_ptr<http_loop> loop, backend_sink sink);
  ~http_backend() override;

  [[nodiscard]] progress start(generation_request request) override;
  progress cancel(std::uint64_t id) override;
  [[nodiscard]] backend_status status() const override;
  void probe(std::function<void(std::vector<engine_check>)> done) override;
  [[nodiscard]] weight_abilities abilities() const override;
  void change_weights(weight_step step, const weight_target& target,
                      std::function<void(weight_outcome)> done) override;
  /// To be called when its server has been started with weights of this version, and will be again
  /// when it is started anew. Does nothing once the backend is gone, as the next.
  [[nodiscard]] std::function<void(const std::string& version)> weights_setter() const;
  [[nodiscard]] std::function<backend_status()> status_reader() const;
  /// To be called, from any thread and with a reason, when what answers there is a new process:
  /// the engine is `starting` until it has been asked. Does nothing once the backend is gone.
  [[nodiscard]] std::function<void(std::string)> probe_restarter() const;

 private:
  [[nodiscard]] progress pass_on(const generation_request& request,
                                 const chat_request_options& options);
  http_backend(http_server server, std::shared_ptr<http_loop> loop, backend_sink sink,
               const engine_config& config);

  std::shared_ptr<http_loop> loop_;
  std::shared_ptr<http_link> link_;
  std::shared_ptr<server_prober> prober_;
  std::unique_ptr<server_weights> weights_;
};

}  // namespace tandem
