#include "tests/bench/gsm8k_data.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include <simdjson.h>

#include "schema/errc.hpp"

namespace tandem::bench {
namespace {

caf::expected<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in)
    return make_error(errc::not_found,
                      path.string() +
                          " is not there: name the folder that holds routellm/ as the "
                          "argument or in TANDEM_BENCH_DATA");
  return std::string{std::istreambuf_iterator<char>{in}, {}};
}

/// RFC 4180: a quoted field may hold commas, line ends and doubled quotes.
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1);
  std::string field;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quoted) {
      if (c != '"') {
        field += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += '"';
        ++i;
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',' || c == '\n') {
      rows.back().push_back(std::move(field));
      field.clear();
      if (c == '\n') rows.emplace_back();
    } else if (c != '\r') {
      field += c;
    }
  }
  rows.back().push_back(std::move(field));
  return rows;
}

}  // namespace

caf::expected<std::vector<graded_prompt>> read_gsm8k(const std::filesystem::path& folder) {
  auto table = read_file(folder / "routellm" / "gsm8k_responses.csv");
  if (!table) return table.error();
  auto seen = read_file(folder / "routellm" / "contaminated_prompts.jsonl");
  if (!seen) return seen.error();
  std::set<std::string, std::less<>> contaminated;
  simdjson::dom::parser parser;
  simdjson::dom::document_stream lines;
  if (parser.parse_many(*seen).get(lines) == simdjson::SUCCESS)
    for (auto line : lines)
      if (std::string_view prompt; line["eval_prompt"].get(prompt) == simdjson::SUCCESS)
        contaminated.emplace(prompt);
  std::vector<graded_prompt> prompts;
  for (auto& row : parse_csv(*table)) {
    if (row.size() != 5 || row[0] == "prompt" || contaminated.contains(row[0])) continue;
    prompts.push_back({std::move(row[0]), row[1] == "True", row[2] == "True"});
  }
  if (prompts.empty())
    return make_error(errc::corrupted, folder.string() + ": no graded prompts in the table");
  return prompts;
}

caf::expected<std::vector<std::string>> read_gsm8k_prompts(const std::filesystem::path& folder) {
  auto table = read_file(folder / "routellm" / "gsm8k_responses.csv");
  if (!table) return table.error();
  std::vector<std::string> prompts;
  for (auto& row : parse_csv(*table))
    if (row.size() == 5 && row[0] != "prompt") prompts.push_back(std::move(row[0]));
  return prompts;
}

std::filesystem::path data_folder(int argc, char** argv) {
  if (argc > 1) return argv[1];
  if (const char* set = std::getenv("TANDEM_BENCH_DATA")) return set;
  return std::filesystem::path{TANDEM_SOURCE_DIR}.parent_path() / "shared" / "data";
}

}  // namespace tandem::bench
