#include "nodes/web/web_service.hpp"

#include <algorithm>

#include "actors/clock.hpp"
#include "actors/gateway/keys/key_text.hpp"

namespace tandem {
namespace {

http_response refusal(unsigned status, std::string message, std::string type, std::string code) {
  return error_response({.status = status,
                         .message = std::move(message),
                         .type = std::move(type),
                         .code = std::move(code)});
}

/// `[::1]:80` → `::1`.
std::string_view host_name(std::string_view host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

/// `Authorization: Bearer KEY`, or the header of Anthropic's and Azure's clients.
std::string_view key_of(const http_request& head) {
  auto given = head.find("authorization");
  if (given.empty()) given = head.find("x-api-key");
  return given.empty() ? head.find("api-key") : given;
}

/// Says that a page of another origin may read the answer.
class shared_reply : public http_reply {
 public:
  shared_reply(std::shared_ptr<http_reply> inner, std::string origin)
      : inner_{std::move(inner)}, origin_{std::move(origin)} {}
  void send(http_response answer) override { inner_->send(marked(std::move(answer))); }
  void begin(http_response head) override { inner_->begin(marked(std::move(head))); }
  bool write(std::string piece) override { return inner_->write(std::move(piece)); }
  void end() override { inner_->end(); }
  void on_gone(std::function<void()> gone) override { inner_->on_gone(std::move(gone)); }

 private:
  [[nodiscard]] http_response marked(http_response answer) const {
    answer.headers.emplace_back("Access-Control-Allow-Origin", origin_);
    answer.headers.emplace_back("Access-Control-Expose-Headers", "X-Request-Id, Tandem-Warning");
    answer.headers.emplace_back("Vary", "Origin");
    return answer;
  }

  std::shared_ptr<http_reply> inner_;
  std::string origin_;
};

/// A proxy on this machine brings it from anywhere.
bool is_forwarded(const http_request& head) {
  return !head.find("x-forwarded-for").empty() || !head.find("forwarded").empty() ||
         !head.find("x-real-ip").empty();
}

bool is_own_origin(std::string_view origin, std::string_view host) {
  auto at = origin.find("://");
  return at != origin.npos && origin.substr(at + 3) == host;
}

}  // namespace

void in_gateway(web_call call, std::function<void(gateway_pointer, web_call_ptr)> ask) {
  auto shared = std::make_shared<web_call>(std::move(call));
  if (shared->parts->gateway->post(
          [shared, ask = std::move(ask)](gateway_pointer self) { ask(self, shared); }))
    return;
  shared->fail(to_openai_error(errc::unavailable, "this node's gateway is being started anew"));
}

std::vector<web_route> web_routes() {
  std::vector<web_route> routes;
  add_model_routes(routes);
  add_job_routes(routes);
  add_admin_routes(routes);
  add_page_routes(routes);
  return routes;
}

web_service::web_service(std::shared_ptr<web_parts> parts)
    : parts_{std::move(parts)}, routes_{web_routes()} {}

bool web_service::is_allowed_origin(std::string_view origin, std::string_view host) const {
  if (is_own_origin(origin, host)) return true;
  const auto& allowed = parts_->config.http.origins;
  return std::find(allowed.begin(), allowed.end(), origin) != allowed.end();
}

std::optional<http_response> web_service::check_origin(const http_request& head,
                                                       bool has_key) const {
  auto host = head.find("host");
  auto origin = head.find("origin");
  if (!origin.empty() && !is_allowed_origin(origin, host))
    return refusal(403,
                   "a page of " + std::string{origin} +
                       " may not call this node; name it in http.origins to let it",
                   "permission_error", "origin_not_allowed");
  // A name that somebody else's DNS points at this machine.
  if (!has_key && !host.empty() && !is_loopback(host_name(host)))
    return refusal(
        403,
        "without a key only requests to localhost are answered, not to '" + std::string{host} + "'",
        "permission_error", "host_not_allowed");
  return std::nullopt;
}

web_service::admitted web_service::admit(const http_request& head) const {
  admitted out{.match = find_route(routes_, head.method, head.path)};
  const auto* route = out.match.route;
  if (route == nullptr) {
    out.refusal =
        out.match.allowed.empty()
            ? refusal(404, "there is no " + head.path + "; GET /openapi.json says what there is",
                      "not_found_error", "not_found")
            : refusal(405, head.path + " takes " + out.match.allowed, "invalid_request_error",
                      "method_not_allowed");
    if (!out.match.allowed.empty()) out.refusal->headers.emplace_back("Allow", out.match.allowed);
    return out;
  }
  auto key = key_of(head);
  auto needs_key = parts_->config.http.require_key || !head.is_loopback || is_forwarded(head);
  // OpenAI's clients do not start without one, whatever it is: where none is needed, what is no key
  // of ours is none.
  if (!needs_key && !id_in_key(key_in_header(key))) key = {};
  if (out.refusal = check_origin(head, !key.empty() || needs_key); out.refusal) return out;
  out.caller = parts_->keys->open_holder();
  if (route->access == web_access::open) return out;
  if (!key.empty() || needs_key) {
    auto known = parts_->keys->authenticate(key, unix_ms());
    if (!known) {
      out.refusal =
          refusal(401, message_of(known.error()), "authentication_error", "invalid_api_key");
      out.refusal->headers.emplace_back("WWW-Authenticate", "Bearer");
      return out;
    }
    out.caller = std::move(*known);
  }
  if (route->access == web_access::admin && !out.caller->is_admin)
    out.refusal = refusal(403, "this needs an admin's key (tandem keys create --admin)",
                          "permission_error", "admin_only");
  return out;
}

std::optional<http_response> web_service::preflight(const http_request& head) const {
  auto origin = head.find("origin");
  if (head.method != "OPTIONS" || origin.empty()) return std::nullopt;
  if (!is_allowed_origin(origin, head.find("host"))) return std::nullopt;
  return http_response{
      .status = 204,
      .content_type = "",
      .headers = {{"Access-Control-Allow-Origin", std::string{origin}},
                  {"Access-Control-Allow-Methods", "GET, POST"},
                  {"Access-Control-Allow-Headers",
                   "authorization, content-type, idempotency-key, last-event-id, traceparent"},
                  {"Access-Control-Max-Age", "600"},
                  {"Vary", "Origin"}}};
}

std::optional<http_response> web_service::look_at_head(const http_request& head) {
  if (auto answer = preflight(head)) return answer;
  return admit(head).refusal;
}

void web_service::on_request(http_request request, std::shared_ptr<http_reply> reply) {
  if (auto origin = request.find("origin"); !origin.empty() &&
                                            !is_own_origin(origin, request.find("host")) &&
                                            is_allowed_origin(origin, request.find("host")))
    reply = std::make_shared<shared_reply>(std::move(reply), std::string{origin});
  auto found = admit(request);
  // Its key may have been revoked since its head came.
  if (found.refusal) return reply->send(std::move(*found.refusal));
  auto answer = found.match.route->answer;
  answer({.parts = parts_,
          .request = std::move(request),
          .reply = std::move(reply),
          .caller = std::move(found.caller),
          .parameters = std::move(found.match.parameters)});
}

http_response web_service::refuse(unsigned status, std::string_view why) {
  auto out = error_response({.status = status, .message = std::string{why}});
  out.close = true;
  return out;
}

}  // namespace tandem
