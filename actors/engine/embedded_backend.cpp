#include "actors/engine/embedded_backend.hpp"

#include <algorithm>
#include <cmath>

#include "actors/engine/embedded/gguf_file.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

std::string_view role_name(schema::Role role) {
  switch (role) {
    case schema::Role::SYSTEM:
      return "system";
    case schema::Role::ASSISTANT:
      return "assistant";
    default:
      return "user";
  }
}

schema::Finish finish_of(embedded::finish_reason reason) {
  switch (reason) {
    case embedded::finish_reason::stop:
      return schema::Finish::STOP;
    case embedded::finish_reason::length:
      return schema::Finish::LENGTH;
    case embedded::finish_reason::cancelled:
      return schema::Finish::CANCELLED;
    default:
      return schema::Finish::ERROR;
  }
}

generation finished(const embedded::generation_result& result, const std::string& text) {
  generation out{.finish = finish_of(result.finish),
                 .text = valid_utf8(text),
                 .prompt_tokens = result.prompt_tokens,
                 .cached_prompt_tokens = result.cached_prompt_tokens,
                 .completion_tokens = result.completion_tokens,
                 .weight_version = result.weight_version};
  if (result.finish == embedded::finish_reason::cancelled) {
    out.code = errc::cancelled;
    out.error = "cancelled";
  } else if (result.finish == embedded::finish_reason::error) {
    out.code = errc::engine_failed;
    out.error = result.error;
  }
  return out;
}

embedded::server_options options_of(const engine_config& config) {
  embedded::server_options options;
  options.slots = std::clamp(config.concurrency, 1u, 64u);
  // The engine actor queues; only what it lets through comes here, and the one generation that
  // new weights are verified with.
  options.queue_max = options.slots + 1;
  return options;
}

}  // namespace

caf::expected<std::unique_ptr<embedded_backend>> embedded_backend::open(const engine_config& config,
                                                                        backend_sink sink) {
  try {
    return std::unique_ptr<embedded_backend>{new embedded_backend{config, std::move(sink)}};
  } catch (const std::exception& error) {
    return make_error(errc::invalid_argument, error.what());
  }
}

embedded_backend::embedded_backend(const engine_config& config, backend_sink sink)
    : sink_{std::move(sink)}, server_{config.path, options_of(config), config.weight_version} {}

embedded_backend::~embedded_backend() {
  if (loader_.joinable()) loader_.join();
}

progress embedded_backend::start(generation_request request) {
  embedded::generation_request inner;
  inner.id = request.id;
  for (auto& turn : request.messages)
    inner.messages.push_back({std::string{role_name(turn.role)}, std::move(turn.content)});
  inner.max_tokens = std::max(request.max_tokens, 1u);
  inner.ignore_end = request.ignore_end;
  inner.sampling.temperature = std::isfinite(request.temperature) ? request.temperature : 0;
  inner.sampling.top_k = request.top_k;
  inner.sampling.top_p = request.top_p;
  inner.sampling.seed = request.seed;
  auto text = std::make_shared<std::string>();
  auto id = request.id;
  auto accepted = server_.submit(std::move(inner),
                                 {.on_text =
                                      [this, id, text](std::string_view piece) {
                                        *text += piece;
                                        sink_.on_text(id, std::string{piece});
                                      },
                                  .on_done =
                                      [this, id, text](const embedded::generation_result& result) {
                                        sink_.on_done(id, finished(result, std::move(*text)));
                                      }});
  if (accepted) return generation_pending{};
  auto busy = accepted.reason == embedded::refusal::queue_full ||
              accepted.reason == embedded::refusal::stopping;
  return generation{.code = busy ? errc::overloaded : errc::invalid_argument,
                    .error = std::move(accepted.text),
                    .finish = schema::Finish::ERROR};
}

progress embedded_backend::cancel(std::uint64_t id) {
  server_.cancel(id);
  return generation_pending{};
}

backend_status embedded_backend::status() const {
  auto load = server_.load();
  return {.weight_version = load.weight_version, .context_tokens = load.context};
}

weight_abilities embedded_backend::abilities() const {
  return {.swaps_in_place = true, .says_version = true};
}

void embedded_backend::change_weights(weight_step step, const weight_target& target,
                                      std::function<void(weight_outcome)> done) {
  // Slots forget what older weights have read, and nothing is ever paused.
  if (step != weight_step::load) return done({.version = server_.load().weight_version});
  // The last one has told its end already.
  if (loader_.joinable()) loader_.join();
  loader_ = std::thread{[this, target, done = std::move(done)] {
    weight_outcome out;
    try {
      server_.swap_weights(target.path, target.version);
      out.version = target.version;
    } catch (const std::exception& error) {
      out.code = errc::invalid_argument;
      out.error = error.what();
    }
    done(std::move(out));
  }};
}

}  // namespace tandem
