#include "actors/engine/http/http_backend.hpp"

#include <utility>

#include "actors/engine/http/chat_call.hpp"
#include "actors/engine/http/chat_request.hpp"
#include "actors/engine/http/server_prober.hpp"
#include "actors/engine/http/server_weights.hpp"
#include "actors/trace/traceparent.hpp"

namespace tandem {
namespace {

/// Of this request alone.
std::vector<std::string> headers_of(const generation_request& request) {
  if (!request.trace.is_set()) return {};
  return {"traceparent: " + format_traceparent(request.trace)};
}

}  // namespace

caf::expected<std::unique_ptr<http_backend>> http_backend::open(const engine_config& config,
                                                                std::shared_ptr<http_loop> loop,
                                                                backend_sink sink) {
  if (!loop)
    return make_error(errc::internal,
                      "engine '" + config.name + "': the node has no event loop for HTTP");
  auto server = http_server::open(config);
  if (!server) return std::move(server.error());
  return std::unique_ptr<http_backend>{
      new http_backend{std::move(*server), std::move(loop), std::move(sink), config}};
}

http_backend::http_backend(http_server server, std::shared_ptr<http_loop> loop, backend_sink sink,
                           const engine_config& config)
    : loop_{std::move(loop)},
      link_{std::make_shared<http_link>(std::move(server), loop_, std::move(sink))},
      prober_{std::make_shared<server_prober>(link_, config.weight_version)},
      weights_{std::make_unique<server_weights>(link_, prober_, config.weights)} {
  prober_->begin(*loop_);
}

http_backend::~http_backend() {
  link_->close(*loop_);
}

progress http_backend::start(generation_request request) {
  const auto& server = link_->server();
  auto adapter = weights_->adapter();
  chat_request_options options{.model = server.model(),
                               .server = prober_->kind(),
                               .adapter = adapter,
                               .constrain = server.config().constrain_plans};
  if (!request.client_body.empty()) return pass_on(request, options);
  auto body = chat_request_body(request, options);
  if (!body)
    return generation{.code = code_of(body.error()),
                      .error = "engine '" + server.engine() + "': " + message_of(body.error()),
                      .finish = schema::Finish::ERROR};
  std::string unconstrained;
  if (options.constrain && !request.response_schema.empty()) {
    options.constrain = false;
    if (auto without = chat_request_body(request, options)) unconstrained = std::move(*without);
  }
  chat_reply reply{request, prober_->context_tokens(), server.key_source()};
  link_->start(
      *loop_, request.id, server.chat(), std::move(*body),
      std::make_shared<chat_call>(link_, request, std::move(reply), std::move(unconstrained)),
      headers_of(request));
  return generation_pending{};
}

progress http_backend::pass_on(const generation_request& request,
                               const chat_request_options& options) {
  const auto& server = link_->server();
  auto stream = request.stream && request.client_path == schema::ClientPath::CHAT;
  // Where the client named no bound, nothing but ours keeps the answer within what is reserved.
  auto limit = request.open_ended && request.client_path == schema::ClientPath::CHAT
                   ? request.max_tokens
                   : 0u;
  chat_reply reply{request, prober_->context_tokens(), server.key_source()};
  link_->start(*loop_, request.id, server.passed_on(request.client_path, stream),
               passed_on_body(request.client_body, stream, limit, options),
               std::make_shared<chat_call>(link_, request, std::move(reply), std::string{}),
               headers_of(request));
  return generation_pending{};
}

progress http_backend::cancel(std::uint64_t id) {
  link_->cancel(*loop_, id);
  return generation_pending{};
}

backend_status http_backend::status() const {
  return link_->status();
}

void http_backend::probe(std::function<void(std::vector<engine_check>)> done) {
  prober_->probe(*loop_, std::move(done));
}

weight_abilities http_backend::abilities() const {
  return weights_->abilities();
}

void http_backend::change_weights(weight_step step, const weight_target& target,
                                  std::function<void(weight_outcome)> done) {
  weights_->change(*loop_, step, target, std::move(done));
}

std::function<void(const std::string&)> http_backend::weights_setter() const {
  return
      [loop = std::weak_ptr{loop_}, prober = std::weak_ptr{prober_}](const std::string& version) {
        auto on = loop.lock();
        auto who = prober.lock();
        if (on && who) who->learn_weights(*on, version, true);
      };
}

std::function<backend_status()> http_backend::status_reader() const {
  return [link = std::weak_ptr{link_}] {
    auto from = link.lock();
    return from ? from->status() : backend_status{};
  };
}

std::function<void(std::string)> http_backend::probe_restarter() const {
  return [loop = std::weak_ptr{loop_}, prober = std::weak_ptr{prober_}](std::string reason) {
    auto on = loop.lock();
    auto who = prober.lock();
    if (on && who) who->restart(*on, std::move(reason));
  };
}

}  // namespace tandem
