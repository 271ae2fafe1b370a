#include "actors/engine/sim/sim_directive.hpp"

#include <algorithm>

#include <simdjson.h>

namespace tandem {
namespace {

constexpr std::string_view marker = "@sim ";
constexpr double ms_max = 24.0 * 3600 * 1000;
constexpr double factor_max = 1e6;
constexpr std::uint64_t tokens_max = 1'000'000;

errc error_named(std::string_view name) {
  for (auto code : {errc::invalid_argument, errc::overloaded, errc::unavailable,
                    errc::deadline_exceeded, errc::engine_failed, errc::invalid_output})
    if (name == to_string(code)) return code;
  return errc::unknown;
}

errc error_of_status(std::uint64_t status) {
  if (status == 429) return errc::overloaded;
  if (status == 503) return errc::unavailable;
  if (status >= 400 && status < 500) return errc::invalid_argument;
  if (status >= 500 && status < 600) return errc::engine_failed;
  return errc::unknown;
}

void read_number(simdjson::dom::object object, std::string_view key, double max, double& value) {
  double number = 0;
  if (!object[key].get(number)) value = std::clamp(number, 0.0, max);
}

void read_faults(sim_directive& wish, simdjson::dom::object object) {
  std::string_view name;
  std::uint64_t number = 0;
  double ms = 0;
  if (!object["error"].get(name)) {
    wish.error = error_named(name);
    if (wish.error == errc::unknown) wish.problem = "@sim names an unknown error";
  } else if (!object["status"].get(number)) {
    wish.error = error_of_status(number);
    if (wish.error == errc::unknown) wish.problem = "@sim names a status that is no error";
  }
  read_number(object, "retry_after_ms", ms_max, ms);
  wish.retry_after = std::chrono::milliseconds{static_cast<std::int64_t>(ms)};
  if (!object["fail_first"].get(number))
    wish.fail_first = static_cast<std::uint32_t>(std::min<std::uint64_t>(number, 1000));
  if (!object["cut_after"].get(number))
    wish.cut_after = static_cast<std::int64_t>(std::min(number, tokens_max));
  bool yes = false;
  if (!object["stall"].get(yes)) wish.stall = yes;
  if (!object["wrong"].get(yes)) wish.wrong = yes;
}

void read(sim_directive& wish, simdjson::dom::object object) {
  std::string_view text;
  std::uint64_t number = 0;
  bool yes = false;
  if (!object["reply"].get(text)) {
    wish.reply = text;
    wish.has_reply = true;
  }
  if (!object["tokens"].get(number))
    wish.tokens = static_cast<std::uint32_t>(std::min(number, tokens_max));
  if (!object["prompt_tokens"].get(number))
    wish.prompt_tokens = static_cast<std::uint32_t>(std::min(number, tokens_max));
  if (!object["cut"].get(yes)) wish.cut = yes;
  read_number(object, "ms", ms_max, wish.ms);
  read_number(object, "slow", factor_max, wish.slow);
  read_number(object, "difficulty", 1, wish.difficulty);
  read_number(object, "usage", factor_max, wish.usage);
  read_faults(wish, object);
}

}  // namespace

sim_directive parse_sim_directive(std::string_view prompt) {
  sim_directive wish;
  auto start = prompt.find(marker);
  if (start == std::string_view::npos) return wish;
  auto json = prompt.substr(start + marker.size());
  json = json.substr(0, json.find('\n'));
  // Its buffers cost more than what is parsed; a document in it ends with this call.
  thread_local simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(simdjson::padded_string{json}).get(object))
    wish.problem = "what follows @sim is no JSON object on one line";
  else
    read(wish, object);
  return wish;
}

}  // namespace tandem
