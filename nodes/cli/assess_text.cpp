#include "nodes/cli/assess_text.hpp"

#include <array>
#include <cmath>

#include "nodes/cli/format.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/table.hpp"
#include "nodes/economics/figures.hpp"

namespace tandem::cli {
namespace {

using align = table::align;

constexpr std::size_t indent = 2;
constexpr std::size_t page_width = 100;

tint tint_of(verdict_kind kind) {
  switch (kind) {
    case verdict_kind::recommended:
      return tint::green;
    case verdict_kind::careful:
      return tint::yellow;
    default:
      return tint::red;
  }
}

/// Broken between words, each line indented.
std::string paragraph(std::string_view text, const style& how) {
  auto width = how.width == 0 ? page_width : std::min(how.width, page_width);
  std::string out;
  std::string line(indent, ' ');
  auto words = printable_line(text);
  for (std::size_t at = 0; at < words.size();) {
    auto end = std::min(words.find(' ', at), words.size());
    auto word = words.substr(at, end - at);
    if (line.size() > indent && line.size() + 1 + word.size() > width) {
      out += line + '\n';
      line.assign(indent, ' ');
    }
    if (line.size() > indent) line += ' ';
    line += word;
    at = end + 1;
  }
  return out + line + '\n';
}

std::string tag_of(const assessed_number& of) {
  auto worst = std::string{to_string(of.worst)};
  return of.is_derived ? "derived from " + worst : worst;
}

std::string verdict_part(const assessment& result, const style& how) {
  const auto& outcome = result.outcome;
  auto text = how.paint(tint_of(outcome.kind), std::string{to_string(outcome.kind)}) + '\n';
  text += paragraph(outcome.text, how);
  for (const auto& more : outcome.also) text += paragraph(more, how);
  return text;
}

std::string findings_part(const assessment& result, const style& how) {
  std::string text;
  for (auto contradicts : {true, false}) {
    for (const auto& found : result.findings) {
      if (found.contradicts != contradicts) continue;
      auto name = std::string{found.name};
      auto head = how.paint(contradicts ? tint::red : tint::dim,
                            (contradicts ? "contradiction " : "checked ") + name);
      text += head + (found.who.empty() ? "" : ", " + printable_line(found.who)) + '\n' +
              paragraph(found.arithmetic, how);
    }
  }
  return text;
}

std::string estimates_part(const assessment& result, const style& how) {
  table lines{
      {{"FIGURE"}, {"VALUE", align::right}, {"P10", align::right}, {"P90", align::right}, {"TAG"}}};
  for (const auto& e : result.estimates) {
    if (!e.value && (e.unit == figure_unit::ms || e.unit == figure_unit::count ||
                     e.name.ends_with("_requests_per_s")))
      continue;
    lines.add({std::string{e.title}, unit_text(e.value, e.unit),
               e.range ? unit_text(e.range->p10, e.unit) : "",
               e.range ? unit_text(e.range->p90, e.unit) : "", tag_of(e)});
  }
  return lines.render(how);
}

std::string deciding_part(const assessment& result, const style& how) {
  if (result.deciding.empty()) return {};
  table lines{{{"WHAT DECIDES"},
               {"TAKEN", align::right},
               {"LOW", align::right},
               {"HIGH", align::right},
               {"WORTH AT LOW", align::right},
               {"AT HIGH", align::right},
               {"TURNS AT", align::right},
               {"TAG"},
               {"HOW TO MEASURE IT"}}};
  for (const auto& d : result.deciding)
    lines.add({d.name, figure(d.value), figure(d.low), figure(d.high), usd(d.worth_at_low),
               usd(d.worth_at_high), d.turning ? figure(*d.turning) : "",
               std::string{to_string(d.kind)}, d.measure});
  return lines.render(how);
}

std::string inputs_part(const assess_inputs& inputs, const style& how) {
  table lines{{{"INPUT"},
               {"VALUE", align::right},
               {"LOW", align::right},
               {"HIGH", align::right},
               {"TAG"},
               {"SOURCE"}}};
  for (const auto& named : numbers_of(inputs)) {
    const auto& n = *named.number;
    auto tag = std::string{(named.groups & is_choice) != 0 ? "a choice" : to_string(n.kind)};
    lines.add({named.name, figure(n.value), n.has_range() ? figure(n.low) : "",
               n.has_range() ? figure(n.high) : "", tag, printable_line(n.source)});
  }
  return lines.render(how);
}

std::string log_part(const assessed_log& log, const style& how) {
  const auto& chosen = log.chosen;
  auto text = "log " + printable_line(log.name) + ": " + human_count(chosen.calls) + " calls of " +
              printable_line(chosen.model);
  if (auto qps = chosen.qps()) {
    text += " in " +
            human_duration(
                std::chrono::microseconds{static_cast<std::int64_t>(chosen.span_s() * 1e6)}) +
            ", " + figure(*qps) + " requests/s";
    if (auto peak = chosen.peak())
      text += ", " + figure(*peak) + " times that in the busiest minute";
  }
  text += "; " + figure(std::round(chosen.mean_input())) + " tokens in, " +
          figure(std::round(chosen.mean_output())) + " out";
  if (auto each = chosen.mean_usd())
    text += "; " + usd(chosen.usd) + " spent, " + usd(1000 * *each) + " a 1,000";
  auto out = paragraph(text, how).substr(indent);
  std::string others;
  for (const auto& traffic : log.models) {
    if (traffic.model == chosen.model) continue;
    others += (others.empty() ? "" : ", ") + printable_line(traffic.model) + " (" +
              human_count(traffic.calls) + ")";
  }
  if (!others.empty())
    out += paragraph("left as they are: " + others + "; --model NAME assesses another", how);
  if (log.failed > 0) out += paragraph(human_count(log.failed) + " failed calls left out", how);
  for (const auto& s : log.skipped)
    out += paragraph(human_count(s.count) + (s.count == 1 ? " line" : " lines") +
                         " left out, first line " + std::to_string(s.first_line) + ": " + s.why,
                     how);
  return out;
}

}  // namespace

std::string unit_text(std::optional<double> value, figure_unit unit) {
  if (!value || !std::isfinite(*value)) return "none";
  switch (unit) {
    case figure_unit::usd:
    case figure_unit::usd_year:
      return usd(*value);
    case figure_unit::share:
      return percent(*value);
    case figure_unit::ms:
      return milliseconds(*value);
    case figure_unit::months:
      return figure(std::round(*value * 10) / 10) + " months";
    default:
      return figure(*value);
  }
}

std::string assessment_text(const assess_request& asked, const assessment& result,
                            const std::optional<assessed_log>& log, bool with_inputs,
                            const style& how) {
  std::string text;
  if (log) text += log_part(*log, how) + '\n';
  text += verdict_part(result, how);
  if (!result.findings.empty()) text += '\n' + findings_part(result, how);
  if (!result.is_refused()) {
    text += '\n' + estimates_part(result, how);
    if (auto deciding = deciding_part(result, how); !deciding.empty()) text += '\n' + deciding;
  }
  if (with_inputs) text += '\n' + inputs_part(asked.inputs, how);
  if (!asked.notes.empty()) text += '\n';
  for (const auto& note : asked.notes) text += "note: " + printable_line(note) + '\n';
  return text;
}

}  // namespace tandem::cli
