#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/executor_pool/json_schema_check.hpp"
#include "actors/executor_pool/json_schema_check_rules.hpp"

namespace tandem {

/// Within the library only.
struct json_schema::compiled {
  /// Enum and const values are copied out of it.
  valijson::Schema subschemas;
  const valijson::Subschema* root = nullptr;
};

namespace json_check {

/// Builds valijson's rules from a schema document, without valijson's parser: that one follows
/// `id`s and URLs, recurses as deep as references go, and runs std::regex. Every subschema is built
/// once, from a list; references become pointers. One use.
class schema_compiler {
 public:
  schema_compiler(const nlohmann::json& document, json_schema::compiled& out)
      : document_{document}, schema_{out.subschemas}, out_{out} {}

  /// What is wrong or not supported, and where; empty: nothing.
  [[nodiscard]] std::string compile();

 private:
  using json = nlohmann::json;
  using subschema = valijson::Subschema;

  /// One subschema of the document.
  struct node {
    const json* source = nullptr;
    std::string where;
    const subschema* built = nullptr;
    /// Those that look at the same value as this one.
    std::vector<std::size_t> same_value;
  };

  void build(std::size_t at);
  void build_cost(const json& object);
  void build_reference(const json& object);
  void build_type(const json& object);
  void build_values(const json& object);
  void build_numbers(const json& object);
  void build_counts(const json& object);
  void build_strings(const json& object);
  void build_combinations(const json& object);
  void build_condition(const json& object);
  void build_items(const json& object);
  void build_properties(const json& object);
  void build_required(const json& object);
  void build_dependencies(const json& object);
  void build_dependency(valijson::constraints::DependenciesConstraint& rule,
                        const std::string& keyword, const std::string& name, const json& value);
  void refuse_unsupported(const json& object);

  /// A subschema below `keyword` of the present one.
  const subschema* child(const json& source, const std::string& keyword, bool same_value);
  std::size_t node_for(const json& source, std::string where);
  const json* target_of(const std::string& reference);
  void add(const valijson::constraints::Constraint& rule);
  void add_pattern(const std::string& expression, std::string what, const std::string& keyword);
  /// A whole number from 0; false: there is none, or it is wrong, which is noted.
  bool count_at(const json& object, const char* keyword, std::uint64_t& value);
  bool number_at(const json& object, const char* keyword, double& value);
  bool usable_name(const std::string& name, const std::string& keyword);
  void note(const std::string& keyword, const std::string& what);
  void refuse_loops();

  const json& document_;
  valijson::Schema& schema_;
  json_schema::compiled& out_;
  std::vector<node> nodes_;
  std::unordered_map<const json*, std::size_t> known_;
  std::size_t now_ = 0;
  std::size_t patterns_ = 0;
  std::string problem_;
};

}  // namespace json_check
}  // namespace tandem
