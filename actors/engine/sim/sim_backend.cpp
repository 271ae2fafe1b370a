#include "actors/engine/sim/sim_backend.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::size_t remembered_prompts_max = 65'536;
constexpr std::string_view version_mark = "{version}";

/// Evenly spread over 0 to 1, the same on every machine.
double difficulty_of(std::string_view prompt) {
  std::uint64_t hash = 14'695'981'039'346'656'037ull;
  for (unsigned char byte : prompt) hash = (hash ^ byte) * 1'099'511'628'211ull;
  // FNV leaves the high bits of short texts alike.
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdull;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53ull;
  return static_cast<double>((hash ^ (hash >> 33)) >> 11) * 0x1p-53;
}

std::uint64_t scaled(std::uint64_t tokens, double factor) {
  if (factor == 1) return tokens;
  return static_cast<std::uint64_t>(std::min(static_cast<double>(tokens) * factor, 1e15));
}

generation failed(errc code, std::string error) {
  return {.code = code, .error = std::move(error), .finish = schema::Finish::ERROR};
}

}  // namespace

sim_backend::sim_backend(const engine_config& config, backend_sink sink,
                         std::function<std::chrono::steady_clock::time_point()> now)
    : config_{config.sim},
      weights_{config},
      random_{config.sim.seed},
      calls_{config.sim, std::move(sink), std::move(now)} {}

std::string sim_backend::plan_text() const {
  std::string text = R"({"steps":[)";
  for (std::uint32_t i = 1; i <= config_.plan_steps; ++i) {
    auto id = std::to_string(i);
    if (i > 1) text += ',';
    text.append(R"({"id":)").append(id).append(R"(,"kind":"sim","prompt":"step )").append(id);
    text += R"(","depends_on":[]})";
  }
  return text + "]}";
}

std::string sim_backend::worded(const sim_directive& wish) const {
  auto text = wish.reply;
  auto at = text.find(version_mark);
  if (at != std::string::npos) text.replace(at, version_mark.size(), weights_.version());
  return text;
}

std::string sim_backend::wrong(const std::string& text) const {
  std::int64_t number = 0;
  auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec == std::errc{} && read.ptr == text.data() + text.size() && number < INT64_MAX)
    return std::to_string(number + 1);
  return weights_.made_up() + "a wrong answer";
}

bool sim_backend::strikes(double rate) {
  return rate > 0 && std::uniform_real_distribution<>{}(random_) < rate;
}

bool sim_backend::faulty(const std::string& prompt, const sim_directive& wish) {
  if (!wish.has_fault()) return false;
  if (wish.fail_first == 0) return true;
  if (failures_.size() >= remembered_prompts_max) failures_.clear();
  return ++failures_[prompt] <= wish.fail_first;
}

generation sim_backend::refusal(const sim_directive& wish, bool faulty,
                                std::uint64_t prompt_tokens) {
  if (faulty && wish.error != errc::unknown) {
    auto result = failed(wish.error, "simulated error, as the prompt asks");
    result.retry_after = wish.retry_after;
    return result;
  }
  if (!wish.problem.empty()) return failed(errc::invalid_argument, wish.problem);
  if (prompt_tokens > config_.context_tokens)
    return failed(errc::invalid_argument, "the prompt has about " + std::to_string(prompt_tokens) +
                                              " tokens, the context " +
                                              std::to_string(config_.context_tokens));
  if (strikes(config_.error_rate))
    return failed(errc::engine_failed, "simulated error (sim.error_rate)");
  generation result;
  if (strikes(config_.overload_rate))
    result = failed(errc::overloaded, "simulated 429 (sim.overload_rate)");
  else if (strikes(config_.unavailable_rate))
    result = failed(errc::unavailable, "simulated 503 (sim.unavailable_rate)");
  if (result.code != errc::unknown) result.retry_after = config_.retry_after;
  return result;
}

