#include "actors/engine/replay/recorded_answers.hpp"

#include <fstream>
#include <iterator>
#include <optional>
#include <vector>

#include "actors/engine/replay/csv_reader.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::string_view prompt_column = "prompt";
constexpr std::string_view response_suffix = "_response";

struct columns {
  std::size_t count = 0;
  std::size_t prompt = 0;
  std::size_t right = 0;
  std::size_t response = 0;
};

std::string list_of(const std::vector<std::string>& header) {
  std::string all;
  for (const auto& name : header) {
    if (all.size() > 300) return all + ", ...";
    all += (all.empty() ? "'" : ", '") + std::string{cut(name, 80)} + "'";
  }
  return valid_utf8(all);
}

caf::expected<columns> find_columns(const std::vector<std::string>& header,
                                    const std::string& column) {
  columns found{.count = header.size()};
  auto find = [&header](std::string_view name, std::size_t& at) -> std::string {
    std::size_t seen = 0;
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (header[i] != name) continue;
      at = i;
      ++seen;
    }
    if (seen == 1) return {};
    return (seen == 0 ? "there is no column '" : "there is more than one column '") +
           std::string{name} + "'; the columns are " + list_of(header);
  };
  for (const auto& problem : {find(prompt_column, found.prompt), find(column, found.right),
                              find(column + std::string{response_suffix}, found.response)})
    if (!problem.empty()) return make_error(errc::invalid_argument, problem);
  return found;
}

std::optional<bool> truth(std::string_view word) {
  if (word == "True" || word == "true" || word == "TRUE" || word == "1") return true;
  if (word == "False" || word == "false" || word == "FALSE" || word == "0") return false;
  return std::nullopt;
}

bool is_blank(const std::vector<std::string>& row) {
  return row.size() == 1 && row[0].empty();
}

}  // namespace

caf::expected<recorded_answers> recorded_answers::parse(std::string_view csv,
                                                        const std::string& column) {
  csv_reader reader{csv};
  std::vector<std::string> row;
  if (!reader.next(row))
    return make_error(errc::invalid_argument,
                      reader.problem().empty() ? "the file is empty" : reader.problem());
  auto at = find_columns(row, column);
  if (!at) return std::move(at.error());
  recorded_answers out;
  auto bad = [&reader](const std::string& what) {
    return make_error(errc::invalid_argument,
                      "line " + std::to_string(reader.line()) + ": " + what);
  };
  while (reader.next(row)) {
    if (is_blank(row)) continue;
    if (row.size() != at->count)
      return bad("the row has " + std::to_string(row.size()) + " fields, the header " +
                 std::to_string(at->count));
    auto right = truth(row[at->right]);
    if (!right)
      return bad("column '" + column + "' must be True or False, not '" +
                 valid_utf8(cut(row[at->right], 40)) + "'");
    if (out.answers_.size() == rows_max) return bad("more than 1,000,000 prompts");
    out.answers_.try_emplace(std::string{trimmed(row[at->prompt])},
                             answer{valid_utf8(row[at->response]), *right});
  }
  if (!reader.problem().empty()) return make_error(errc::invalid_argument, reader.problem());
  if (out.answers_.empty()) return make_error(errc::invalid_argument, "there is no row");
  return out;
}

caf::expected<recorded_answers> recorded_answers::load(const std::filesystem::path& path,
                                                       const std::string& column) {
  auto named = [&path](const std::string& what) {
    return make_error(errc::invalid_argument, "'" + path.string() + "': " + what);
  };
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) return named("there is no such file");
  auto size = std::filesystem::file_size(path, failed);
  if (failed) return named(failed.message());
  if (size > file_bytes_max) return named("the file is above 256 MiB");
  std::ifstream file{path, std::ios::binary};
  std::string text(size, '\0');
  file.read(text.data(), static_cast<std::streamsize>(size));
  if (!file) return named("it cannot be read");
  auto parsed = parse(text, column);
  if (!parsed) return named(message_of(parsed.error()));
  return parsed;
}

const recorded_answers::answer* recorded_answers::find(std::string_view prompt) const {
  auto found = answers_.find(std::string{trimmed(prompt)});
  return found == answers_.end() ? nullptr : &found->second;
}

}  // namespace tandem
