#include "actors/engine/sim/sim_backend.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <simdjson.h>

#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::string_view marker = "@sim ";
constexpr std::size_t remembered_prompts_max = 65'536;
constexpr double ms_max = 24.0 * 3600 * 1000;
constexpr std::uint32_t context_tokens = 131'072;

/// The usual estimate for English text.
std::uint64_t tokens_in(std::size_t bytes) {
  return (bytes + 3) / 4;
}

errc error_named(std::string_view name) {
  for (auto code : {errc::invalid_argument, errc::overloaded, errc::unavailable,
                    errc::deadline_exceeded, errc::engine_failed, errc::invalid_output})
    if (name == to_string(code)) return code;
  return errc::unknown;
}

void read(sim_directive& wish, simdjson::dom::object object) {
  std::string_view name;
  std::uint64_t count = 0;
  if (!object["reply"].get(name)) {
    wish.reply = name;
    wish.has_reply = true;
  }
  double ms = 0;
  if (!object["ms"].get(ms)) wish.ms = std::clamp(ms, 0.0, ms_max);
  if (!object["error"].get(name)) {
    wish.error = error_named(name);
    if (wish.error == errc::unknown) wish.problem = "@sim names an unknown error";
  }
  if (!object["fail_first"].get(count))
    wish.fail_first = static_cast<std::uint32_t>(std::min<std::uint64_t>(count, 1000));
  bool cut = false;
  if (!object["cut"].get(cut)) wish.cut = cut;
}

}  // namespace

sim_directive parse_sim_directive(std::string_view prompt) {
  sim_directive wish;
  auto start = prompt.find(marker);
  if (start == std::string_view::npos) return wish;
  auto json = prompt.substr(start + marker.size());
  json = json.substr(0, json.find('\n'));
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(simdjson::padded_string{json}).get(object))
    wish.problem = "what follows @sim is no JSON object on one line";
  else
    read(wish, object);
  return wish;
}

sim_backend::sim_backend(const engine_config& config)
    : config_{config.sim},
      weight_version_{config.weight_version.empty() ? "1" : config.weight_version},
      random_{config.sim.seed} {}

std::string sim_backend::plan_text() const {
  std::string text = R"({"steps":[)";
  for (std::uint32_t i = 1; i <= config_.plan_steps; ++i) {
    auto id = std::to_string(i);
    if (i > 1) text += ',';
    text += R"({"id":)" + id + R"(,"kind":"sim","prompt":"step )" + id + R"(","depends_on":[]})";
  }
  return text + "]}";
}

generation sim_backend::answer(const generation_request& request, const sim_directive& wish) {
  generation result;
  const auto& prompt = request.messages.back().content;
  auto fails = wish.error != errc::unknown;
  if (fails && wish.fail_first > 0) {
    if (failures_.size() >= remembered_prompts_max) failures_.clear();
    fails = ++failures_[prompt] <= wish.fail_first;
  }
  if (fails) {
    result.code = wish.error;
    result.error = "simulated error, as the prompt asks";
  } else if (!wish.problem.empty()) {
    result.code = errc::invalid_argument;
    result.error = wish.problem;
  } else if (config_.error_rate > 0 &&
             std::uniform_real_distribution<>{}(random_) < config_.error_rate) {
    result.code = errc::engine_failed;
    result.error = "simulated error (sim.error_rate)";
  }
  for (const auto& message : request.messages)
    result.prompt_tokens += tokens_in(message.content.size());
  result.finish = result.code == errc::unknown ? schema::Finish::STOP : schema::Finish::ERROR;
  if (result.code != errc::unknown) return result;
  if (wish.has_reply)
    result.text = wish.reply;
  else if (request.purpose == schema::Purpose::PLAN)
    result.text = plan_text();
  else
    result.text = "[simulated] " + std::string{cut(prompt, 64)};
  result.completion_tokens =
      std::min<std::uint64_t>(tokens_in(result.text.size()), request.max_tokens);
  if (wish.cut) result.finish = schema::Finish::LENGTH;
  return result;
}

progress sim_backend::start(generation_request request) {
  if (request.messages.empty())
    return generation{.code = errc::invalid_argument, .error = "no messages"};
  auto wish = parse_sim_directive(request.messages.back().content);
  auto result = answer(request, wish);
  auto takes = config_.first_token + config_.per_token * result.completion_tokens;
  if (wish.ms >= 0)
    takes = std::chrono::microseconds{std::llround(wish.ms * 1000 * config_.time_scale)};
  if (takes.count() == 0) return result;
  running_.emplace(request.id, std::move(result));
  return takes;
}

progress sim_backend::resume(std::uint64_t id) {
  auto found = running_.find(id);
  if (found == running_.end()) return generation_pending{};
  auto result = std::move(found->second);
  running_.erase(found);
  return result;
}

progress sim_backend::cancel(std::uint64_t id) {
  auto found = running_.find(id);
  if (found == running_.end()) return generation_pending{};
  generation result{.code = errc::cancelled,
                    .error = "cancelled",
                    .finish = schema::Finish::CANCELLED,
                    .prompt_tokens = found->second.prompt_tokens};
  running_.erase(found);
  return result;
}

backend_status sim_backend::status() const {
  return {.weight_version = weight_version_, .context_tokens = context_tokens, .simulated = true};
}

}  // namespace tandem
