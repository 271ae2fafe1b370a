#include "tests/bench/routing_plots.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace tandem::bench {
namespace {

constexpr double panel_width = 380;
constexpr double panel_height = 250;
constexpr double margin_left = 58;
constexpr double margin_right = 14;
constexpr double margin_top = 62;
constexpr double margin_bottom = 46;
constexpr double legend_row = 18;
constexpr std::size_t points_max = 150;

// Okabe and Ito's colours, told apart by the colour-blind too; lighter ones on dark.
constexpr const char* style =
    "<style>text{font:12px system-ui,sans-serif;fill:#222}.t{font-weight:600;font-size:14px}"
    ".p{font-weight:600}.s{font-size:11px;fill:#555}.a{stroke:#888;fill:none}"
    ".g{stroke:#ddd;fill:none}.l{fill:none;stroke-width:1.8}.b{stroke:none;opacity:.15}"
    ".d{stroke-dasharray:5 4}.bg{fill:#fff}"
    ".c0{stroke:#0072b2;--f:#0072b2}.c1{stroke:#d55e00;--f:#d55e00}.c2{stroke:#009e73;--f:#009e73}"
    ".c3{stroke:#cc79a7;--f:#cc79a7}.c4{stroke:#b8860b;--f:#b8860b}.c5{stroke:#666;--f:#666}"
    ".b{fill:var(--f);stroke:none}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.s{fill:#aaa}.bg{fill:#16181c}"
    ".g{stroke:#333}.c0{stroke:#56b4e9;--f:#56b4e9}.c1{stroke:#ff8c42;--f:#ff8c42}"
    ".c2{stroke:#2fd6a3;--f:#2fd6a3}.c3{stroke:#e6a6c8;--f:#e6a6c8}.c4{stroke:#f0e442;--f:#f0e442}"
    ".c5{stroke:#aaa;--f:#aaa}.b{stroke:none}}</style>";

struct range {
  double from = 0;
  double to = 1;
  double step = 0.2;
};

/// Ends and steps of 1, 2 or 5 times a power of ten.
range round_range(double from, double to) {
  if (!(to > from)) to = from + 1;
  double raw = (to - from) / 5;
  double power = std::pow(10, std::floor(std::log10(raw)));
  double step = power * 10;
  for (double factor : {1.0, 2.0, 5.0})
    if (factor * power >= raw) {
      step = factor * power;
      break;
    }
  return {std::floor(from / step + 1e-9) * step, std::ceil(to / step - 1e-9) * step, step};
}

std::string number(double value, double step) {
  char text[32];
  int digits = step >= 1 ? 0 : static_cast<int>(std::ceil(-std::log10(step) - 1e-9));
  std::snprintf(text, sizeof text, "%.*f", digits, std::abs(value) < step / 1e3 ? 0.0 : value);
  return text;
}

std::string coordinate(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text)
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  return out;
}

std::string text_at(double x, double y, const char* cls, const char* anchor,
                    const std::string& text) {
  return "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" class=\"" + cls +
         "\" text-anchor=\"" + anchor + "\">" + escaped(text) + "</text>\n";
}

/// Draws one panel with its upper left corner at (left, top).
class panel_writer {
 public:
  panel_writer(const panel& p, double left, double top) : p_{p}, left_{left}, top_{top} {
    double x0 = 1e300, x1 = -1e300, y0 = p.y_from_zero ? 0 : 1e300, y1 = -1e300;
    for (const auto& l : p.lines) {
      for (double v : l.x) x0 = std::min(x0, v), x1 = std::max(x1, v);
      for (const auto* values : {&l.y, &l.low, &l.high})
        for (double v : *values) y0 = std::min(y0, v), y1 = std::max(y1, v);
    }
    x_ = round_range(x0, x1);
    x_.from = x0;
    x_.to = x1 > x0 ? x1 : x0 + 1;
    y_ = round_range(y0, y1);
  }

  std::string write(const std::vector<std::string>& names) const {
    std::string out = axes();
    for (const auto& l : p_.lines) {
      auto place = std::find(names.begin(), names.end(), l.name) - names.begin();
      auto color = "c" + std::to_string(place % 6);
      if (!l.low.empty()) out += band(l, color);
      out += "<polyline class=\"l " + color + (l.dashed ? " d" : "") + "\" points=\"" +
             points(l.x, l.y, false) + "\"/>\n";
    }
    return out;
  }

 private:
  double px(double v) const {
    return left_ + margin_left +
           (v - x_.from) / (x_.to - x_.from) * (panel_width - margin_left - margin_right);
  }
  double py(double v) const {
    return top_ + panel_height - margin_bottom -
           (v - y_.from) / (y_.to - y_.from) * (panel_height - margin_bottom - 24);
  }

