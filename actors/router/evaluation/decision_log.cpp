#include "actors/router/evaluation/decision_log.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include <simdjson.h>

#include "schema/errc.hpp"

namespace tandem {
namespace {

using object = simdjson::dom::object;
using element = simdjson::dom::element;

constexpr double propensity_tolerance = 1e-3;
constexpr double cost_max = 1e6;
constexpr double price_max = 1e3;
constexpr double feature_max = 1e6;

constexpr std::array<std::pair<schema::Purpose, std::string_view>, 7> purposes{{
    {schema::Purpose::UNKNOWN, "unknown"},
    {schema::Purpose::PLAN, "plan"},
    {schema::Purpose::STEP, "step"},
    {schema::Purpose::COMPOSE, "compose"},
    {schema::Purpose::VERIFY, "verify"},
    {schema::Purpose::ANSWER, "answer"},
    {schema::Purpose::WAY, "way"},
}};

/// What is wrong with a line; the reader adds where. Each function below leaves the first alone.
class line_check {
 public:
  [[nodiscard]] bool ok() const { return wrong_.empty(); }
  [[nodiscard]] const std::string& text() const { return wrong_; }
  void fail(std::string what) {
    if (ok()) wrong_ = std::move(what);
  }

  /// Whether there is such a field, other than null.
  static bool find(object from, std::string_view key, element& out) {
    return from.at_key(key).get(out) == simdjson::SUCCESS && !out.is_null();
  }

  void number(object from, std::string_view key, double low, double high, double& out) {
    element found;
    if (!find(from, key, found)) return;
    double value = 0;
    if (found.get(value) != simdjson::SUCCESS || !std::isfinite(value) || value < low ||
        value > high)
      return fail("\"" + std::string{key} + "\" must be a number from " + shown(low) + " to " +
                  shown(high));
    out = value;
  }

  template <class Integer>
  void integer(object from, std::string_view key, std::uint64_t high, Integer& out) {
    element found;
    if (!find(from, key, found)) return;
    std::uint64_t value = 0;
    if (found.get(value) != simdjson::SUCCESS || value > high)
      return fail("\"" + std::string{key} + "\" must be a whole number from 0 to " +
                  std::to_string(high));
    out = static_cast<Integer>(value);
  }

  void text(object from, std::string_view key, std::string& out) {
    element found;
    if (!find(from, key, found)) return;
    std::string_view value;
    if (found.get(value) != simdjson::SUCCESS || value.size() > decision_log_reader::name_bytes_max)
      return fail("\"" + std::string{key} + "\" must be a string of at most " +
                  std::to_string(decision_log_reader::name_bytes_max) + " bytes");
    out = value;
  }

  void need(object from, std::string_view key) {
    element found;
    if (!find(from, key, found)) fail("\"" + std::string{key} + "\" is missing");
  }

 private:
  static std::string shown(double number) {
    std::array<char, 32> digits{};
    auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    return {digits.data(), end};
  }

