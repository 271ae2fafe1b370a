// What the plan cache for near goals finds, and how often it is wrong: questions of GSM8K and their
// rewordings, goals of AsyncHow, and both with small edits that ask for something else.
//   bench_semantic [--data FOLDER] [--docs FOLDER] [--splits N]
// --data: the full data sets; without it only the guards are measured, on a sample. --docs: writes
// the results into FOLDER/semantic.md and the plots beside it.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>

#include "actors/semantic/goal_guards.hpp"
#include "tests/bench/bench_report.hpp"
#include "tests/bench/routing_documents.hpp"
#include "tests/bench/routing_results.hpp"
#include "tests/bench/semantic_data.hpp"
#include "tests/bench/semantic_edits.hpp"
#include "tests/bench/semantic_scale.hpp"
#include "tests/bench/semantic_stream.hpp"

namespace tandem::bench {
namespace {

struct arguments {
  std::filesystem::path data;
  std::filesystem::path docs;
  std::size_t splits = 20;
};

arguments arguments_of(int argc, char** argv) {
  arguments a;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 < argc && std::strcmp(argv[i], "--data") == 0) {
      a.data = argv[i + 1];
    } else if (i + 1 < argc && std::strcmp(argv[i], "--docs") == 0) {
      a.docs = argv[i + 1];
    } else if (i + 1 < argc && std::strcmp(argv[i], "--splits") == 0 &&
               std::atoi(argv[i + 1]) > 1) {
      a.splits = static_cast<std::size_t>(std::atoi(argv[i + 1]));
    } else {
      std::fprintf(stderr, "usage: bench_semantic [--data FOLDER] [--docs FOLDER] [--splits N]\n");
      std::exit(2);
    }
  }
  return a;
}

using streams = std::vector<stream_result>;

streams run_splits(const stream_setup& setup, std::size_t splits) {
  streams out;
  for (std::size_t seed = 1; seed <= splits; ++seed) out.push_back(run_stream(setup, seed));
  return out;
}

std::vector<double> each(const streams& all,
                         const std::function<double(const stream_counts&)>& of) {
  std::vector<double> out;
  for (const auto& s : all) out.push_back(of(s.measured));
  return out;
}

double count(std::size_t n) {
  return static_cast<double>(n);
}

estimate hit_rate(const streams& all) {
  auto hits = each(all, [](const auto& m) { return count(m.cached_hit); });
  auto asked = each(all, [](const auto& m) { return count(m.cached_asked); });
  return ratio_of(hits, asked);
}

/// Of all hits of all splits; nothing was served: 0.
estimate wrong_rate(const streams& all) {
  auto wrong = each(all, [](const auto& m) { return count(m.hits_wrong); });
  auto hits = each(all, [](const auto& m) { return count(m.hits); });
  if (std::all_of(hits.begin(), hits.end(), [](double h) { return h == 0; })) return {};
  return ratio_of(wrong, hits);
}

std::string regime_of(const stream_setup& setup, std::size_t splits) {
  auto text = std::to_string(setup.questions.size()) + " questions, " +
              std::to_string(static_cast<int>(100 * setup.cached_share)) +
              "% of the originals stored";
  if (setup.edited_per_rewording > 0) text += ", as many edited rewordings mixed in";
  return text + "; one half calibrates, the other is measured, " + std::to_string(splits) +
         " splits";
}

void add_bars(routing_results& results, const std::string& what, const std::string& figure,
              const stream_setup& setup, const streams& all, double least_hits) {
  auto regime = regime_of(setup, all.size());
  results.bars.push_back({what + ": rewordings whose original is stored that hit", regime,
                          figure + "_hit", hit_rate(all), least_hits,
                          least_hits > 0 ? bar_kind::at_least : bar_kind::shown});
  results.bars.push_back({"the same: hits that are wrong", regime, figure + "_wrong",
                          wrong_rate(all), goal("semantic", "wrong_max"), bar_kind::at_most});
}