  std::string points(const std::vector<double>& x, const std::vector<double>& y,
                     bool backwards) const {
    std::string out;
    auto stride = std::max<std::size_t>(1, (x.size() + points_max - 1) / points_max);
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < x.size(); i += stride) places.push_back(i);
    if (!x.empty() && places.back() + 1 != x.size()) places.push_back(x.size() - 1);
    if (backwards) std::reverse(places.begin(), places.end());
    for (auto i : places) out += coordinate(px(x[i])) + "," + coordinate(py(y[i])) + " ";
    return out;
  }

  std::string band(const line& l, const std::string& color) const {
    return "<polygon class=\"" + color + " b\" points=\"" + points(l.x, l.low, false) +
           points(l.x, l.high, true) + "\"/>\n";
  }

  std::string axes() const {
    auto right = px(x_.to);
    std::string out = text_at(left_ + margin_left, top_ + 14, "p", "start", p_.title);
    for (double v = y_.from; v <= y_.to + y_.step / 2; v += y_.step) {
      out += "<path class=\"g\" d=\"M" + coordinate(px(x_.from)) + " " + coordinate(py(v)) + "H" +
             coordinate(right) + "\"/>\n";
      out += text_at(px(x_.from) - 6, py(v) + 4, "s", "end", number(v, y_.step));
    }
    for (double v = std::ceil(x_.from / x_.step - 1e-9) * x_.step; v <= x_.to + 1e-9; v += x_.step)
      out += text_at(px(v), py(y_.from) + 16, "s", "middle", number(v, x_.step));
    out += "<path class=\"a\" d=\"M" + coordinate(px(x_.from)) + " " + coordinate(py(y_.to)) + "V" +
           coordinate(py(y_.from)) + "H" + coordinate(right) + "\"/>\n";
    out += text_at((px(x_.from) + right) / 2, top_ + panel_height - 12, "s", "middle", p_.x_label);
    auto x = coordinate(left_ + 13);
    auto y = coordinate((py(y_.from) + py(y_.to)) / 2);
    out += "<text class=\"s\" text-anchor=\"middle\" transform=\"translate(" + x + " " + y +
           ") rotate(-90)\">" + escaped(p_.y_label) + "</text>\n";
    if (!p_.mark_text.empty()) {
      out += "<path class=\"a d\" d=\"M" + coordinate(px(p_.mark)) + " " + coordinate(py(y_.to)) +
             "V" + coordinate(py(y_.from)) + "\"/>\n";
      out += text_at(px(p_.mark) + 4, py(y_.to) + 10, "s", "start", p_.mark_text);
    }
    return out;
  }

  const panel& p_;
  double left_;
  double top_;
  range x_;
  range y_;
};

}  // namespace

std::string to_svg(const figure& drawing) {
  std::vector<std::string> names;
  std::vector<bool> dashed;
  for (const auto& p : drawing.panels)
    for (const auto& l : p.lines)
      if (std::find(names.begin(), names.end(), l.name) == names.end()) {
        names.push_back(l.name);
        dashed.push_back(l.dashed);
      }
  auto columns = std::min<std::size_t>(2, drawing.panels.size());
  auto rows = (drawing.panels.size() + columns - 1) / columns;
  auto width = std::max(560.0, static_cast<double>(columns) * panel_width);
  std::string legend;
  double x = 14;
  double y = 42;
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto room = 40 + 6.6 * static_cast<double>(names[i].size());
    if (x + room > width) x = 14, y += legend_row;
    legend += "<path class=\"l c" + std::to_string(i % 6) + (dashed[i] ? " d" : "") + "\" d=\"M" +
              coordinate(x) + " " + coordinate(y - 4) + "h22\"/>\n";
    legend += text_at(x + 28, y, "", "start", names[i]);
    x += room;
  }
  auto top = y - 42 + margin_top;
  auto height = top + static_cast<double>(rows) * panel_height;
  auto size = coordinate(width) + " " + coordinate(height);
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size +
                    "\" width=\"" + coordinate(width) + "\" role=\"img\" aria-label=\"" +
                    escaped(drawing.title) + "\">\n" + style +
                    "\n<rect class=\"bg\" width=\"100%\" height=\"100%\"/>\n";
  out += text_at(14, 20, "t", "start", drawing.title) + legend;
  for (std::size_t i = 0; i < drawing.panels.size(); ++i)
    out += panel_writer{drawing.panels[i], static_cast<double>(i % columns) * panel_width,
                        top + static_cast<double>(i / columns) * panel_height}
               .write(names);
  return out + "</svg>\n";
}

std::vector<double> window_means(const std::vector<double>& values, std::size_t width) {
  std::vector<double> means;
  for (std::size_t i = 0; i + width <= values.size(); i += width) {
    double sum = 0;
    for (std::size_t j = i; j < i + width; ++j) sum += values[j];
    means.push_back(sum / static_cast<double>(width));
  }
  return means;
}

}  // namespace tandem::bench
