#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>

#include "nodes/simulate/report.hpp"

namespace tandem::simulation {
namespace {

constexpr std::string_view style =
    "<style>:root{color-scheme:light dark;--fg:#222;--soft:#666;--line:#ddd;--bg:#fff}"
    "@media(prefers-color-scheme:dark){:root{--fg:#ddd;--soft:#999;--line:#333;--bg:#16181c}}"
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;"
    "color:var(--fg);background:var(--bg)}h1{font-size:1.4rem}h2{font-size:1.1rem}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "td,th{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:right}"
    "td:first-child,th:first-child{text-align:left}.wide{overflow-x:auto}"
    "p.s,.s{color:var(--soft)}svg text{font:12px system-ui,sans-serif;fill:var(--fg)}"
    "svg .ax{stroke:var(--line)}svg .ln{fill:none;stroke-width:1.8}"
    "svg .soft{fill:var(--soft)}</style>";

// Okabe and Ito's colours, told apart by the colour-blind too.
constexpr std::array<std::string_view, 8> colours{"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                  "#b8860b", "#56b4e9", "#888888", "#7a5195"};

std::string number(double value, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, std::isfinite(value) ? value : 0);
  return text.data();
}

/// Three digits that matter.
std::string short_number(double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.3g", std::isfinite(value) ? value : 0);
  return text.data();
}

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string percent(double share) {
  return number(share * 100, 1) + "%";
}

using figure = std::function<double(const variant_result&)>;

std::string bars(std::string_view title, const std::vector<variant_result>& results,
                 const figure& of) {
  constexpr double row = 24, left = 170, width = 420;
  double most = 0;
  for (const auto& each : results) most = std::max(most, of(each));
  auto height = row * static_cast<double>(results.size()) + 8;
  std::string out = "<h2>" + escaped(title) +
                    "</h2><svg width=\"100%\" style=\"max-width:680px\" "
                    "viewBox=\"0 0 680 " +
                    number(height, 0) + "\" role=\"img\" aria-label=\"" + escaped(title) + "\">";
  double y = 4;
  for (std::size_t i = 0; i < results.size(); ++i, y += row) {
    auto value = of(results[i]);
    auto length = most > 0 ? width * value / most : 0;
    out += "<text x=\"" + number(left - 8, 0) + "\" y=\"" + number(y + 16, 0) +
           "\" text-anchor=\"end\">" + escaped(results[i].name) + "</text><rect x=\"" +
           number(left, 0) + "\" y=\"" + number(y + 3, 0) + "\" height=\"16\" width=\"" +
           number(std::max(length, 1.0), 1) + "\" fill=\"" +
           std::string{colours[i % colours.size()]} + "\"/><text class=\"soft\" x=\"" +
           number(left + length + 6, 1) + "\" y=\"" + number(y + 16, 0) + "\">" +
           short_number(value) + "</text>";
  }
  return out + "</svg>";
}

/// Share of items (upwards) that took at most so long (to the right, logarithmic).
std::string curves(std::string_view title, const std::vector<variant_result>& results,
                   durations run_result::*which) {
  constexpr double left = 46, top = 10, width = 600, height = 240;
  double from = 1e9, to = 0;
  for (const auto& each : results) {
    const auto& of = each.result.*which;
    if (of.count() == 0) continue;
    from = std::min(from, std::max(of.quantile(0.01), 1e-4));
    to = std::max(to, of.quantile(0.995));
  }
  if (to <= 0) return {};
  from = std::pow(10, std::floor(std::log10(from)));
  to = std::pow(10, std::ceil(std::log10(std::max(to, from * 10))));
  auto x_of = [&](double s) {
    return left + width * std::log10(std::max(s, from) / from) / std::log10(to / from);
  };
  std::string out = "<h2>" + escaped(title) +
                    "</h2><svg width=\"100%\" style=\"max-width:680px\" "
                    "viewBox=\"0 0 680 " +
                    number(height + 50 + 18 * static_cast<double>((results.size() + 3) / 4), 0) +
                    "\" role=\"img\" aria-label=\"" + escaped(title) + "\">";
  for (double share : {0.0, 0.5, 0.9, 1.0}) {
    auto y = number(top + height * (1 - share), 1);
    out += "<line class=\"ax\" x1=\"" + number(left, 0) + "\" x2=\"" + number(left + width, 0) +
           "\" y1=\"" + y + "\" y2=\"" + y + "\"/><text class=\"soft\" text-anchor=\"end\" x=\"" +
           number(left - 6, 0) + "\" y=\"" + y + "\">" + number(share * 100, 0) + "%</text>";
  }
  for (double s = from; s <= to * 1.001; s *= 10) {
    auto x = number(x_of(s), 1);
    out += "<line class=\"ax\" x1=\"" + x + "\" x2=\"" + x + "\" y1=\"" + number(top, 0) +
           "\" y2=\"" + number(top + height, 0) +
           "\"/><text class=\"soft\" text-anchor=\"middle\" x=\"" + x + "\" y=\"" +
           number(top + height + 16, 0) + "\">" + short_number(s) + " s</text>";
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto& of = results[i].result.*which;
    std::string colour{colours[i % colours.size()]};
    auto x = left + 160 * static_cast<double>(i % 4);
    auto y = top + height + 36 + 18 * static_cast<double>(i / 4);
    out += "<rect x=\"" + number(x, 0) + "\" y=\"" + number(y - 9, 0) +
           "\" width=\"10\" height=\"10\" fill=\"" + colour + "\"/><text x=\"" + number(x + 14, 0) +
           "\" y=\"" + number(y, 0) + "\">" + escaped(results[i].name) + "</text>";
    if (of.count() == 0) continue;
    out += "<polyline class=\"ln\" stroke=\"" + colour + "\" points=\"";
    for (int step = 1; step <= 100; ++step) {
      auto share = std::min(step / 100.0, 0.995);
      out +=
          number(x_of(of.quantile(share)), 1) + "," + number(top + height * (1 - share), 1) + " ";
    }
    out += "\"/>";
  }
  return out + "</svg>";
}

std::string table(const report_head& head, const std::vector<variant_result>& results) {
  std::string out =
      "<div class=\"wide\"><table><tr><th>variant</th><th>$ / 1,000 done</th><th>$ / 1,000 "
      "right</th><th>saved</th><th>right</th><th>failed</th><th>first token p50</th><th>p99</th>"
      "<th>call p95</th><th>job p50</th><th>job p95</th><th>queue p99</th><th>in "
      "time</th><th>prefix "
      "hits</th><th>cache hits</th><th>GPUs busy</th></tr>";
  for (const auto& each : results) {
    const auto& r = each.result;
    auto items = static_cast<double>(r.calls + r.jobs);
    auto share = [items](std::uint64_t count) {
      return percent(items > 0 ? static_cast<double>(count) / items : 0);
    };
    std::string busy;
    for (const auto& [name, use] : r.models)
      if (use.engines != 0)
        busy += (busy.empty() ? "" : ", ") + escaped(name) + " " + percent(use.busy);
    auto hits = r.cache_hits[1] + r.cache_hits[2];
    auto asked = hits + r.cache_hits[0];
    out += "<tr><td>" + escaped(each.name) + "<br><span class=\"s\">" + escaped(each.what) +
           "</span></td>";
    for (const auto& cell :
         {r.done == 0 ? "none" : short_number(usd_per_1k_done(r)),
          r.right == 0 ? "none" : short_number(usd_per_1k_right(r)), percent(saving(r)),
          share(r.right), std::to_string(r.failed), short_number(r.first_token_s.quantile(.5)),
          short_number(r.first_token_s.quantile(.99)), short_number(r.call_s.quantile(.95)),
          short_number(r.job_s.quantile(.5)), short_number(r.job_s.quantile(.95)),
          short_number(r.queue_s.quantile(.99)), share(r.in_time), percent(prefix_hit_share(r)),
          percent(asked == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(asked)), busy})
      out += "<td>" + cell + "</td>";
    out += "</tr>";
  }
  return out +
         "</table></div><p class=\"s\">Times in seconds. In time: the first token of a call "
         "within " +
         short_number(head.first_token_slo_s) + " s, the end of a job within " +
         short_number(head.job_slo_s) +
         " s. Saved: against the same tokens at the large tier's prices.</p>";
}

}  // namespace

std::string report_html(const report_head& head, const std::vector<variant_result>& results) {
  std::string out =
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\"><title>tandem simulate</title>";
  out += style;
  out += "<h1>Simulated: " + escaped(head.work) + "</h1><p class=\"s\">" + escaped(head.config) +
         ", seed " + std::to_string(head.seed) +
         ". Engines, clients and disk are models; all that decides is the node's own code.</p>";
  out += table(head, results);
  out += bars("US dollars for 1,000 right answers", results,
              [](const variant_result& each) { return usd_per_1k_right(each.result); });
  if (std::any_of(results.begin(), results.end(), [](const auto& each) { return each.most; }))
    out += bars("In time a second, at the highest load that keeps the SLO", results,
                [](const variant_result& each) { return each.most ? each.most->per_s : 0; });
  out += curves("First token of calls", results, &run_result::first_token_s);
  out += curves("Calls, to their end", results, &run_result::call_s);
  out += curves("Jobs, to their end", results, &run_result::job_s);
  return out + "</html>\n";
}

}  // namespace tandem::simulation
