#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "tests/support/child_process.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::test {

/// How to run `tandem` so that nothing of the user's own settings reaches it.
inline child_options tandem_options(std::vector<std::string> arguments, std::string input = {}) {
  return {.program = std::string{TANDEM_BIN_DIR} + "/tandem",
          .arguments = std::move(arguments),
          .environment = {{"TANDEM_NODE", ""},
                          {"TANDEM_TLS", ""},
                          {"TANDEM_DATA", ""},
                          {"NO_COLOR", ""}},
          .input = std::move(input)};
}

inline run_result tandem(std::vector<std::string> arguments, std::string input = {}) {
  return run(tandem_options(std::move(arguments), std::move(input)), std::chrono::seconds{60});
}

/// A JSON document that a test may hold on to.
class json_document {
 public:
  explicit json_document(const std::string& text) {
    auto error = parser_.parse(text).get(root_);
    EXPECT_EQ(error, simdjson::SUCCESS) << text;
  }
  /// The text at a JSON pointer such as `/jobs/0/state`.
  [[nodiscard]] std::string text(std::string_view pointer) const {
    std::string_view value;
    auto error = root_.at_pointer(pointer).get(value);
    EXPECT_EQ(error, simdjson::SUCCESS) << pointer;
    return std::string{value};
  }
  [[nodiscard]] std::int64_t number(std::string_view pointer) const {
    std::int64_t value = -1;
    auto error = root_.at_pointer(pointer).get(value);
    EXPECT_EQ(error, simdjson::SUCCESS) << pointer;
    return value;
  }
  [[nodiscard]] std::size_t size(std::string_view pointer) const {
    simdjson::dom::array list;
    auto error = root_.at_pointer(pointer).get(list);
    EXPECT_EQ(error, simdjson::SUCCESS) << pointer;
    return error == simdjson::SUCCESS ? list.size() : 0;
  }

 private:
  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
};

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t start = 0; start < text.size();) {
    auto end = std::min(text.find('\n', start), text.size());
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

inline std::string without_line_end(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace tandem::test
