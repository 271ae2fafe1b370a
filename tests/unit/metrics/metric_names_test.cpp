// What people read and what Prometheus asks for is what is declared.

#include "actors/metrics/metric_names.hpp"

#include <cctype>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "tests/support/temp_folder.hpp"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::filesystem::path root{TANDEM_SOURCE_DIR};

/// Every word of `text` that looks like a metric's name.
std::set<std::string> names_in(std::string_view text) {
  std::set<std::string> names;
  auto is_part = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  for (auto at = text.find("tandem_"); at != text.npos; at = text.find("tandem_", at)) {
    auto begins = at == 0 || (!is_part(text[at - 1]) && text[at - 1] != ':');
    auto end = at;
    while (end < text.size() && is_part(text[end])) ++end;
    if (begins) names.emplace(text.substr(at, end - at));
    at = end;
  }
  return names;
}

std::string base_of(const std::string& name) {
  for (std::string_view suffix : {"_bucket", "_count", "_sum"})
    if (name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
  return name;
}

bool is_declared(const std::string& name) {
  for (const auto& each : metric_definitions) {
    if (each.name == name) return true;
    if (each.kind == metric_kind::histogram && each.name == base_of(name)) return true;
  }
  return false;
}

std::string_view word(metric_kind kind) {
  switch (kind) {
    case metric_kind::counter:
      return "counter";
    case metric_kind::histogram:
      return "histogram";
    case metric_kind::gauge:
      break;
  }
  return "gauge";
}

TEST(MetricNames, FollowOneScheme) {
  std::set<std::string_view> seen;
  const std::set<std::string_view> bounded{
      "tier",   "purpose", "outcome",  "model", "level",  "rung", "mode",    "state", "route",
      "status", "alarm",   "severity", "actor", "engine", "kind", "version", "store"};
  for (const auto& each : metric_definitions) {
    EXPECT_TRUE(seen.insert(each.name).second) << each.name;
    EXPECT_TRUE(each.name.starts_with("tandem_")) << each.name;
    EXPECT_EQ(each.kind == metric_kind::counter, each.name.ends_with("_total")) << each.name;
    EXPECT_TRUE(each.help.ends_with('.')) << each.name;
    for (auto labels = each.labels; !labels.empty();) {
      auto comma = labels.find(',');
      EXPECT_TRUE(bounded.contains(labels.substr(0, comma))) << each.name << ' ' << labels;
      labels = comma == labels.npos ? std::string_view{} : labels.substr(comma + 1);
    }
  }
}

TEST(MetricNames, AreAllInTheDocumentation) {
  auto text = test::read_text(root / "docs/metrics.md");
  std::string missing;
  for (const auto& each : metric_definitions) {
    std::string labels{each.labels};
    for (auto at = labels.find(','); at != labels.npos; at = labels.find(',', at + 2))
      labels.insert(at + 1, " ");
    auto row = "| `" + std::string{each.name} + "` | " + std::string{word(each.kind)} + " | " +
               labels + (labels.empty() ? "| " : " | ") + std::string{each.help} + " |\n";
    if (text.find(row) == text.npos) missing += row;
  }
  EXPECT_THAT(missing, IsEmpty()) << "add these rows to docs/metrics.md";
  for (const auto& name : names_in(text)) EXPECT_TRUE(is_declared(name)) << name;
}

TEST(MetricNames, OfRulesAlertsAndTheirTestsAreDeclared) {
  for (const char* file : {"rules.yml", "alerts.yml", "tests.yml"}) {
    auto names = names_in(test::read_text(root / "config/prometheus" / file));
    // Names of groups of rules.
    std::erase_if(names, [](const std::string& name) {
      return name.starts_with("tandem_alerts_") || name == "tandem_rates" ||
             name == "tandem_cost" || name == "tandem_errors";
    });
    EXPECT_FALSE(names.empty()) << file;
    for (const auto& name : names) EXPECT_TRUE(is_declared(name)) << file << ' ' << name;
  }
}

void gather(simdjson::dom::element from, std::string_view key, std::string& into) {
  if (from.is_object()) {
    for (auto [name, value] : from.get_object())
      if (name == key && value.is_string())
        into.append(value.get_string().value()).append("\n");
      else
        gather(value, key, into);
  } else if (from.is_array()) {
    for (auto each : from.get_array()) gather(each, key, into);
  }
}

TEST(MetricNames, OfTheDashboardAreDeclared) {
  auto text = test::read_text(root / "config/grafana/tandem.json");
  simdjson::dom::parser parser;
  simdjson::dom::element dashboard = parser.parse(text);
  std::string queries;
  gather(dashboard, "expr", queries);
  gather(dashboard, "query", queries);
  auto names = names_in(queries);
  EXPECT_GT(names.size(), 25);
  for (const auto& name : names) EXPECT_TRUE(is_declared(name)) << name;
  // Recording rules that it asks for are there.
  auto rules = test::read_text(root / "config/prometheus/rules.yml");
  for (auto at = queries.find("tandem:"); at != queries.npos;
       at = queries.find("tandem:", at + 1)) {
    auto end = queries.find_first_of(" )}{\n[*/", at);
    EXPECT_THAT(rules, HasSubstr("record: " + queries.substr(at, end - at) + "\n"));
  }
}

}  // namespace
}  // namespace tandem
