#include "actors/router/policies/policy_settings.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::size_t settings_max = 8;

/// The limits are those of `[routing]` in config/sections.cpp.
struct setting {
  std::string_view key;
  double max;
  bool is_whole;
  /// Only of a policy that explores by them.
  bool explores;
  void (*set)(router_config&, double);
};

constexpr std::array<setting, 4> settings{{
    {"cost_weight", 100, false, false, [](router_config& c, double v) { c.cost_weight = v; }},
    {"latency_weight", 100, false, false, [](router_config& c, double v) { c.latency_weight = v; }},
    {"exploration", 0.5, false, true, [](router_config& c, double v) { c.exploration = v; }},
    {"forced_pulls", 10'000, true, true,
     [](router_config& c, double v) { c.forced_pulls = static_cast<std::uint32_t>(v); }},
}};

caf::error bad_policy(const std::string& what) {
  return make_error(errc::invalid_argument, what);
}

/// Printable, and short enough for an error.
std::string shown(std::string_view text) {
  std::string out{text.substr(0, 60)};
  for (auto& c : out)
    if (c < ' ' || c > '~') c = '?';
  return "'" + out + "'";
}

/// Levenshtein 1965.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      auto by = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({by, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string number_text(double value) {
  std::array<char, 32> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

bool reads(const policy_entry& entry, const setting& one, bool learns) {
  return learns && (!one.explores || entry.explores);
}

caf::error no_such(const policy_entry& entry, bool learns, std::string_view key) {
  std::string known;
  std::string_view nearest;
  for (const auto& one : settings) {
    if (!reads(entry, one, learns)) continue;
    known += (known.empty() ? "" : ", ") + std::string{one.key};
    if (nearest.empty() || distance(key, one.key) < distance(key, nearest)) nearest = one.key;
  }
  auto name = std::string{entry.summary.name};
  if (known.empty())
    return bad_policy("policy '" + name + "' has no settings, and not " + shown(key));
  auto text = "policy '" + name + "' has no setting " + shown(key) + "; it has " + known;
  if (key.size() < 64 && distance(key, nearest) <= 1 + nearest.size() / 4)
    text += "; did you mean '" + std::string{nearest} + "'?";
  return bad_policy(text);
}

caf::expected<double> value_of(const setting& one, std::string_view text) {
  double value = -1;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size() || !(value >= 0) ||
      value > one.max || (one.is_whole && value != std::floor(value)))
    return bad_policy(std::string{one.key} + " is a " + (one.is_whole ? "whole number" : "number") +
                      " from 0 to " + number_text(one.max) + ", not " + shown(text));
  return value == 0 ? 0 : value;
}

/// What the router weighs by prices comes with each call, and the settings are on top of the
/// config's: what a tenant's budget adds stays.
class policy_with_settings : public routing_policy {
 public:
  policy_with_settings(std::string name, std::unique_ptr<routing_policy> policy,
                       const router_config& from, const router_config& to)
      : name_{std::move(name)},
        policy_{std::move(policy)},
        cost_by_{to.cost_weight - from.cost_weight},
        latency_by_{to.latency_weight - from.latency_weight} {}

  std::string_view name() const override { return name_; }
  bool learns() const override { return policy_->learns(); }
  void weigh(const route_context& context, std::span<const arm> arms,
             std::span<arm_score> scores) const override {
    auto own = context;
    own.cost_price = std::max(0.0, context.cost_price + cost_by_);
    own.latency_price = std::max(0.0, context.latency_price + latency_by_);
    policy_->weigh(own, arms, scores);
  }

 private:
  std::string name_;
  std::unique_ptr<routing_policy> policy_;
  double cost_by_;
  double latency_by_;
};

}  // namespace

caf::expected<policy_text> parse_policy_text(std::string_view text) {
  if (text.size() > policy_text_bytes_max)
    return bad_policy("a policy with its settings has at most " +
                      std::to_string(policy_text_bytes_max) + " bytes");
  policy_text out;
  text = trimmed(text);
  auto open = text.find('(');
  out.name = trimmed(text.substr(0, open));
  if (open == text.npos) return out;
  auto malformed = [text] {
    return bad_policy("a policy is NAME or NAME(key=value,...), not " + shown(text));
  };
  if (text.back() != ')') return malformed();
  auto rest = text.substr(open + 1, text.size() - open - 2);
  while (true) {
    auto comma = rest.find(',');
    auto part = rest.substr(0, comma);
    auto sign = part.find('=');
    if (sign == part.npos || out.settings.size() == settings_max) return malformed();
    out.settings.emplace_back(trimmed(part.substr(0, sign)), trimmed(part.substr(sign + 1)));
    if (comma == rest.npos) return out;
    rest.remove_prefix(comma + 1);
  }
}

caf::expected<std::unique_ptr<routing_policy>> make_policy_with_settings(
    const policy_entry& entry, const policy_text& text, const router_config& config) {
  auto learns = entry.make(config)->learns();
  std::array<std::optional<double>, settings.size()> values;
  for (auto [key, value] : text.settings) {
    std::size_t i = 0;
    while (i < settings.size() && (settings[i].key != key || !reads(entry, settings[i], learns)))
      ++i;
    if (i == settings.size()) return no_such(entry, learns, key);
    if (values[i]) return bad_policy("setting " + shown(key) + " of a policy comes twice");
    auto read = value_of(settings[i], value);
    if (!read) return read.error();
    values[i] = *read;
  }
  auto own = config;
  std::string name;
  for (std::size_t i = 0; i < settings.size(); ++i) {
    if (!values[i]) continue;
    settings[i].set(own, *values[i]);
    name +=
        (name.empty() ? "" : ",") + std::string{settings[i].key} + '=' + number_text(*values[i]);
  }
  return std::make_unique<policy_with_settings>(std::string{entry.summary.name} + '(' + name + ')',
                                                entry.make(own), config, own);
}

}  // namespace tandem
