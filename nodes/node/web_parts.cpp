#include "nodes/node/web_parts.hpp"

#include <random>

#include <spdlog/spdlog.h>

#include "actors/clock.hpp"
#include "nodes/node/metrics_scrape.hpp"
#include "nodes/version.hpp"
#include "nodes/web/web_service.hpp"

namespace tandem {
namespace {

std::uint64_t random_journal() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

web_server_options options_of(const gateway_config& http, const listen_address& at) {
  return {.host = at.host,
          .port = at.port,
          .cert_file = http.cert_file,
          .key_file = http.key_file,
          .threads = http.threads,
          .connections_max = http.connections_max,
          .header_bytes_max = http.header_bytes_max,
          .body_bytes_max = http.body_bytes_max,
          .memory_bytes_max = http.memory_bytes_max,
          .read_timeout = http.read_timeout,
          .idle_timeout = http.idle_timeout,
          .write_timeout = http.write_timeout,
          .stream_bytes_max = http.stream_bytes_max};
}

}  // namespace

caf::expected<std::unique_ptr<web_server>> open_web(const node_parts& parts) {
  auto at = parse_address(parts.config.http.listen);
  if (!at) return std::move(at.error());
  auto shared = std::make_shared<web_parts>();
  shared->config = parts.config;
  shared->version = version;
  shared->gateway = parts.gateway;
  shared->keys = parts.keys->gate();
  shared->traces = parts.services.trace;
  shared->on_request = [metrics = parts.metrics](std::string_view route, unsigned status,
                                                 double seconds) {
    metrics->on_http(route, status, seconds);
  };
  shared->on_stream_begin = [metrics = parts.metrics] { metrics->on_stream_begin(); };
  shared->on_stream_end = [metrics = parts.metrics] { metrics->on_stream_end(); };
  shared->history = [history = parts.history](std::uint32_t minutes) {
    return history->json(minutes, unix_ms());
  };
  if (!parts.config.http.require_key && parts.config.http.cert_file.empty())
    spdlog::info(
        "requests from this machine need no key; behind a proxy set http.require_key = true");
  shared->call_journal = random_journal();
  shared->metrics = [parts](gateway_pointer self, std::function<void(std::string)> done) {
    scrape_metrics(self->home_system(), parts, self->state.supervisor, std::move(done));
  };
  return web_server::start(options_of(parts.config.http, *at),
                           std::make_shared<web_service>(std::move(shared)));
}

std::string web_address(const node_config& config, std::uint16_t port) {
  auto at = parse_address(config.http.listen);
  if (!at) return {};
  at->port = port;
  return (config.http.cert_file.empty() ? "http://" : "https://") + to_string(*at);
}

}  // namespace tandem
