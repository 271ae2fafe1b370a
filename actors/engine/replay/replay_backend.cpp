#include "actors/engine/replay/replay_backend.hpp"

#include "schema/text.hpp"

namespace tandem {
namespace {

const std::string* last_user_message(const generation_request& request) {
  for (auto turn = request.messages.rbegin(); turn != request.messages.rend(); ++turn)
    if (turn->role == schema::Role::USER) return &turn->content;
  return nullptr;
}

generation refused(std::string why) {
  return {.code = errc::invalid_argument, .error = std::move(why), .finish = schema::Finish::ERROR};
}

}  // namespace

caf::expected<std::unique_ptr<replay_backend>> replay_backend::open(
    const engine_config& config, backend_sink sink,
    std::function<std::chrono::steady_clock::time_point()> now) {
  auto where = "engine '" + config.name + "': ";
  if (config.replay.answers.empty())
    return make_error(errc::invalid_argument,
                      where + "set replay.answers to a CSV file of recorded answers");
  const auto& column = config.replay.column.empty() ? config.model : config.replay.column;
  auto answers = recorded_answers::load(config.replay.answers, column);
  if (!answers) return make_error(errc::invalid_argument, where + message_of(answers.error()));
  return std::unique_ptr<replay_backend>{
      new replay_backend{config, std::move(*answers), std::move(sink), std::move(now)}};
}

replay_backend::replay_backend(const engine_config& config, recorded_answers answers,
                               backend_sink sink,
                               std::function<std::chrono::steady_clock::time_point()> now)
    : weight_version_{config.weight_version.empty() ? "recorded" : config.weight_version},
      context_tokens_{config.sim.context_tokens},
      answers_{std::move(answers)},
      calls_{config.sim, std::move(sink), std::move(now)} {}

progress replay_backend::start(generation_request request) {
  const auto* prompt = last_user_message(request);
  if (prompt == nullptr) return refused("no user message");
  const auto* answer = answers_.find(*prompt);
  if (answer == nullptr)
    return refused("no answer to this prompt was recorded: '" + valid_utf8(cut(*prompt, 80)) + "'");
  paced_call call;
  call.stream = request.stream;
  for (const auto& message : request.messages)
    call.prompt_tokens += tokens_in(message.content.size());
  auto& result = call.result;
  result.text = answer->text;
  result.finish = schema::Finish::STOP;
  auto fits = std::size_t{request.max_tokens} * 4;
  if (request.max_tokens > 0 && result.text.size() > fits) {
    result.text = cut(result.text, fits);
    result.finish = schema::Finish::LENGTH;
  }
  call.write_tokens = tokens_in(result.text.size());
  result.prompt_tokens = call.prompt_tokens;
  result.completion_tokens = call.write_tokens;
  return calls_.start(request.id, std::move(call), request.messages);
}

progress replay_backend::resume(std::uint64_t id) {
  return calls_.resume(id);
}

progress replay_backend::cancel(std::uint64_t id) {
  return calls_.cancel(id);
}

backend_status replay_backend::status() const {
  return {.weight_version = weight_version_,
          .context_tokens = context_tokens_,
          .simulated = true,
          .server = "recorded answers",
          .server_running = static_cast<std::uint32_t>(calls_.size()),
          .cache_usage = calls_.cache_usage()};
}

}  // namespace tandem