line mean_line(const std::string& name, const streams& all,
               const std::function<const std::vector<double>&(const stream_result&)>& of) {
  constexpr std::size_t width = 50;
  line out{.name = name};
  std::size_t least = of(all[0]).size();
  for (const auto& s : all) least = std::min(least, of(s).size());
  std::vector<double> mean(least);
  for (const auto& s : all)
    for (std::size_t i = 0; i < least; ++i) mean[i] += of(s)[i] / count(all.size());
  out.y = window_means(mean, width);
  for (std::size_t i = 0; i < out.y.size(); ++i) out.x.push_back(count((i + 1) * width));
  return out;
}

const std::vector<double>& hits_of(const stream_result& s) {
  return s.hit_rate;
}

stream_setup questions_of(const semantic_data& data) {
  return {.questions = data.questions};
}

stream_setup goals_of(const semantic_data& data) {
  stream_setup setup;
  std::mt19937_64 random{7};
  for (const auto& g : data.goals) {
    auto text = detailed(g, random);
    setup.questions.push_back({text, reworded_goal(text, random)});
  }
  return setup;
}

const std::vector<edit> visible_edits{edit::number, edit::swapped_numbers, edit::name,
                                      edit::negation, edit::opposite};

void run_streams(const semantic_data& data, std::size_t splits, routing_results& results) {
  figure drawing{.title = "Hits while the bound is learned"};
  auto questions = questions_of(data);
  auto plain = run_splits(questions, splits);
  add_bars(results, "GSM8K", "gsm8k", questions, plain, goal("semantic", "hit_min"));
  panel left{.title = "GSM8K",
             .x_label = "rewordings asked",
             .y_label = "share that hits",
             .y_from_zero = true};
  left.lines.push_back(mean_line("rewordings", plain, hits_of));
  auto goals = goals_of(data);
  auto others = run_splits(goals, splits);
  add_bars(results, "AsyncHow, rewordings by rule", "asynchow", goals, others, 0);
  panel right{.title = "AsyncHow",
              .x_label = "rewordings asked",
              .y_label = "share that hits",
              .y_from_zero = true};
  right.lines.push_back(mean_line("rewordings", others, hits_of));
  auto with = [](stream_setup setup, std::vector<edit> edits) {
    setup.edited_per_rewording = 1;
    setup.edits = std::move(edits);
    return setup;
  };
  for (auto kind : visible_edits) {
    auto setup = with(questions, {kind});
    add_bars(
        results, std::string{"GSM8K, every second question with "} + to_string(kind) + " changed",
        "gsm8k_" + std::to_string(static_cast<int>(kind)), setup, run_splits(setup, splits), 0);
  }
  auto edited_goals = with(goals, visible_edits);
  auto edited_run = run_splits(edited_goals, splits);
  add_bars(results, "AsyncHow, every second goal with one of the five edits", "asynchow_edited",
           edited_goals, edited_run, 0);
  right.lines.push_back(mean_line("with edits mixed in", edited_run, hits_of));
  for (bool first : {true, false}) {
    auto setup = with(first ? questions : goals, {edit::word});
    auto run = run_splits(setup, splits);
    add_bars(
        results,
        std::string{first ? "GSM8K" : "AsyncHow"} + ", every second with any other word changed",
        first ? "gsm8k_word" : "asynchow_word", setup, run, 0);
    (first ? left : right).lines.push_back(mean_line("with edits no guard sees", run, hits_of));
  }
  drawing.panels = {left, right};
  results.plots.push_back(
      {"hits.svg",
       "Share of rewordings whose original is stored that hit, means over windows of 50 "
       "and all splits; labels come 10 to 100 questions late. The second half is what is "
       "measured. Where near misses look like rewordings, nothing is served.",
       drawing});
}

