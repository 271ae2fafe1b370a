#include "tests/bench/routing_documents.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/bench/bench_report.hpp"

namespace tandem::bench {
namespace {

constexpr std::string_view end_marker = "<!-- end of results -->";

void write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out{file, std::ios::binary | std::ios::trunc};
  out << text;
  if (!out.flush()) give_up(file, "cannot be written");
}

}  // namespace

void write_documents(const std::filesystem::path& folder, const std::string& name,
                     const routing_results& results) {
  const std::string begin_marker = "<!-- results: written by bench_" + name + " --docs -->";
  auto file = folder / (name + ".md");
  std::ifstream in{file, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  auto begin = text.find(begin_marker);
  auto end = text.find(end_marker);
  if (begin == std::string::npos || end == std::string::npos || end < begin)
    give_up(file, "is not there, or has no markers for the results");
  std::filesystem::create_directories(folder / name);
  std::string written = "\n\n" + to_table(results.bars) + "\n";
  for (const auto& note : results.notes) written += note + "\n\n";
  for (const auto& plot : results.plots) {
    write(folder / name / plot.name, to_svg(plot.drawing));
    written +=
        "![" + plot.drawing.title + "](" + name + "/" + plot.name + ")\n\n" + plot.text + "\n\n";
  }
  begin += begin_marker.size();
  write(file, text.replace(begin, end - begin, written));
}

}  // namespace tandem::bench
