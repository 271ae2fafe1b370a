#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// One API call of a log; what the log does not say is not there.
struct call_record {
  /// Seconds since 1970, or since some start.
  std::optional<double> time_s;
  std::string model;
  /// On whose behalf it was made.
  std::string user;
  std::optional<double> input_tokens;
  std::optional<double> output_tokens;
  std::optional<double> cached_tokens;
  std::optional<double> usd;
  /// Answered with an error.
  bool has_failed = false;
};

/// Reads one call from a line of JSON, under whatever names the usual gateways and providers have
/// for its parts: OpenAI's and Anthropic's `usage`, also within `response` or `body`; flat fields
/// as of LiteLLM, Helicone and the published traces.
class call_json_reader {
 public:
  call_json_reader();
  ~call_json_reader();
  call_json_reader(const call_json_reader&) = delete;
  call_json_reader& operator=(const call_json_reader&) = delete;

  /// Empty: it is read. Else why not, in words that come in few forms, for counting.
  [[nodiscard]] std::string_view read(std::string_view line, call_record& into);

 private:
  struct parser;
  std::unique_ptr<parser> parser_;
};

/// Reads calls from the rows of a CSV by the names in its header, the same names as in JSON.
class call_csv_reader {
 public:
  /// Empty: the header names tokens. Else what is missing.
  [[nodiscard]] std::string_view read_header(std::string_view line);
  [[nodiscard]] std::string_view read(std::string_view row, call_record& into) const;

 private:
  std::vector<std::string> columns_;
};

}  // namespace tandem
