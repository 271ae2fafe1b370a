#include "tests/bench/request_trace.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>

#include <simdjson.h>

#include "tests/bench/bench_report.hpp"

namespace tandem::bench {
namespace {

std::uint32_t blocks_of(std::uint32_t tokens) {
  return (tokens + trace_block_tokens - 1) / trace_block_tokens;
}

/// Seconds within its day, from `2023-11-16 18:17:03.9799600`.
double seconds_of(const std::string& stamp) {
  int hour = 0, minute = 0;
  double second = 0;
  if (std::sscanf(stamp.c_str(), "%*d-%*d-%*d %d:%d:%lf", &hour, &minute, &second) != 3) return -1;
  return hour * 3600 + minute * 60 + second;
}

}  // namespace

request_trace load_mooncake(const std::filesystem::path& folder) {
  auto file = folder / "mooncake" / "conversation_trace.jsonl";
  request_trace out{.name = "Mooncake conversations"};
  if (folder.empty() || !std::filesystem::exists(file)) {
    file =
        std::filesystem::path{TANDEM_SOURCE_DIR} / "tests/data/mooncake/conversation_sample.jsonl";
    out.name += " (the first 600 only: no full data)";
  }
  simdjson::padded_string text;
  if (simdjson::padded_string::load(file.string()).get(text) != simdjson::SUCCESS)
    give_up(file, "cannot be read");
  simdjson::dom::parser parser;
  simdjson::dom::document_stream rows;
  if (parser.parse_many(text).get(rows) != simdjson::SUCCESS) give_up(file, "is not JSON lines");
  for (auto row : rows) {
    std::uint64_t at = 0, input = 0, output = 0;
    simdjson::dom::array blocks;
    if (row["timestamp"].get(at) != simdjson::SUCCESS ||
        row["input_length"].get(input) != simdjson::SUCCESS ||
        row["output_length"].get(output) != simdjson::SUCCESS ||
        row["hash_ids"].get(blocks) != simdjson::SUCCESS)
      give_up(file, "has a line without the fields of the trace");
    traced_request r{.at_s = static_cast<double>(at) / 1000,
                     .input = static_cast<std::uint32_t>(input),
                     .output = static_cast<std::uint32_t>(output)};
    for (auto block : blocks) r.blocks.push_back(block.get_uint64());
    out.requests.push_back(std::move(r));
  }
  return out;
}

request_trace load_azure_with_prefixes(const std::filesystem::path& folder) {
  request_trace out{.name = "Azure code with drawn prefixes"};
  std::ifstream in{folder / "azure" / "AzureLLMInferenceTrace_code.csv"};
  std::string line;
  std::getline(in, line);
  constexpr std::size_t prefixes = 2'000;
  constexpr double exponent = 1.1;
  constexpr double stretch = 0.65;
  std::vector<double> weights;
  for (std::size_t i = 0; i < prefixes; ++i)
    weights.push_back(1 / std::pow(static_cast<double>(i + 1), exponent));
  std::discrete_distribution<std::size_t> draw(weights.begin(), weights.end());
  std::mt19937_64 random{7};
  std::vector<std::uint32_t> lengths(prefixes);
  std::uint64_t next_own = 1ull << 40;
  double first = -1;
  while (std::getline(in, line)) {
    auto comma = line.find(',');
    auto at = seconds_of(line.substr(0, comma));
    traced_request r;
    if (comma == std::string::npos || at < 0 ||
        std::sscanf(line.c_str() + comma, ",%u,%u", &r.input, &r.output) != 2)
      continue;
    if (first < 0) first = at;
    r.at_s = (at - first) * stretch;
    auto prefix = draw(random);
    auto size = blocks_of(std::max(r.input, 1u));
    if (lengths[prefix] == 0) lengths[prefix] = std::max(size * 9 / 10, 1u);
    auto shared = std::min(lengths[prefix], size * 9 / 10);
    for (std::uint32_t b = 0; b < size; ++b)
      r.blocks.push_back(b == 0 ? 0 : b < shared ? (prefix + 1) * 10'000 + b : next_own++);
    out.requests.push_back(std::move(r));
  }
  return out;
}

request_trace multiply(const request_trace& trace, std::uint32_t times, std::size_t requests_max) {
  request_trace out{.name = trace.name};
  auto rows = std::min(trace.requests.size(), requests_max / times);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::uint32_t copy = 0; copy < times; ++copy) {
      auto r = trace.requests[i];
      for (auto& block : r.blocks)
        if (block != 0) block += std::uint64_t{copy} << 32;
      out.requests.push_back(std::move(r));
    }
  return out;
}

request_trace spread_stamps(const request_trace& trace) {
  auto out = trace;
  for (std::size_t from = 0; from < out.requests.size();) {
    auto to = from;
    while (to < out.requests.size() && trace.requests[to].at_s == trace.requests[from].at_s) ++to;
    for (auto i = from; i < to; ++i)
      out.requests[i].at_s += 3.0 * static_cast<double>(i - from) / static_cast<double>(to - from);
    from = to;
  }
  return out;
}

}  // namespace tandem::bench
