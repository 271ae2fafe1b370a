#include "tests/bench/semantic_data.hpp"

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <simdjson.h>

#include "schema/errc.hpp"
#include "tests/bench/bench_report.hpp"
#include "tests/bench/gsm8k_data.hpp"

namespace tandem::bench {
namespace {

template <class Function>
void each_line(const std::filesystem::path& file, Function take) {
  simdjson::dom::parser parser;
  simdjson::padded_string text;
  simdjson::dom::document_stream lines;
  if (simdjson::padded_string::load(file.string()).get(text) != simdjson::SUCCESS)
    give_up(file, "cannot be read");
  if (parser.parse_many(text).get(lines) != simdjson::SUCCESS) give_up(file, "is no JSON");
  for (auto line : lines) take(line);
}

std::string field(const simdjson::simdjson_result<simdjson::dom::element>& line, const char* name) {
  std::string_view text;
  if (line[name].get(text) != simdjson::SUCCESS) return {};
  return std::string{text};
}

/// "Question: ...\nAnswer: \n#### 18": the answer is no part of the question.
std::string question_of(std::string_view text) {
  constexpr std::string_view head = "Question: ";
  if (text.starts_with(head)) text.remove_prefix(head.size());
  return std::string{text.substr(0, text.rfind("\nAnswer:"))};
}

}  // namespace

semantic_data read_semantic_data(const std::filesystem::path& folder) {
  semantic_data data;
  data.full = !folder.empty();
  auto goals = std::filesystem::path{"asynchow"} / "plans.jsonl";
  std::filesystem::path samples = std::filesystem::path{TANDEM_SOURCE_DIR} / "tests" / "data";
  each_line((data.full ? folder : samples) / goals,
            [&](auto line) { data.goals.push_back(field(line, "goal")); });
  if (!data.full) {
    each_line(samples / "gsm8k-rephrased" / "sample.jsonl", [&](auto line) {
      data.questions.push_back({field(line, "original"), field(line, "rewording")});
    });
    return data;
  }
  auto prompts = read_gsm8k_prompts(folder);
  if (!prompts) give_up(folder, message_of(prompts.error()));
  auto file = folder / "gsm8k-rephrased" / "rephrase_gsm8k.jsonl";
  std::size_t index = 0;
  each_line(file, [&](auto line) {
    if (index < prompts->size())
      data.questions.push_back({(*prompts)[index++], question_of(field(line, "text"))});
  });
  if (index != prompts->size()) give_up(file, "has fewer lines than there are prompts");
  return data;
}

}  // namespace tandem::bench
