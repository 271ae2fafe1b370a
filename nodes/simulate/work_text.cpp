#include "nodes/simulate/work_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "nodes/simulate/seeded_random.hpp"

namespace tandem::simulation {
namespace {

constexpr std::size_t token_bytes = 4;
/// Words that texts of one sort have in common.
constexpr std::uint64_t kind_words = 8;

std::uint64_t mixed(std::uint64_t value) {
  return seeded_random{value}.bits();
}

std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 14'695'981'039'346'656'037ull;
  for (unsigned char byte : text) hash = (hash ^ byte) * 1'099'511'628'211ull;
  return mixed(hash);
}

void write_word(std::uint64_t seed, char* to) {
  for (std::size_t i = 0; i < 15; ++i, seed >>= 4)
    to[i] = static_cast<char>('a' + static_cast<char>(seed & 15));
  to[15] = ' ';
}

/// As many bytes, of words by a seed; where the item has a sort, every other word is one of that
/// sort's own, as texts of one sort have words in common.
void add_text(std::uint64_t seed, std::string_view kind, std::size_t bytes, std::string& out) {
  std::array<char, 64> line{};
  for (std::size_t i = 0; i < 4; ++i) write_word(mixed(seed + i), line.data() + i * 16);
  if (kind != work_item{}.kind)
    for (std::size_t i = 0; i < 4; i += 2)
      write_word(mixed(hash_of(kind) + mixed(seed + i) % kind_words), line.data() + i * 16);
  // One line again and again: what tells texts apart is in each block of them.
  for (; bytes > line.size(); bytes -= line.size()) out.append(line.data(), line.size());
  out.append(line.data(), bytes);
}

std::string number_text(double value) {
  std::array<char, 32> digits{};
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return {digits.data(), end};
}

std::string directive(std::uint32_t tokens, double difficulty, std::uint32_t reads = 0) {
  return "@sim {\"tokens\":" + std::to_string(tokens) +
         ",\"difficulty\":" + number_text(difficulty) +
         (reads != 0 ? ",\"prompt_tokens\":" + std::to_string(reads) : "") + "}";
}

/// A text within a JSON string.
std::string json_quoted(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string step_prompt(const planned_step& step, std::uint64_t seed) {
  auto wish = directive(step.output_tokens, step.difficulty, step.prompt_tokens);
  std::string text;
  auto bytes = std::size_t{step.input_tokens} * token_bytes;
  if (bytes > wish.size() + 1) add_text(seed, step.kind, bytes - wish.size() - 1, text);
  text += ' ';
  // The results that it needs are read with it.
  for (auto need : step.needs) text += "{{" + std::to_string(need + 1) + "}} ";
  return text + wish;
}

}  // namespace

void write_prefix(const work_item& item, std::uint64_t number, std::string& out) {
  out.clear();
  auto bytes = std::size_t{item.input_tokens} * token_bytes;
  out.reserve(bytes);
  auto block_bytes = std::size_t{item.block_tokens} * token_bytes;
  for (auto id : item.blocks) {
    auto left = bytes - out.size();
    if (left < block_bytes) break;
    add_text(mixed(id), work_item{}.kind, block_bytes, out);
  }
  if (out.size() < bytes)
    add_text(mixed(item.same_as != 0 ? item.same_as : ~number), item.kind, bytes - out.size(), out);
}

std::string call_directive(const work_item& item, std::uint64_t number) {
  auto same = item.same_as != 0 ? item.same_as : number;
  return item.kind + ' ' + std::to_string(same) + ' ' +
         directive(item.output_tokens, item.difficulty);
}

std::string job_directive(const work_item& item, std::uint64_t number) {
  std::string plan = R"({"steps":[)";
  std::uint32_t id = 0;
  for (const auto& step : item.job->steps) {
    if (id++ != 0) plan += ',';
    plan += "{\"id\":" + std::to_string(id) + ",\"kind\":\"" + step.kind + "\",\"prompt\":\"" +
            json_quoted(step_prompt(step, mixed(number * 1024 + id))) + "\",\"depends_on\":[";
    for (std::size_t i = 0; i < step.needs.size(); ++i) {
      if (i != 0) plan += ',';
      plan += std::to_string(step.needs[i] + 1);
    }
    plan += ']';
    if (item.verified)
      plan += R"(,"check":{"kind":"regex","argument":")" + json_quoted(right_answer) + "\"}";
    plan += '}';
  }
  plan += "]}";
  // A planner reads the goal, not what tells the simulated one what to write.
  auto text = "job " + std::to_string(number) + " @sim {\"prompt_tokens\":";
  text += std::to_string(std::max(item.input_tokens, 1u));
  if (item.job->plan_tokens != 0) {
    text += ",\"tokens\":";
    text += std::to_string(item.job->plan_tokens);
  }
  text += ",\"reply\":\"";
  text += json_quoted(plan);
  return text + "\"}";
}

}  // namespace tandem::simulation
