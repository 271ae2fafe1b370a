#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <caf/expected.hpp>

#include "actors/engine/backend.hpp"
#include "actors/engine/engine_config.hpp"
#include "actors/engine/http/http_backend.hpp"
#include "actors/engine/managed/load_watch.hpp"
#include "actors/engine/managed/server_process.hpp"

namespace tandem {

/// A server process that the node runs itself, spoken to over HTTP on loopback. Its health is what
/// the probes say, and `starting` while the process is not there. Other weights come by a restart
/// with their path, which later restarts keep.
class managed_backend : public backend {
 public:
  /// Starts the process; whether it comes up shows in status(). `invalid_argument` says which
  /// setting is wrong.
  [[nodiscard]] static caf::expected<std::unique_ptr<managed_backend>> open(
      const engine_config& config, const std::filesystem::path& data_folder,
      std::shared_ptr<http_loop> loop, backend_sink sink);

  [[nodiscard]] progress start(generation_request request) override;
  progress cancel(std::uint64_t id) override;
  [[nodiscard]] backend_status status() const override;
  void probe(std::function<void(std::vector<engine_check>)> done) override;
  [[nodiscard]] weight_abilities abilities() const override;
  void change_weights(weight_step step, const weight_target& target,
                      std::function<void(weight_outcome)> done) override;

 private:
  managed_backend(const engine_config& config, std::uint16_t port, std::shared_ptr<http_loop> loop,
                  std::shared_ptr<load_watch> watch, std::unique_ptr<http_backend> http,
                  std::unique_ptr<server_process> process);
  void load(const weight_target& target, std::function<void(weight_outcome)> done);

  /// Its path is the present one.
  engine_config config_;
  const std::uint16_t port_;
  const std::shared_ptr<http_loop> loop_;
  const std::shared_ptr<load_watch> watch_;

  // Ended in this order: first nothing is asked of the server any more.
  std::unique_ptr<server_process> process_;
  std::unique_ptr<http_backend> http_;
};

/// The command of `config` with its placeholders filled in; the default one where it names none.
[[nodiscard]] std::vector<std::string> managed_command(const engine_config& config,
                                                       std::uint16_t port);

}  // namespace tandem
