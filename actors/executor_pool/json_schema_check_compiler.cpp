#include "actors/executor_pool/json_schema_check_compiler.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "schema/text.hpp"

namespace tandem::json_check {
namespace {

namespace rules = valijson::constraints;
using value_adapter = valijson::adapters::NlohmannJsonAdapter;

struct unsupported {
  const char* keyword;
  const char* instead;
};

constexpr std::array unsupported_keywords{
    unsupported{"patternProperties", "name the properties in 'properties'"},
    unsupported{"unevaluatedProperties", "use 'additionalProperties'"},
    unsupported{"unevaluatedItems", "use 'additionalItems'"},
    unsupported{"minContains", "use 'contains' alone"},
    unsupported{"maxContains", "use 'contains' alone"},
    unsupported{"$dynamicRef", "use '$ref' with '#/...'"},
    unsupported{"$recursiveRef", "use '$ref' with '#/...'"}};

struct known_format {
  const char* name;
  const char* expression;
};

constexpr std::array formats{
    known_format{"date", R"(^\d{4}-(0[1-9]|1[012])-(0[1-9]|[12]\d|3[01])$)"},
    known_format{
        "time",
        R"(^([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$)"},
    known_format{
        "date-time",
        R"(^\d{4}-(0[1-9]|1[012])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$)"}};

std::string escaped(std::string_view name) {
  std::string out;
  for (auto c : name) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

std::size_t values_in(const nlohmann::json& value) {
  std::size_t count = 1;
  if (value.is_structured())
    for (const auto& part : value) count += values_in(part);
  else if (value.is_string())
    count += value.get_ref<const std::string&>().size() / 64;
  return count;
}

}  // namespace

void schema_compiler::note(const std::string& keyword, const std::string& what) {
  if (!problem_.empty()) return;
  auto where = nodes_.empty() ? std::string{} : nodes_[now_].where;
  if (!keyword.empty()) where += "/" + keyword;
  problem_ = valid_utf8(cut("at #" + where + ": " + what, 300));
}

void schema_compiler::add(const rules::Constraint& rule) {
  schema_.addConstraintToSubschema(rule, nodes_[now_].built);
}

std::size_t schema_compiler::node_for(const json& source, std::string where) {
  auto [known, is_new] = known_.try_emplace(&source, nodes_.size());
  if (is_new)
    nodes_.push_back(
        {.source = &source, .where = std::move(where), .built = schema_.createSubschema()});
  return known->second;
}

const valijson::Subschema* schema_compiler::child(const json& source, const std::string& keyword,
                                                  bool same_value) {
  if (!source.is_object() && !source.is_boolean()) {
    note(keyword, "must be a schema: an object, true or false");
    return schema_.emptySubschema();
  }
  if (nodes_.size() >= json_schema::subschemas_max) {
    note(keyword, "more than " + std::to_string(json_schema::subschemas_max) + " subschemas");
    return schema_.emptySubschema();
  }
  auto at = node_for(source, nodes_[now_].where + "/" + keyword);
  if (same_value) nodes_[now_].same_value.push_back(at);
  return nodes_[at].built;
}

bool schema_compiler::number_at(const json& object, const char* keyword, double& value) {
  auto found = object.find(keyword);
  if (found == object.end()) return false;
  if (!found->is_number()) {
    note(keyword, "must be a number");
    return false;
  }
  value = found->get<double>();
  return true;
}

bool schema_compiler::count_at(const json& object, const char* keyword, std::uint64_t& value) {
  auto found = object.find(keyword);
  if (found == object.end()) return false;
  if (!found->is_number_unsigned()) {
    note(keyword, "must be a whole number from 0");
    return false;
  }
  value = found->get<std::uint64_t>();
  return true;
}

bool schema_compiler::usable_name(const std::string& name, const std::string& keyword) {
  if (name.find('\0') == std::string::npos) return true;
  note(keyword, "a property's name must not contain a zero character");
  return false;
}

void schema_compiler::refuse_unsupported(const json& object) {
  for (const auto& [keyword, instead] : unsupported_keywords)
    if (object.contains(keyword))
      note(keyword, std::string{"this keyword is not supported; "} + instead);
}

void schema_compiler::build_cost(const json& object) {
  std::size_t steps = 0;
  for (auto keyword : {"enum", "const"})
    if (auto found = object.find(keyword); found != object.end()) steps += values_in(*found) / 8;
  for (auto keyword : {"required", "properties", "dependencies", "dependentRequired"})
    if (auto found = object.find(keyword); found != object.end()) steps += found->size();
  auto unique = object.find("uniqueItems");
  if (unique != object.end() && !unique->is_boolean())
    return note("uniqueItems", "must be true or false");
  auto is_unique = unique != object.end() && unique->get<bool>();
  add(work_rule{steps, is_unique});
  if (is_unique) add(rules::UniqueItemsConstraint{});
}

const nlohmann::json* schema_compiler::target_of(const std::string& reference) {
  if (reference.empty() || reference[0] != '#' || (reference.size() > 1 && reference[1] != '/')) {
    note("$ref", "'" + std::string{cut(reference, 80)} +
                     "' is not within this schema; only references like '#/$defs/name' are "
                     "followed, never a URL or a file");
    return nullptr;
  }
  try {
    const auto& target = document_.at(json::json_pointer{reference.substr(1)});
    return &target;
  } catch (const json::exception&) {
    note("$ref", "'" + std::string{cut(reference, 80)} + "' leads nowhere");
    return nullptr;
  }
}

void schema_compiler::build_reference(const json& object) {
  auto found = object.find("$ref");
  if (found == object.end()) return;
  if (!found->is_string()) return note("$ref", "must be a string");
  const auto* target = target_of(found->get_ref<const std::string&>());
  if (target == nullptr) return;
  rules::AllOfConstraint rule;
  rule.addSubschema(child(*target, "$ref", true));
  add(rule);
}

void schema_compiler::build_type(const json& object) {
  auto found = object.find("type");
  if (found == object.end()) return;
  std::vector<std::string> types;
  auto take = [this, &types](const json& name) {
    constexpr std::array known{"object", "array", "string", "boolean", "null", "integer", "number"};
    if (!name.is_string() ||
        std::find(known.begin(), known.end(), name.get_ref<const std::string&>()) == known.end())
      return note("type", "must be of object, array, string, boolean, null, integer and number");
    types.push_back(name.get<std::string>());
  };
  if (found->is_array())
    for (const auto& name : *found) take(name);
  else
    take(*found);
  if (types.empty()) return note("type", "must name a type");
  add(type_rule{std::move(types)});
}

void schema_compiler::build_values(const json& object) {
  if (auto found = object.find("const"); found != object.end()) {
    rules::ConstConstraint rule;
    rule.setValue(value_adapter{*found});
    add(rule);
  }
  if (auto found = object.find("enum"); found != object.end()) {
    if (!found->is_array()) return note("enum", "must be an array");
    rules::EnumConstraint rule;
    for (const auto& value : *found) rule.addValue(value_adapter{value});
    add(rule);
  }
}

void schema_compiler::build_numbers(const json& object) {
  double value = 0;
  for (auto exclusive : {false, true}) {
    if (number_at(object, exclusive ? "exclusiveMinimum" : "minimum", value)) {
      rules::MinimumConstraint rule;
      rule.setMinimum(value);
      rule.setExclusiveMinimum(exclusive);
      add(rule);
    }
    if (number_at(object, exclusive ? "exclusiveMaximum" : "maximum", value)) {
      rules::MaximumConstraint rule;
      rule.setMaximum(value);
      rule.setExclusiveMaximum(exclusive);
      add(rule);
    }
  }
  if (number_at(object, "multipleOf", value)) {
    if (value <= 0) return note("multipleOf", "must be above 0");
    add(multiple_rule{value});
  }
}

void schema_compiler::build_counts(const json& object) {
  std::uint64_t value = 0;
  if (count_at(object, "minItems", value)) {
    rules::MinItemsConstraint rule;
    rule.setMinItems(value);
    add(rule);
  }
  if (count_at(object, "maxItems", value)) {
    rules::MaxItemsConstraint rule;
    rule.setMaxItems(value);
    add(rule);
  }
  if (count_at(object, "minProperties", value)) {
    rules::MinPropertiesConstraint rule;
    rule.setMinProperties(value);
    add(rule);
  }
  if (count_at(object, "maxProperties", value)) {
    rules::MaxPropertiesConstraint rule;
    rule.setMaxProperties(value);
    add(rule);
  }
}

void schema_compiler::add_pattern(const std::string& expression, std::string what,
                                  const std::string& keyword) {
  if (expression.size() > json_schema::pattern_bytes_max)
    return note(keyword,
                "longer than " + std::to_string(json_schema::pattern_bytes_max) + " bytes");
  if (++patterns_ > json_schema::patterns_max)
    return note(keyword, "more than " + std::to_string(json_schema::patterns_max) +
                             " patterns and formats in one schema");
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(256 * 1024);
  auto compiled = std::make_shared<const re2::RE2>(expression, options);
  if (!compiled->ok()) return note(keyword, "not usable as RE2: " + compiled->error());
  add(pattern_rule{std::move(compiled), std::move(what)});
}

void schema_compiler::build_strings(const json& object) {
  std::uint64_t min = 0;
  auto max = std::numeric_limits<std::uint64_t>::max();
  auto has_min = count_at(object, "minLength", min);
  auto has_max = count_at(object, "maxLength", max);
  if (has_min || has_max) add(length_rule{min, max});
  if (auto found = object.find("pattern"); found != object.end()) {
    if (!found->is_string()) return note("pattern", "must be a string");
    const auto& expression = found->get_ref<const std::string&>();
    add_pattern(expression, "must match " + std::string{cut(expression, 80)}, "pattern");
  }
  if (auto found = object.find("format"); found != object.end() && found->is_string())
    for (const auto& [name, expression] : formats)
      if (*found == name) add_pattern(expression, std::string{"must be a "} + name, "format");
}

void schema_compiler::build_combinations(const json& object) {
  auto each = [this, &object](const char* keyword, auto rule) {
    auto found = object.find(keyword);
    if (found == object.end()) return;
    if (!found->is_array() || found->empty())
      return note(keyword, "must be an array with at least one schema");
    std::size_t index = 0;
    for (const auto& part : *found)
      rule.addSubschema(child(part, std::string{keyword} + "/" + std::to_string(index++), true));
    add(rule);
  };
  each("allOf", rules::AllOfConstraint{});
  each("anyOf", rules::AnyOfConstraint{});
  each("oneOf", rules::OneOfConstraint{});
  if (auto found = object.find("not"); found != object.end()) {
    rules::NotConstraint rule;
    rule.setSubschema(child(*found, "not", true));
    add(rule);
  }
}

void schema_compiler::build_condition(const json& object) {
  auto condition = object.find("if");
  if (condition == object.end()) return;
  rules::ConditionalConstraint rule;
  rule.setIfSubschema(child(*condition, "if", true));
  if (auto found = object.find("then"); found != object.end())
    rule.setThenSubschema(child(*found, "then", true));
  if (auto found = object.find("else"); found != object.end())
    rule.setElseSubschema(child(*found, "else", true));
  add(rule);
}

void schema_compiler::build_items(const json& object) {
  auto contains = object.find("contains");
  if (contains != object.end()) {
    rules::ContainsConstraint rule;
    rule.setSubschema(child(*contains, "contains", false));
    add(rule);
  }
  auto items = object.find("items");
  auto prefix = object.find("prefixItems");
  const char* list = prefix != object.end() ? "prefixItems" : "items";
  const char* rest = prefix != object.end() ? "items" : "additionalItems";
  auto listed = object.find(list);
  if (listed == object.end()) return;
  if (!listed->is_array()) {
    if (prefix != object.end()) return note("prefixItems", "must be an array of schemas");
    rules::SingularItemsConstraint rule;
    rule.setItemsSubschema(child(*items, "items", false));
    return add(rule);
  }
  rules::LinearItemsConstraint rule;
  std::size_t index = 0;
  for (const auto& part : *listed)
    rule.addItemSubschema(child(part, std::string{list} + "/" + std::to_string(index++), false));
  auto others = object.find(rest);
  rule.setAdditionalItemsSubschema(others == object.end() ? schema_.emptySubschema()
                                                          : child(*others, rest, false));
  add(rule);
}

void schema_compiler::build_properties(const json& object) {
  auto named = object.find("properties");
  auto others = object.find("additionalProperties");
  if (auto found = object.find("propertyNames"); found != object.end()) {
    rules::PropertyNamesConstraint rule;
    rule.setSubschema(child(*found, "propertyNames", false));
    add(rule);
  }
  if (named == object.end() && others == object.end()) return;
  rules::PropertiesConstraint rule;
  if (named != object.end()) {
    if (!named->is_object()) return note("properties", "must be an object");
    for (const auto& [name, source] : named->items())
      if (usable_name(name, "properties"))
        rule.addPropertySubschema(name, child(source, "properties/" + escaped(name), false));
  }
  if (others == object.end())
    rule.setAdditionalPropertiesSubschema(schema_.emptySubschema());
  else if (!others->is_boolean() || others->get<bool>())
    rule.setAdditionalPropertiesSubschema(child(*others, "additionalProperties", false));
  add(rule);
}

void schema_compiler::build_required(const json& object) {
  auto found = object.find("required");
  if (found == object.end()) return;
  if (!found->is_array()) return note("required", "must be an array of names");
  rules::RequiredConstraint rule;
  for (const auto& name : *found) {
    if (!name.is_string()) return note("required", "must be an array of names");
    if (!usable_name(name, "required")) return;
    rule.addRequiredProperty(name.get_ref<const std::string&>());
  }
  add(rule);
}

void schema_compiler::build_dependency(rules::DependenciesConstraint& rule,
                                       const std::string& keyword, const std::string& name,
                                       const json& value) {
  if (!usable_name(name, keyword)) return;
  if (!value.is_array()) {
    rule.addSchemaDependency(name, child(value, keyword + "/" + escaped(name), true));
    return;
  }
  for (const auto& needed : value) {
    if (!needed.is_string()) return note(keyword, "must be arrays of names, or schemas");
    if (!usable_name(needed, keyword)) return;
    rule.addPropertyDependency(name, needed.get_ref<const std::string&>());
  }
}

void schema_compiler::build_dependencies(const json& object) {
  for (auto keyword : {"dependencies", "dependentRequired", "dependentSchemas"}) {
    auto found = object.find(keyword);
    if (found == object.end()) continue;
    if (!found->is_object()) return note(keyword, "must be an object");
    rules::DependenciesConstraint rule;
    for (const auto& [name, value] : found->items()) build_dependency(rule, keyword, name, value);
    add(rule);
  }
}

void schema_compiler::build(std::size_t at) {
  now_ = at;
  const auto& source = *nodes_[at].source;
  if (source.is_boolean()) {
    if (!source.get<bool>()) add(nothing_rule{});
    return;
  }
  refuse_unsupported(source);
  build_cost(source);
  build_type(source);
  build_values(source);
  build_numbers(source);
  build_counts(source);
  build_strings(source);
  build_required(source);
  build_properties(source);
  build_items(source);
  build_dependencies(source);
  build_reference(source);
  build_combinations(source);
  build_condition(source);
}

/// A subschema that needs itself for the same value would never end.
void schema_compiler::refuse_loops() {
  std::vector<std::size_t> open(nodes_.size(), 0);
  for (const auto& each : nodes_)
    for (auto below : each.same_value) ++open[below];
  std::vector<std::size_t> free;
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (open[i] == 0) free.push_back(i);
  std::size_t sorted = 0;
  while (!free.empty()) {
    now_ = free.back();
    free.pop_back();
    ++sorted;
    for (auto below : nodes_[now_].same_value)
      if (--open[below] == 0) free.push_back(below);
  }
  if (sorted == nodes_.size()) return;
  now_ = static_cast<std::size_t>(
      std::find_if(open.begin(), open.end(), [](std::size_t n) { return n > 0; }) - open.begin());
  note("", "this part refers to itself without going down into the value, and would never end");
}

std::string schema_compiler::compile() {
  if (!document_.is_object() && !document_.is_boolean())
    return "a schema is an object, true or false";
  node_for(document_, "");
  for (std::size_t at = 0; at < nodes_.size() && problem_.empty(); ++at) build(at);
  if (problem_.empty()) refuse_loops();
  out_.root = nodes_.front().built;
  return problem_;
}

}  // namespace tandem::json_check
