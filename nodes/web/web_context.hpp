#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/gateway/client_call.hpp"
#include "actors/gateway/gateway.hpp"
#include "actors/gateway/keys/key_gate.hpp"
#include "actors/http_server/http_service.hpp"
#include "actors/openai/client_chat.hpp"
#include "config/node_config.hpp"
#include "nodes/web/web_route.hpp"

namespace tandem {

class tracer;

/// What answers HTTP on one node is made from. Everything in it may be used from any thread.
struct web_parts {
  node_config config;
  std::string version;
  std::shared_ptr<gateway_box> gateway;
  std::shared_ptr<key_gate> keys;
  /// Text of /metrics, and the JSON of /v1/admin/history; null: there is none.
  std::function<void(gateway_pointer, std::function<void(std::string)>)> metrics;
  std::function<std::string(std::uint32_t minutes)> history;
  /// Null: nothing is recorded.
  std::shared_ptr<tracer> traces;
  /// A request of any kind has ended. `route`: the path's pattern; `other`: there is no such path.
  std::function<void(std::string_view route, unsigned status, double seconds)> on_request;
  /// An answer that comes in pieces has begun, and has ended. Null: nobody counts.
  std::function<void()> on_stream_begin, on_stream_end;
  /// Stands in for a journal's id in the fences of clients' own calls.
  std::uint64_t call_journal = 0;
  std::atomic<std::uint64_t> next_number{1};
  /// What /readyz said last; asking is open to everybody, and must cost the node nothing.
  struct readiness {
    std::mutex mutex;
    std::chrono::steady_clock::time_point asked_at;
    /// Why not; empty: ready.
    std::string reason;
  } ready;
  /// Calls and jobs that wait now.
  std::atomic<std::uint32_t> waiting{0};
  /// Sums of what was spent that are added up now.
  std::atomic<std::uint32_t> cost_sums{0};
};

/// One request on its way through a route.
struct web_call {
  std::shared_ptr<web_parts> parts;
  http_request request;
  std::shared_ptr<http_reply> reply;
  std::shared_ptr<const key_holder> caller;
  /// Of the route.
  std::vector<std::string> parameters;

  void fail(const openai_error& error, std::uint64_t retry_after_ms = 0) const {
    reply->send(error_response(error, retry_after_ms));
  }
  void fail(const caf::error& err) const { fail(to_openai_error(code_of(err), message_of(err))); }
  void json(std::string body, unsigned status = 200) const {
    reply->send({.status = status, .body = std::move(body)});
  }
};

/// Shared by what runs later in the gateway.
using web_call_ptr = std::shared_ptr<web_call>;

/// A job's goal is too long for this node's `[jobs]`. Refused here, since what is too long for a
/// message to another node would never be answered.
[[nodiscard]] std::optional<openai_error> check_goal(const node_config& config,
                                                     const std::vector<client_turn>& turns,
                                                     const tandem_options& options,
                                                     std::string_view param);

/// Runs `ask` in the gateway's actor, or answers 503.
void in_gateway(web_call call, std::function<void(gateway_pointer, web_call_ptr)> ask);

/// A proxy on this machine brings it, from anywhere.
[[nodiscard]] bool is_forwarded(const http_request& head);

/// All routes, in the order of docs/http-api.md.
[[nodiscard]] std::vector<web_route> web_routes();
void add_model_routes(std::vector<web_route>& routes);
void add_job_routes(std::vector<web_route>& routes);
void add_cost_routes(std::vector<web_route>& routes);
void add_admin_routes(std::vector<web_route>& routes);
void add_page_routes(std::vector<web_route>& routes);

}  // namespace tandem
