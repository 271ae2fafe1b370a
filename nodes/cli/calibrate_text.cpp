#include "nodes/cli/calibrate_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

#include "config/quantity.hpp"
#include "config/words.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/route_number.hpp"
#include "schema/json_writer.hpp"

namespace tandem::cli {
namespace {

constexpr std::size_t comment_width = 110;

std::string utc_minute(std::chrono::sys_seconds when) {
  auto time = std::chrono::system_clock::to_time_t(when);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts)};
}

std::string whole(double number) {
  return std::to_string(std::llround(number));
}

/// Wrapped at words, each line a comment.
std::string comment(std::string_view text) {
  std::string out = "#";
  std::size_t column = 1;
  while (!text.empty()) {
    auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (column + word.size() + 1 > comment_width) {
      out += "\n#";
      column = 1;
    }
    out.append(" ").append(word);
    column += word.size() + 1;
  }
  return out + '\n';
}

std::string line(std::string_view key, const std::string& value, std::string_view remark = {}) {
  auto out = std::string{key} + " = " + value;
  if (!remark.empty()) out.append("  # ").append(remark);
  return out + '\n';
}

std::string duration(std::chrono::microseconds time) {
  return '"' + format_duration(time) + '"';
}

std::string sim_keys(const calibration& found) {
  const auto& sim = found.sim;
  std::string out;
  out += line("first_token", duration(sim.first_token), "constant overhead of a call");
  out += line("prefill_rate", whole(sim.prefill_rate) + ".0", "prompt tokens a second");
  if (sim.prefill_context.count() > 0)
    out += line("prefill_context", duration(sim.prefill_context),
                "more for each prompt token and 1,000 tokens before it");
  out += line("per_token", duration(sim.per_token), "of a call that is alone");
  out += line("per_token_batch", duration(sim.per_token_batch), "more for each call beside it");
  if (sim.per_token_context.count() > 0)
    out += line("per_token_context", duration(sim.per_token_context),
                "more for each 1,000 tokens of context");
  out += line("prefill_chunk", std::to_string(sim.prefill_chunk),
              sim.prefill_chunk > 0 ? "reading delays those that write, by steps of so many tokens"
                                    : "reading does not delay those that write");
  out += line("slots", std::to_string(sim.slots),
              sim.slots > 0 ? "more calls wait" : "no limit was seen");
  out += line("cache_blocks", std::to_string(sim.cache_blocks),
              !found.has_cache              ? "no prefix cache was seen"
              : !found.capacity_is_measured ? "assumed"
                                            : "");
  if (found.has_cache) out += line("cache_block_tokens", std::to_string(sim.cache_block_tokens));
  out += line("context_tokens", std::to_string(sim.context_tokens));
  return out;
}

}  // namespace

std::string calibration_toml(const engine_config& engine, const calibration& found,
                             const calibration_source& source) {
  auto from = source.server.empty() ? std::string{} : " (" + printable_line(source.server) + ")";
  auto out =
      comment("Measured by `tandem calibrate " + printable_line(source.asked) + "`" + from +
              " on " + utc_minute(source.when) + ", " + std::to_string(source.cores) +
              " CPU cores: " + std::to_string(found.calls) + " calls in " + whole(found.seconds) +
              " s, prompts of up to " + whole(found.prompt_tokens_max) +
              " tokens, answers of up to " + whole(found.written_tokens_max) + ", up to " +
              std::to_string(engine.concurrency) + " at work.");
  out += comment("Against " + std::to_string(found.error.calls) +
                 " measured calls that it was not fitted to, a call's time is off by " +
                 percent(found.error.median) + " (median), " + percent(found.error.p95) +
                 " (95th percentile).");
  for (const auto& note : found.notes) out += comment("Note: " + printable_line(note) + ".");
  out += "[[engine]]\n";
  out += line("name", toml_string(engine.name));
  out += line("kind", "\"sim\"");
  out += line("model", toml_string(engine.model));
  out += line("concurrency", std::to_string(engine.concurrency));
  return out + "[engine.sim]\n" + sim_keys(found);
}

std::string calibration_json(const engine_config& engine, const calibration& found,
                             const calibration_source& source) {
  const auto& sim = found.sim;
  json_writer json;
  json.object();
  json.field("engine", engine.name);
  json.field("model", engine.model);
  json.field("server", source.server);
  json.field("at_ms", static_cast<std::uint64_t>(source.when.time_since_epoch().count()) * 1000);
  json.field("cores", source.cores);
  json.field("concurrency", engine.concurrency);
  json.object_field("sim");
  json.field("first_token_us", sim.first_token.count());
  json.field("prefill_rate", sim.prefill_rate);
  json.field("prefill_context_us", sim.prefill_context.count());
  json.field("per_token_us", sim.per_token.count());
  json.field("per_token_batch_us", sim.per_token_batch.count());
  json.field("per_token_context_us", sim.per_token_context.count());
  json.field("prefill_chunk", sim.prefill_chunk);
  json.field("slots", sim.slots);
  json.field("cache_blocks", sim.cache_blocks);
  json.field("cache_block_tokens", sim.cache_block_tokens);
  json.field("context_tokens", sim.context_tokens);
  json.end();
  json.object_field("measured");
  json.field("calls", found.calls);
  json.field("failed", found.failed);
  json.field("rounds", found.rounds);
  json.field("seconds", found.seconds);
  json.field("prompt_tokens_max", found.prompt_tokens_max);
  json.field("answer_tokens_max", found.written_tokens_max);
  json.field("has_prefix_cache", found.has_cache);
  json.field("cache_capacity_measured", found.capacity_is_measured);
  json.end();
  json.object_field("error");
  json.field("calls", found.error.calls);
  json.field("median", found.error.median);
  json.field("p95", found.error.p95);
  json.field("first_token_median", found.error.first_median);
  json.end();
  json.array_field("notes");
  for (const auto& note : found.notes) json.value(note);
  json.end();
  json.end();
  return json.text();
}

}  // namespace tandem::cli
