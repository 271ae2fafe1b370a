#include "nodes/web/web_service.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>

#include "actors/clock.hpp"
#include "actors/gateway/keys/key_text.hpp"

namespace tandem {
namespace {

/// Of a request that no route takes, in what is counted.
constexpr std::string_view other_route = "other";

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

void mark_shared(http_response& answer, std::string_view origin) {
  answer.headers.emplace_back("Access-Control-Allow-Origin", origin);
  answer.headers.emplace_back("Access-Control-Expose-Headers",
                              "X-Request-Id, Tandem-Warning, Retry-After, Location");
  answer.headers.emplace_back("Vary", "Origin");
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
    mark_shared(answer, origin_);
    return answer;
  }

  std::shared_ptr<http_reply> inner_;
  std::string origin_;
};

/// Headers that a page may send: those that it asks for, if they are names; else the usual ones.
std::string allowed_headers(std::string_view asked) {
  constexpr std::string_view usual =
      "authorization, content-type, idempotency-key, last-event-id, traceparent, x-api-key, "
      "api-key, openai-organization, openai-project";
  constexpr std::size_t bytes_max = 2048;
  auto is_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"!#$%&'*+-.^_`|~, "}.find(c) != std::string_view::npos;
  };
  auto is_fit = !asked.empty() && asked.size() <= bytes_max &&
                std::all_of(asked.begin(), asked.end(), is_name);
  return std::string{is_fit ? asked : usual};
}

}  // namespace

bool is_forwarded(const http_request& head) {
  return !head.find("x-forwarded-for").empty() || !head.find("forwarded").empty() ||
         !head.find("x-real-ip").empty() || !head.find("via").empty() ||
         !head.find("x-forwarded-host").empty() || !head.find("x-forwarded-proto").empty();
}

namespace {

/// Counts one request, and the stream that its answer may be, once each. May outlive the reply,
/// which holds what holds this.
class request_count {
 public:
  request_count(std::shared_ptr<web_parts> parts, std::string_view route)
      : parts_{std::move(parts)}, route_{route} {}

  void begin(unsigned status) {
    const std::lock_guard lock{mutex_};
    // The client may have left meanwhile.
    if (has_ended_ || std::exchange(streams_, true)) return;
    status_ = status;
    if (parts_->on_stream_begin) parts_->on_stream_begin();
  }
  /// 0: as it began.
  void end(unsigned status) {
    const std::lock_guard lock{mutex_};
    if (std::exchange(has_ended_, true)) return;
    if (streams_ && parts_->on_stream_end) parts_->on_stream_end();
    if (!parts_->on_request) return;
    if (status == 0) status = status_;
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun_;
    parts_->on_request(route_, status, took.count());
  }

 private:
  std::mutex mutex_;
  std::shared_ptr<web_parts> parts_;
  std::string_view route_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  /// Unsent, it becomes a 500.
  unsigned status_ = 500;
  bool streams_ = false;
  bool has_ended_ = false;
};

class counted_reply : public http_reply {
 public:
  counted_reply(std::shared_ptr<http_reply> inner, std::shared_ptr<request_count> count)
      : inner_{std::move(inner)}, count_{std::move(count)} {}
  ~counted_reply() override { count_->end(0); }
  void send(http_response answer) override {
    count_->end(answer.status);
    inner_->send(std::move(answer));
  }
  void begin(http_response head) override {
    count_->begin(head.status);
    inner_->begin(std::move(head));
  }
  bool write(std::string piece) override { return inner_->write(std::move(piece)); }
  void end() override {
    count_->end(0);
    inner_->end();
  }
  void on_gone(std::function<void()> gone) override {
    inner_->on_gone([count = count_, gone = std::move(gone)] {
      count->end(client_left);
      gone();
    });
  }

 private:
  std::shared_ptr<http_reply> inner_;
  std::shared_ptr<request_count> count_;
};

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
  add_cost_routes(routes);
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
  return http_response{.status = 204,
                       .content_type = "",
                       .headers = {{"Access-Control-Allow-Origin", std::string{origin}},
                                   {"Access-Control-Allow-Methods", "GET, POST"},
                                   {"Access-Control-Allow-Headers",
                                    allowed_headers(head.find("access-control-request-headers"))},
                                   {"Access-Control-Max-Age", "600"},
                                   {"Vary", "Origin, Access-Control-Request-Headers"}}};
}

std::optional<http_response> web_service::look_at_head(const http_request& head) {
  if (auto answer = preflight(head)) return answer;
  auto found = admit(head);
  if (!found.refusal) return std::nullopt;
  if (parts_->on_request)
    parts_->on_request(found.match.route != nullptr ? found.match.route->path : other_route,
                       found.refusal->status, 0);
  // A page of an origin that may ask is to see why not.
  if (auto origin = foreign_origin(head); !origin.empty()) mark_shared(*found.refusal, origin);
  return std::move(found.refusal);
}

std::string_view web_service::foreign_origin(const http_request& head) const {
  auto origin = head.find("origin");
  auto host = head.find("host");
  if (origin.empty() || is_own_origin(origin, host) || !is_allowed_origin(origin, host)) return {};
  return origin;
}

void web_service::on_request(http_request request, std::shared_ptr<http_reply> reply) {
  if (auto origin = foreign_origin(request); !origin.empty())
    reply = std::make_shared<shared_reply>(std::move(reply), std::string{origin});
  auto found = admit(request);
  reply = std::make_shared<counted_reply>(
      std::move(reply),
      std::make_shared<request_count>(
          parts_, found.match.route != nullptr ? found.match.route->path : other_route));
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
