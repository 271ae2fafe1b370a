#pragma once

// Within the library only: what valijson and nlohmann need before they are included, and those
// rules that Tandem checks itself because valijson's own are unsafe for schemas that a planner
// wrote (std::regex, C strings, divisions) or unbounded.

#define VALIJSON_USE_EXCEPTIONS 1

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <re2/re2.h>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/constraints/concrete_constraints.hpp>
#include <valijson/schema.hpp>

namespace tandem::json_check {

/// Thrown by spend(): the schema asks for more work or a deeper stack than one output is worth.
struct too_much_work {};

/// The work that one validation may do: values looked at, and steps of about a microsecond in all.
/// One at a time per thread.
class work_limit {
 public:
  work_limit(std::size_t steps, std::size_t visits);
  work_limit(const work_limit&) = delete;
  work_limit& operator=(const work_limit&) = delete;
  ~work_limit();

  /// A value is looked at.
  static void visit(std::size_t steps);
  static void spend(std::size_t steps);

 private:
  std::size_t steps_;
  std::size_t visits_;
  const char* stack_;
};

/// A rule of our own that valijson carries.
template <class Rule>
class own_rule : public valijson::constraints::PolyConstraint {
 private:
  valijson::constraints::Constraint* cloneInto(void* place) const override {
    return new (place) Rule(static_cast<const Rule&>(*this));
  }
  std::size_t sizeOf() const override { return sizeof(Rule); }
};

/// Stands first in every subschema: what it costs to look at it once.
class work_rule : public own_rule<work_rule> {
 public:
  explicit work_rule(std::size_t steps, bool unique_items)
      : steps_{steps}, unique_items_{unique_items} {}
  bool validate(const valijson::adapters::Adapter& target, const std::vector<std::string>& context,
                valijson::ValidationResults* results) const override;

 private:
  std::size_t steps_;
  bool unique_items_;
};

/// `type`; whole numbers written as 5.0 are integers.
class type_rule : public own_rule<type_rule> {
 public:
  explicit type_rule(std::vector<std::string> types) : types_{std::move(types)} {}
  bool validate(const valijson::adapters::Adapter& target, const std::vector<std::string>& context,
                valijson::ValidationResults* results) const override;

 private:
  std::vector<std::string> types_;
};

/// `minLength`, `maxLength`, in characters.
class length_rule : public own_rule<length_rule> {
 public:
  length_rule(std::uint64_t min, std::uint64_t max) : min_{min}, max_{max} {}
  bool validate(const valijson::adapters::Adapter& target, const std::vector<std::string>& context,
                valijson::ValidationResults* results) const override;

 private:
  std::uint64_t min_;
  std::uint64_t max_;
};

/// `pattern`, which may match anywhere, and `format`.
class pattern_rule : public own_rule<pattern_rule> {
 public:
  pattern_rule(std::shared_ptr<const re2::RE2> expression, std::string what)
      : expression_{std::move(expression)}, what_{std::move(what)} {}
  bool validate(const valijson::adapters::Adapter& target, const std::vector<std::string>& context,
                valijson::ValidationResults* results) const override;

 private:
  std::shared_ptr<const re2::RE2> expression_;
  std::string what_;
};

/// `multipleOf`, above 0.
class multiple_rule : public own_rule<multiple_rule> {
 public:
  explicit multiple_rule(double divisor) : divisor_{divisor} {}
  bool validate(const valijson::adapters::Adapter& target, const std::vector<std::string>& context,
                valijson::ValidationResults* results) const override;

 private:
  double divisor_;
};

/// The subschema `false`: nothing fits.
class nothing_rule : public own_rule<nothing_rule> {
 public:
  bool validate(const valijson::adapters::Adapter& target, const std::vector<std::string>& context,
                valijson::ValidationResults* results) const override;
};

/// Parses JSON of bounded size and depth. What is wrong, with the byte, goes into `problem`.
[[nodiscard]] bool parse_json(std::string_view text, std::size_t bytes_max,
                              nlohmann::json& document, std::string& problem);

}  // namespace tandem::json_check
