#include "actors/engine/make_backend.hpp"

#include "actors/engine/embedded_backend.hpp"
#include "actors/engine/http/http_backend.hpp"
#include "actors/engine/managed/managed_backend.hpp"
#include "actors/engine/replay/replay_backend.hpp"
#include "actors/engine/sim/sim_backend.hpp"

namespace tandem {

caf::expected<std::unique_ptr<backend>> make_backend(const engine_config& config,
                                                     const backend_services& services,
                                                     backend_sink sink) {
  if (config.kind == "sim")
    return std::unique_ptr<backend>{
        std::make_unique<sim_backend>(config, std::move(sink), services.now)};
  if (config.kind == "replay") {
    auto opened = replay_backend::open(config, std::move(sink), services.now);
    if (!opened) return std::move(opened.error());
    return std::unique_ptr<backend>{std::move(*opened)};
  }
  if (config.kind == "embedded") {
    auto opened = embedded_backend::open(config, std::move(sink));
    if (!opened) return std::move(opened.error());
    return std::unique_ptr<backend>{std::move(*opened)};
  }
  if (config.kind == "http") {
    auto opened = http_backend::open(config, services.http, std::move(sink));
    if (!opened) return std::move(opened.error());
    return std::unique_ptr<backend>{std::move(*opened)};
  }
  if (config.kind == "managed") {
    auto opened =
        managed_backend::open(config, services.data_folder, services.http, std::move(sink));
    if (!opened) return std::move(opened.error());
    return std::unique_ptr<backend>{std::move(*opened)};
  }
  return make_error(errc::invalid_argument,
                    "engine '" + config.name + "': kind '" + config.kind +
                        "' is none of embedded, http, managed, replay and sim");
}

}  // namespace tandem
