#include "tests/bench/bench_report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include <sys/resource.h>

#include <simdjson.h>

namespace tandem::bench {

double goal(std::string_view bench, std::string_view name) {
  simdjson::dom::parser parser;
  double value = 0;
  if (parser.load(TANDEM_SOURCE_DIR "/tests/bench/goals.json")[bench][name].get(value)) {
    std::cerr << "bench: goals.json has no " << bench << '.' << name << '\n';
    std::exit(2);
  }
  return value;
}

int finish(const report& result) {
  std::printf("{\"bench\":\"%s\",\"figures\":{", result.bench.c_str());
  const char* comma = "";
  for (const auto& [name, value] : result.figures) {
    if (std::isfinite(value))
      std::printf("%s\"%s\":%.6g", comma, name.c_str(), value);
    else
      std::printf("%s\"%s\":null", comma, name.c_str());
    comma = ",";
  }
  std::printf("},\"ratio\":%.4g,\"goal\":%.6g,\"ok\":%s}\n", result.ratio, result.goal,
              result.ok ? "true" : "false");
  return result.ok ? 0 : 1;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  auto place = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(place),
                   values.end());
  return values[place];
}

void give_up(const std::string& why) {
  std::cerr << "bench: " << why << '\n';
  std::exit(2);
}

void give_up(const std::filesystem::path& file, const std::string& why) {
  give_up(file.string() + ": " + why);
}

}  // namespace tandem::bench