std::string sim_backend::text_for(const generation_request& request, const sim_directive& wish,
                                  bool faulty) {
  const auto& prompt = request.messages.back().content;
  auto is_plan = request.purpose == schema::Purpose::PLAN;
  std::string text;
  if (wish.has_reply)
    text = worded(wish);
  else if (is_plan)
    text = plan_text();
  else if (request.ignore_end)
    text = weights_.words(request.max_tokens);
  else if (wish.tokens > 0)
    text = weights_.words(wish.tokens);
  else
    text = weights_.made_up() + std::string{cut(prompt, 64)};
  if (weights_.answers_nothing()) return {};
  auto is_wrong = (faulty && wish.wrong) || strikes(config_.wrong_rate) || weights_.answers_wrong();
  if (!is_wrong && config_.quality < 1)
    is_wrong = (wish.difficulty >= 0 ? wish.difficulty : difficulty_of(prompt)) > config_.quality;
  if (!is_wrong || is_plan) return text;
  auto other = wrong(text);
  if (wish.has_reply || wish.tokens == 0) return other;
  // A wrong answer takes as long to write as a right one.
  if (other.size() < text.size()) sim_weights::write_on(other, text.size());
  other.resize(text.size());
  return other;
}

void sim_backend::break_off(paced_call& call, const sim_directive& wish, bool faulty) {
  std::optional<std::uint64_t> after;
  if (faulty && wish.cut_after >= 0)
    after = static_cast<std::uint64_t>(wish.cut_after);
  else if (strikes(config_.cut_rate))
    after = call.write_tokens / 2;
  if (!after) return;
  auto& result = call.result;
  call.breaks = true;
  auto whole = std::max<std::uint64_t>(call.write_tokens, 1);
  call.write_tokens = std::min(call.write_tokens, *after);
  result.text = cut(result.text, result.text.size() * call.write_tokens / whole);
  result.completion_tokens = call.write_tokens;
  result.code = errc::engine_failed;
  result.error =
      "simulated: the stream broke off after " + std::to_string(call.write_tokens) + " tokens";
  result.finish = schema::Finish::ERROR;
}

paced_call sim_backend::answer(const generation_request& request, const sim_directive& wish) {
  paced_call call;
  call.stream = request.stream;
  call.prompt_tokens = wish.prompt_tokens;
  if (wish.prompt_tokens == 0)
    for (const auto& message : request.messages)
      call.prompt_tokens += tokens_in(message.content.size());
  auto fault = faulty(request.messages.back().content, wish);
  call.stalls = (fault && wish.stall) || strikes(config_.stall_rate);
  call.slow = wish.slow * (strikes(config_.slow_rate) ? config_.slow_factor : 1);
  if (wish.ms >= 0)
    call.takes =
        std::chrono::microseconds{std::llround(wish.ms * 1000 * config_.time_scale * call.slow)};
  auto& result = call.result;
  result = refusal(wish, fault, call.prompt_tokens);
  result.weight_version = weights_.version();
  if (result.code == errc::unknown) {
    result.text = text_for(request, wish, fault);
    result.finish = wish.cut ? schema::Finish::LENGTH : schema::Finish::STOP;
    std::uint64_t tokens = wish.tokens;
    if (!wish.has_reply || result.text.empty() || tokens == 0)
      tokens = tokens_in(result.text.size());
    call.write_tokens = std::min<std::uint64_t>(tokens, request.max_tokens);
    result.completion_tokens = call.write_tokens;
    break_off(call, wish, fault);
  }
  auto lie = wish.usage >= 0 ? wish.usage : config_.usage_factor;
  result.prompt_tokens = scaled(call.prompt_tokens, lie);
  result.completion_tokens = scaled(result.completion_tokens, lie);
  return call;
}

progress sim_backend::start(generation_request request) {
  if (request.messages.empty())
    return generation{.code = errc::invalid_argument, .error = "no messages"};
  auto wish = parse_sim_directive(request.messages.back().content);
  return calls_.start(request.id, answer(request, wish), request.messages);
}

progress sim_backend::resume(std::uint64_t id) {
  return calls_.resume(id);
}

progress sim_backend::cancel(std::uint64_t id) {
  return calls_.cancel(id);
}

weight_abilities sim_backend::abilities() const {
  return {.says_version = true};
}

void sim_backend::change_weights(weight_step step, const weight_target& target,
                                 std::function<void(weight_outcome)> done) {
  auto outcome = weights_.change(step, target);
  if (step == weight_step::flush && outcome.code == errc::unknown) calls_.flush();
  done(std::move(outcome));
}

backend_status sim_backend::status() const {
  return {.weight_version = weights_.version(),
          .context_tokens = config_.context_tokens,
          .simulated = true,
          .health = weights_.is_dead() ? schema::Health::UNHEALTHY : schema::Health::HEALTHY,
          .reason = weights_.is_dead() ? "simulated: it died while loading weights" : "",
          .server = "simulated",
          .server_running = static_cast<std::uint32_t>(calls_.size()),
          .cache_usage = calls_.cache_usage()};
}

}  // namespace tandem