  std::string wrong_;
};

constexpr std::uint64_t money_max = 1'000'000'000'000'000'000;

void read_version(object line, line_check& check) {
  check.need(line, "v");
  std::uint64_t version = 0;
  check.integer(line, "v", ~std::uint64_t{0}, version);
  if (check.ok() && version > decision_log_version)
    check.fail("it is of version " + std::to_string(version) + ", and this program reads up to " +
               std::to_string(decision_log_version) +
               "; evaluate it with the tandem that exported it, or a newer one");
  if (check.ok() && version == 0) check.fail("\"v\" must be 1: export it again");
}

void read_id(object line, line_check& check, std::uint64_t& id) {
  check.need(line, "id");
  element found;
  if (!check.ok() || !line_check::find(line, "id", found)) return;
  std::string_view text;
  if (found.get(text) != simdjson::SUCCESS) return check.integer(line, "id", ~std::uint64_t{0}, id);
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (failure != std::errc{} || end != text.data() + text.size())
    check.fail("\"id\" must be a decision's number");
}

void read_purpose(object line, line_check& check, schema::Purpose& purpose) {
  std::string name;
  check.need(line, "purpose");
  check.text(line, "purpose", name);
  if (!check.ok()) return;
  auto known = purpose_named(name);
  if (!known) return check.fail("\"purpose\" is none of plan, step, compose, verify, answer, way");
  purpose = *known;
}

logged_arm read_arm(object from, line_check& check) {
  logged_arm arm;
  check.need(from, "model");
  check.need(from, "propensity");
  check.text(from, "model", arm.model);
  check.text(from, "tier", arm.tier);
  check.number(from, "cost", 0, cost_max, arm.cost);
  check.integer(from, "cost_nanousd", money_max, arm.cost_nanousd);
  check.integer(from, "latency_us", money_max, arm.latency_us);
  check.number(from, "quality", 0, 1, arm.quality);
  check.number(from, "deviation", 0, cost_max, arm.deviation);
  check.number(from, "propensity", 0, 1, arm.propensity);
  return arm;
}

/// Arms that were filtered out are dropped, and `chosen` counts without them.
void read_arms(object line, line_check& check, logged_decision& out) {
  check.need(line, "arms");
  check.need(line, "chosen");
  std::uint32_t chosen = 0;
  check.integer(line, "chosen", decision_log_reader::arms_max - 1, chosen);
  simdjson::dom::array arms;
  if (!check.ok()) return;
  if (line["arms"].get(arms) != simdjson::SUCCESS || arms.size() == 0 ||
      arms.size() > decision_log_reader::arms_max)
    return check.fail("\"arms\" must be an array of 1 to " +
                      std::to_string(decision_log_reader::arms_max) + " objects");
  double sum = 0;
  std::uint32_t number = 0;
  auto found = false;
  for (element item : arms) {
    object from;
    if (item.get(from) != simdjson::SUCCESS) return check.fail("\"arms\" must hold objects");
    std::string filter;
    check.text(from, "filter", filter);
    auto is_chosen = number++ == chosen;
    if (check.ok() && filter.empty()) {
      if (is_chosen) out.chosen = static_cast<std::uint32_t>(out.arms.size());
      found = found || is_chosen;
      out.arms.push_back(read_arm(from, check));
      sum += out.arms.back().propensity;
    }
    if (!check.ok()) return;
  }
  if (!found) return check.fail("\"chosen\" is the place of no arm that could be chosen");
  if (out.arms[out.chosen].propensity <= 0)
    return check.fail("the chosen arm has a propensity of 0: nothing can be concluded from it");
  if (std::abs(sum - 1) > propensity_tolerance)
    check.fail("the propensities of the arms do not sum to 1");
}

void read_dense(object features, line_check& check, std::vector<float>& out) {
  element found;
  if (!line_check::find(features, "dense", found)) return;
  simdjson::dom::array items;
  if (found.get(items) != simdjson::SUCCESS || items.size() > dense_features_max)
    return check.fail("\"dense\" must be an array of at most " +
                      std::to_string(dense_features_max) + " numbers");
  out.reserve(items.size());
  for (element item : items) {
    double value = 0;
    if (item.get(value) != simdjson::SUCCESS || !(std::abs(value) <= feature_max))
      return check.fail("\"dense\" must hold numbers of at most a million");
    out.push_back(static_cast<float>(value));
  }
}

void read_sparse(object features, line_check& check, std::vector<sparse_feature>& out) {
  element found;
  if (!line_check::find(features, "sparse", found)) return;
  simdjson::dom::array items;
  if (found.get(items) != simdjson::SUCCESS || items.size() > sparse_features_max)
    return check.fail("\"sparse\" must be an array of at most " +
                      std::to_string(sparse_features_max) + " pairs [index, value]");
  for (element item : items) {
    simdjson::dom::array pair;
    std::uint64_t index = 0;
    double value = 0;
    if (item.get(pair) != simdjson::SUCCESS || pair.size() != 2 ||
        pair.at(0).get(index) != simdjson::SUCCESS || index >= sparse_dimensions ||
        pair.at(1).get(value) != simdjson::SUCCESS || !(std::abs(value) <= feature_max))
      return check.fail("\"sparse\" must hold pairs [index below " +
                        std::to_string(sparse_dimensions) + ", number]");
    out.push_back({static_cast<std::uint16_t>(index), static_cast<float>(value)});
  }
}

void read_features(object line, line_check& check, logged_decision& out) {
  element found;
  if (!line_check::find(line, "features", found)) return;
  object features;
  if (found.get(features) != simdjson::SUCCESS) return check.fail("\"features\" must be an object");
  check.integer(features, "version", ~std::uint32_t{0}, out.feature_version);
  read_dense(features, check, out.dense);
  read_sparse(features, check, out.sparse);
}

void read_reward(object line, line_check& check, logged_decision& out) {
  check.number(line, "cost_price", 0, price_max, out.cost_price);
  check.number(line, "latency_price", 0, price_max, out.latency_price);
  element found;
  if (line_check::find(line, "quality", found)) {
    double quality = 0;
    check.number(line, "quality", 0, 1, quality);
    out.quality = quality;
  }
  if (line_check::find(line, "cost_nanousd", found)) {
    std::int64_t cost = 0;
    check.integer(line, "cost_nanousd", money_max, cost);
    out.cost_nanousd = cost;
  }
}

}  // namespace

struct decision_log_reader::parser {
  simdjson::dom::parser json;
};

decision_log_reader::decision_log_reader(std::string name)
    : name_{std::move(name)}, parser_{std::make_unique<parser>()} {}

decision_log_reader::~decision_log_reader() = default;

caf::error decision_log_reader::add(std::string_view line) {
  ++lines_;
  auto refuse = [this](const std::string& what) {
    return make_error(errc::invalid_argument,
                      name_ + ", line " + std::to_string(lines_) + ": " + what);
  };
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return {};
  if (line.size() > line_bytes_max)
    return refuse("it is longer than " + std::to_string(line_bytes_max) +
                  " bytes; each line must be one decision, as `tandem route export` writes it");
  object from;
  if (auto failure = parser_->json.parse(line.data(), line.size()).get(from))
    return refuse(std::string{"it is no JSON object ("} + simdjson::error_message(failure) +
                  "); each line must be one decision, as `tandem route export` writes it");
  logged_decision read;
  line_check check;
  read_version(from, check);
  read_id(from, check, read.id);
  check.integer(from, "at_ms", ~std::uint64_t{0}, read.at_ms);
  read_purpose(from, check, read.purpose);
  check.text(from, "kind", read.kind);
  check.text(from, "tenant", read.tenant);
  check.text(from, "policy", read.policy);
  check.integer(from, "tries", ~std::uint32_t{0}, read.tries);
  read_arms(from, check, read);
  read_features(from, check, read);
  read_reward(from, check, read);
  if (!check.ok()) return refuse(check.text());
  auto [place, is_new] = places_.try_emplace(read.id, decisions_.size());
  if (!is_new) {
    ++repeated_;
    decisions_[place->second] = std::move(read);
    return {};
  }
  if (decisions_.size() == decisions_max) {
    places_.erase(place);
    return refuse("there are more than " + std::to_string(decisions_max) +
                  " decisions; evaluate a part, such as the last ones: `tail -n " +
                  std::to_string(decisions_max) + "`");
  }
  decisions_.push_back(std::move(read));
  return {};
}

std::vector<logged_decision> decision_log_reader::take() {
  places_.clear();
  return std::exchange(decisions_, {});
}

std::string_view purpose_name(schema::Purpose purpose) {
  for (const auto& [value, name] : purposes)
    if (value == purpose) return name;
  return purposes.front().second;
}

std::optional<schema::Purpose> purpose_named(std::string_view name) {
  for (const auto& [value, known] : purposes)
    if (known == name) return value;
  return {};
}

}  // namespace tandem
