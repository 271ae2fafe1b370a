#include "actors/router/call_rates.hpp"

#include <algorithm>

namespace tandem {
namespace {

/// How many of the latest calls an average is about.
constexpr std::uint64_t memory = 50;
/// Names come from messages of this node alone; this only bounds a mistake.
constexpr std::size_t entries_max = 4096;

/// The plain mean at first, so that the first calls count fully.
double gain(std::uint64_t calls) {
  return 1.0 / static_cast<double>(std::min(calls, memory));
}

void move_towards(double& average, double value, double by) {
  average += (value - average) * by;
}

}  // namespace

void call_rates::on_call(schema::Purpose purpose, std::string_view model,
                         std::uint32_t prompt_bytes, tokens used, std::uint64_t latency_us) {
  auto found = calls_.find(std::pair{purpose, model});
  if (found == calls_.end()) {
    if (calls_.size() >= entries_max) return;
    found = calls_.emplace(std::pair{purpose, std::string{model}}, call_average{}).first;
  }
  auto& of = found->second;
  auto by = gain(++of.calls);
  if (prompt_bytes > 0 && used.prompt > 0)
    move_towards(of.tokens_per_byte, used.prompt / prompt_bytes, by);
  move_towards(of.completion, used.completion, by);
  move_towards(of.latency_us, static_cast<double>(latency_us), by);
}

call_rates::expected_call call_rates::call(schema::Purpose purpose, std::string_view model,
                                           std::uint32_t prompt_bytes,
                                           std::uint32_t max_tokens) const {
  auto found = calls_.find(std::pair{purpose, model});
  if (found == calls_.end())
    return {{static_cast<double>((prompt_bytes + 3) / 4), static_cast<double>(max_tokens)}, 0};
  const auto& of = found->second;
  return {
      {of.tokens_per_byte * prompt_bytes, std::min(of.completion, static_cast<double>(max_tokens))},
      of.latency_us};
}

void call_rates::on_way(std::string_view way,
                        const std::map<std::string, tokens, std::less<>>& used,
                        std::uint64_t latency_us) {
  auto found = ways_.find(way);
  if (found == ways_.end()) {
    if (ways_.size() >= entries_max) return;
    found = ways_.emplace(std::string{way}, way_rates{}).first;
  }
  auto& of = found->second;
  auto by = gain(++of.jobs);
  for (const auto& [model, count] : used)
    if (of.used.size() < entries_max) of.used.try_emplace(model);
  for (auto& [model, average] : of.used) {
    auto now = used.find(model);
    move_towards(average.prompt, now == used.end() ? 0 : now->second.prompt, by);
    move_towards(average.completion, now == used.end() ? 0 : now->second.completion, by);
  }
  move_towards(of.latency_us, static_cast<double>(latency_us), by);
}

const call_rates::way_rates* call_rates::way(std::string_view name) const {
  auto found = ways_.find(name);
  return found == ways_.end() ? nullptr : &found->second;
}

}  // namespace tandem