goal_facts facts_of_text(const std::string& text) {
  auto words = words_of(text, 8'192);
  return facts_of(words, numbers_of(words));
}

/// What the guards alone refuse: the price in rewordings, and what of each edit they let through.
void run_guards(const semantic_data& data, routing_results& results) {
  std::mt19937_64 random{3};
  std::vector<std::string> texts;
  std::size_t passed = 0;
  for (const auto& q : data.questions) {
    texts.push_back(q.rewording);
    passed += check_guards(facts_of_text(q.rewording), facts_of_text(q.original)).passed() ? 1 : 0;
  }
  std::string regime =
      data.full ? "GSM8K, 1319 pairs" : std::to_string(texts.size()) + " pairs of the sample";
  auto rate = count(passed) / count(texts.size());
  results.bars.push_back({"rewordings that the guards let through",
                          regime,
                          "guards_pass",
                          {rate, rate, rate},
                          0,
                          bar_kind::shown});
  for (auto kind : visible_edits) {
    std::size_t asked = 0;
    std::size_t through = 0;
    for (const auto& q : data.questions) {
      auto text = edited(q.rewording, kind, texts, random);
      if (!text) continue;
      ++asked;
      through += check_guards(facts_of_text(*text), facts_of_text(q.original)).passed() ? 1 : 0;
    }
    auto share = asked == 0 ? 0 : count(through) / count(asked);
    results.bars.push_back(
        {std::string{"rewordings with "} + to_string(kind) + " changed that the guards let through",
         regime,
         "guards_leak_" + std::to_string(static_cast<int>(kind)),
         {share, share, share},
         0,
         bar_kind::shown});
  }
}

std::string whole(double value) {
  return std::to_string(std::lround(value));
}

void report_scale(const semantic_data& data, routing_results& results) {
  auto all = run_scale(data, {1'000, 10'000, 100'000});
  for (const auto& r : all)
    results.notes.push_back(whole(count(r.entries)) + " entries: a miss " + whole(r.miss_p50) +
                            " µs p50, " + whole(r.miss_cpu_p99) + " µs p99 of the processor, " +
                            whole(r.miss_p99) + " µs p99 by the clock; a store " +
                            whole(r.store_p50) + " µs p50; " + whole(r.bytes_per_entry) +
                            " bytes an entry are counted; of stored goals asked again " +
                            whole(100 * r.found) + "% are found.");
  const auto& most = all.back();
  auto flat = [](double v) { return estimate{v, v, v}; };
  results.bars.push_back({"a miss at 100,000 entries, µs, p50",
                          "one thread, embedding and guards included", "miss_us_p50",
                          flat(most.miss_p50), goal("semantic", "miss_us_max"), bar_kind::at_most});
  results.bars.push_back({"the same, p99, in time of the processor",
                          "one thread, embedding and guards included", "miss_cpu_us_p99",
                          flat(most.miss_cpu_p99), goal("semantic", "miss_us_max"),
                          bar_kind::at_most});
  results.bars.push_back({"the same, p99 by the clock", "with whatever else the machine does",
                          "miss_us_p99", flat(most.miss_p99), 0, bar_kind::shown});
  results.bars.push_back({"stored goals that the graph finds again", "100,000 entries",
                          "found_again", flat(most.found), 0, bar_kind::shown});
}

int run(const arguments& where) {
  auto start = std::chrono::steady_clock::now();
  auto data = read_semantic_data(where.data);
  routing_results results;
  run_guards(data, results);
  if (data.full) {
    run_streams(data, where.splits, results);
  } else {
    results.notes.push_back(
        "Only the sample in tests/data: too few labels to learn a bound from, so hits and errors "
        "are left out. Name the full data: --data FOLDER.");
  }
  report_scale(data, results);
  if (!where.docs.empty()) write_documents(where.docs, "semantic", results);
  return finish("semantic", results, start);
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  return tandem::bench::run(tandem::bench::arguments_of(argc, argv));
}
