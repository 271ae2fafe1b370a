// What the brief's figures imply for each other.

#include <fstream>
#include <iterator>

#include "nodes/economics/assess_file.hpp"
#include "nodes/economics/assessment.hpp"
#include "schema/errc.hpp"
#include "tests/bench/bench_report.hpp"
#include "tests/bench/claims/claim.hpp"

namespace tandem::bench {
namespace {

constexpr const char* configs = TANDEM_SOURCE_DIR "/config";

std::vector<finding> findings_of(const std::string& name) {
  auto file = std::string{configs} + "/assess/" + name;
  std::ifstream in{file, std::ios::binary};
  if (!in) give_up(std::filesystem::path{file}, "cannot be read");
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  assess_builder builder{std::string{configs} + "/fleets"};
  if (auto err = builder.use_text(text, file)) give_up(message_of(err));
  auto request = builder.finish();
  if (!request) give_up(message_of(request.error()));
  return assess(request->inputs, request->claims).findings;
}

}  // namespace

void check_arithmetic(claim_results& out) {
  std::string text =
      "## The brief's figures against each other\n\nBy `tandem assess config/assess/brief.toml`, "
      "which refuses them:\n\n"
      "| what was checked | whose | arithmetic | |\n|---|---|---|---|\n";
  double contradictions = 0;
  for (const auto& each : findings_of("brief.toml")) {
    contradictions += each.contradicts ? 1 : 0;
    text += "| `" + std::string{each.name} + "` | " + each.who + " | " + each.arithmetic + " | " +
            (each.contradicts ? "**contradicts**" : "agrees") + " |\n";
  }
  out.notes.push_back(text);
  out.claims.push_back(
      {.said = "at 1,000 QPS saves $41.82M a year, ROI 14,630%, and others",
       .condition = "the brief's figures against each other, see below",
       .figure = "contradictions",
       .measured = contradictions,
       .low = contradictions,
       .high = contradictions,
       .percent = false,
       .shown = true,
       .remark =
           "at public prices a whole all-large service of 1,000 QPS costs $5.7M a year: nobody can "
           "save $41.82M of it"});
  panel saved{.title = "(1 - f)(1 - small/large)",
              .x_label = "share of calls on the large model, %",
              .y_label = "saved, %",
              .y_from_zero = true};
  for (const auto& [name, ratio] : {std::pair{"the brief's prices (1 : 132)", 0.042 / 5.54},
                                    std::pair{"public prices (1 : 5.3)", 0.0335 / 0.178}}) {
    line curve{.name = name};
    for (int f = 0; f <= 100; f += 2) {
      curve.x.push_back(f);
      curve.y.push_back((100 - f) * (1 - ratio));
    }
    saved.lines.push_back(std::move(curve));
  }
  out.plots.push_back({"saving.svg",
                       "What can be saved, by how many calls the large model still has to take. At "
                       "public prices 85% is out "
                       "of reach whatever is routed where.",
                       {"The ceiling of the saving", {std::move(saved)}}});
}

}  // namespace tandem::bench
