// Every figure of the project's brief beside what is measured, under stated conditions; also those
// that do not hold.
//   bench_claims [--data FOLDER] [--docs FOLDER] [--quick]
// --data: the full data sets; samples are used without it, and the table says so. --docs: writes
// the table and the plots into FOLDER/claims.md and FOLDER/claims.

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "tests/bench/bench_report.hpp"
#include "tests/bench/claims/claim.hpp"

namespace tandem::bench {
namespace {

constexpr std::string_view begin_marker = "<!-- results: written by bench_claims --docs -->";
constexpr std::string_view end_marker = "<!-- end of results -->";

std::string number(double value, bool percent) {
  char text[32];
  std::snprintf(text, sizeof text, percent ? "%.1f%%" : "%.2f times",
                percent ? value * 100 : value);
  return text;
}

std::string verdict(const claim& c) {
  if (c.shown) return "";
  return c.holds() ? "holds" : "**does not hold**";
}

std::string table(const std::vector<claim>& claims) {
  std::string out =
      "| the brief says | condition | measured | wanted | verdict | what to know "
      "|\n|---|---|---|---|---|---|\n";
  for (const auto& c : claims) {
    out += "| " + c.said + " | " + c.condition + " | " + number(c.measured, c.percent);
    if (c.low != c.high)
      out += " (" + number(c.low, c.percent) + " to " + number(c.high, c.percent) + ")";
    out += " | " + (c.shown ? std::string{} : "at least " + number(c.goal, c.percent)) + " | " +
           verdict(c) + " | " + c.remark + " |\n";
  }
  return out;
}

void write_file(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out{file, std::ios::binary | std::ios::trunc};
  out << text;
  if (!out.flush()) give_up(file, "cannot be written");
}

void write_document(const std::filesystem::path& docs, const claim_results& results) {
  auto file = docs / "claims.md";
  std::ifstream in{file, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  auto begin = text.find(begin_marker);
  auto end = text.find(end_marker);
  if (begin == std::string::npos || end == std::string::npos || end < begin)
    give_up(file, "is not there, or has no markers for the results");
  std::filesystem::create_directories(docs / "claims");
  auto written = "\n\n" + table(results.claims) + "\n";
  for (const auto& note : results.notes) written += note + "\n\n";
  for (const auto& plot : results.plots) {
    write_file(docs / "claims" / plot.name, to_svg(plot.drawing));
    written += "![" + plot.drawing.title + "](claims/" + plot.name + ")\n\n" + plot.text + "\n\n";
  }
  begin += begin_marker.size();
  write_file(file, text.replace(begin, end - begin, written));
}

int run(int argc, char** argv) {
  claim_options options;
  std::filesystem::path docs;
  for (int i = 1; i < argc; ++i) {
    auto has_value = i + 1 < argc;
    if (std::strcmp(argv[i], "--quick") == 0) {
      options.quick = true;
    } else if (has_value && std::strcmp(argv[i], "--data") == 0) {
      options.data = argv[++i];
    } else if (has_value && std::strcmp(argv[i], "--docs") == 0) {
      docs = argv[++i];
    } else {
      std::fprintf(stderr, "usage: bench_claims [--data FOLDER] [--docs FOLDER] [--quick]\n");
      return 2;
    }
  }
  auto start = std::chrono::steady_clock::now();
  claim_results results;
  for (auto* measure : {&measure_cost, &measure_latency, &measure_throughput, &measure_goodput,
                        &measure_interruption}) {
    auto before = results.claims.size();
    (*measure)(options, results);
    for (auto i = before; i < results.claims.size(); ++i) {
      const auto& c = results.claims[i];
      std::fprintf(stderr, "%6.1f s  %s = %s %s\n", seconds_since(start), c.figure.c_str(),
                   number(c.measured, c.percent).c_str(), verdict(c).c_str());
    }
  }
  check_arithmetic(results);
  std::printf("%s\n", table(results.claims).c_str());
  for (const auto& note : results.notes) std::printf("%s\n\n", note.c_str());
  if (!docs.empty()) write_document(docs, results);
  report r{.bench = "claims", .figures = {}, .ratio = 0, .goal = 1, .ok = true};
  for (const auto& c : results.claims) {
    r.figures[c.figure] = c.measured;
    if (!c.shown && c.measured > 0) r.ratio = std::max(r.ratio, c.goal / c.measured);
    r.ok = r.ok && c.holds();
  }
  r.figures["seconds"] = seconds_since(start);
  return finish(r);
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  return tandem::bench::run(argc, argv);
}
