#include "tests/bench/routing_evaluation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
#include <sstream>

#include <simdjson.h>

#include "tests/unit/routing/evaluation_simulation.hpp"

namespace tandem::bench {
namespace {

using simulation::greedy_policy;
using simulation::population;

constexpr std::array<std::string_view, 4> estimators{"ips", "snips", "direct", "doubly_robust"};
constexpr double z = 1.959964;

std::optional<std::string> content(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return {};
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// RFC 4180; quotes may hold lines.
std::vector<std::vector<std::string>> csv_rows(std::string_view text) {
  std::vector<std::vector<std::string>> rows(1, {""});
  auto quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      rows.back().back() += text[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (quoted || (c != ',' && c != '\n')) {
      rows.back().back() += c;
    } else if (c == ',') {
      rows.back().emplace_back();
    } else {
      rows.push_back({""});
    }
  }
  return rows;
}

/// Constant, length, and words hashed into 30 places.
std::vector<float> features_of(std::string_view prompt, double& words) {
  std::vector<float> features(32);
  std::istringstream in{std::string{prompt}};
  words = 0;
  for (std::string word; in >> word; ++words) {
    std::uint64_t hash = 14'695'981'039'346'656'037u;
    for (unsigned char c : word) hash = (hash ^ c) * 1'099'511'628'211u;
    features[2 + (hash >> 20) % 30] += (hash >> 60) % 2 == 0 ? 0.3F : -0.3F;
  }
  features[0] = 1;
  features[1] = static_cast<float>(words / 50 - 1);
  return features;
}

/// Two real models, both labels known. The router in the log goes by the length of the prompt.
std::optional<population> gsm8k(const std::filesystem::path& folder) {
  auto answers = content(folder / "routellm" / "gsm8k_responses.csv");
  auto contaminated = content(folder / "routellm" / "contaminated_prompts.jsonl");
  if (!answers || !contaminated) return {};
  std::set<std::string, std::less<>> left_out;
  simdjson::dom::parser parser;
  simdjson::padded_string lines{*contaminated};
  for (auto line : parser.parse_many(lines)) {
    std::string_view prompt;
    if (line["eval_prompt"].get(prompt) == simdjson::SUCCESS) left_out.emplace(prompt);
  }
  population made{.name = "GSM8K",
                  .questions = {},
                  .models = {"small", "large"},
                  .costs = {0.0097, 1},
                  .cost_price = 0.22};
  for (const auto& row : csv_rows(*answers)) {
    if (row.size() < 3 || (row[1] != "True" && row[1] != "False") || left_out.contains(row[0]))
      continue;
    double words = 0;
    auto features = features_of(row[0], words);
    made.questions.push_back({.features = std::move(features),
                              .right = {row[1] == "True" ? 1.0 : 0.0, row[2] == "True" ? 1.0 : 0.0},
                              .forecast = {std::clamp(0.9 - 0.005 * words, 0.0, 1.0), 0.86}});
  }
  return made;
}

std::vector<target_policy> targets_of(const population& from) {
  std::vector<target_policy> targets;
  targets.push_back(
      target_policy::of(std::make_unique<greedy_policy>("dearer line", from.cost_price / 2)));
  targets.push_back(
      target_policy::of(std::make_unique<greedy_policy>("cheaper line", from.cost_price * 1.5)));
  auto sample = simulation::draw_log(from, 100, 1);
  for (const auto& name : {"logged", "cheapest", "large_only"}) {
    auto made = target_policy::make(name, sample, {});
    if (made) targets.push_back(std::move(*made));
  }
  for (std::size_t a = 1; a + 1 < from.models.size(); ++a) {
    auto made = target_policy::make("always " + from.models[a], sample, {});
    if (made) targets.push_back(std::move(*made));
  }
  return targets;
}

/// Of the estimates of one policy by one estimator.
struct tally {
  std::vector<double> errors;
  std::size_t held = 0;
  double effective = 0;

  void add(const estimate& found, double truth, double effective_now) {
    errors.push_back(found.value - truth);
    held += found.low <= truth && truth <= found.high;
    effective += effective_now;
  }
};

void fill(const tally& from, estimator_error& row) {
  auto n = static_cast<double>(from.errors.size());
  double sum = 0, squares = 0, fourths = 0;
  for (auto e : from.errors) {
    sum += e;
    squares += e * e;
    fourths += e * e * e * e;
  }
  row.bias = sum / n;
  auto spread = std::sqrt(std::max(0.0, squares / n - row.bias * row.bias) / n);
  row.bias_low = row.bias - z * spread;
  row.bias_high = row.bias + z * spread;
  auto mean = squares / n;
  auto off = z * std::sqrt(std::max(0.0, fourths / n - mean * mean) / n);
  row.rmse = std::sqrt(mean);
  row.rmse_low = std::sqrt(std::max(0.0, mean - off));
  row.rmse_high = std::sqrt(mean + off);
  row.coverage = static_cast<double>(from.held) / n;
  row.effective = from.effective / n;
}

void run_population(const population& from, evaluation_bench& out) {
  auto targets = targets_of(from);
  std::vector<double> truths;
  for (const auto& t : targets) truths.push_back(simulation::truth(from, t));
  std::vector<std::array<tally, estimators.size()>> tallies(targets.size());
  for (std::uint64_t r = 1; r <= out.replications; ++r) {
    auto log = simulation::draw_log(from, out.decisions, r);
    off_policy_evaluator evaluator{log, {}};
    for (std::size_t t = 0; t < targets.size(); ++t) {
      auto found = evaluator.evaluate(targets[t]);
      const estimate all[] = {found.ips, found.snips, found.direct, found.doubly_robust};
      for (std::size_t e = 0; e < estimators.size(); ++e)
        tallies[t][e].add(all[e], truths[t], found.effective);
    }
  }
  for (std::size_t t = 0; t < targets.size(); ++t) {
    for (std::size_t e = 0; e < estimators.size(); ++e) {
      estimator_error row{.data = from.name,
                          .policy = targets[t].name(),
                          .estimator = std::string{estimators[e]},
                          .truth = truths[t]};
      fill(tallies[t][e], row);
      out.rows.push_back(std::move(row));
    }
  }
}

}  // namespace

double evaluation_bench::worst_rmse() const {
  double worst = 0;
  for (const auto& r : rows)
    if (r.estimator == "doubly_robust") worst = std::max(worst, r.rmse);
  return worst;
}

double evaluation_bench::worst_bias() const {
  double worst = 0;
  for (const auto& r : rows)
    if (r.estimator == "doubly_robust") worst = std::max(worst, std::abs(r.bias));
  return worst;
}

std::string evaluation_bench::to_table() const {
  std::string text =
      "| data | policy | worth | effective | estimator | RMSE (95%) | bias (95%) | 95% intervals "
      "that hold |\n|---|---|---|---|---|---|---|---|\n";
  for (const auto& r : rows) {
    std::array<char, 256> line{};
    std::snprintf(line.data(), line.size(),
                  "| %s | %s | %.4f | %.0f | %s | %.4f (%.4f to %.4f) | %+.4f (%+.4f to %+.4f) | "
                  "%.1f%% |\n",
                  r.data.c_str(), r.policy.c_str(), r.truth, r.effective, r.estimator.c_str(),
                  r.rmse, r.rmse_low, r.rmse_high, r.bias, r.bias_low, r.bias_high,
                  100 * r.coverage);
    text += line.data();
  }
  return text;
}

evaluation_bench run_evaluation(const std::filesystem::path& data, std::uint64_t replications,
                                std::uint64_t decisions) {
  evaluation_bench out;
  out.replications = replications;
  out.decisions = decisions;
  auto recorded = data.empty() ? std::nullopt : gsm8k(data);
  if (recorded)
    run_population(*recorded, out);
  else
    out.notes.push_back("off-policy evaluation without GSM8K: " +
                        (data.empty() ? std::string{"no folder of data was named"}
                                      : data.string() + " has no routellm answers"));
  run_population(simulation::synthetic(4), out);
  return out;
}

}  // namespace tandem::bench
