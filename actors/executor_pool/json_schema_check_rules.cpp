#include "actors/executor_pool/json_schema_check_rules.hpp"

#include <algorithm>
#include <cmath>

#include <valijson/validation_results.hpp>

#include "actors/executor_pool/json_schema_check.hpp"

namespace tandem::json_check {
namespace {

using valijson::ValidationResults;
using valijson::adapters::Adapter;
using context_path = std::vector<std::string>;

constexpr std::ptrdiff_t stack_bytes_max = std::ptrdiff_t{1} << 20;

thread_local work_limit* current = nullptr;

const char* stack_now() {
  return static_cast<const char*>(__builtin_frame_address(0));
}

bool refuse(ValidationResults* results, const context_path& context, const std::string& why) {
  if (results != nullptr) results->pushError(context, why);
  return false;
}

std::string type_of(const Adapter& target) {
  if (target.isObject()) return "an object";
  if (target.isArray()) return "an array";
  if (target.isString()) return "a string";
  if (target.isBool()) return "a boolean";
  if (target.isNull()) return "null";
  return target.isInteger() ? "an integer" : "a number";
}

bool is_whole(const Adapter& target) {
  if (target.isInteger()) return true;
  return target.isDouble() && std::floor(target.asDouble()) == target.asDouble();
}

bool is_of(const Adapter& target, const std::string& type) {
  if (type == "object") return target.isObject();
  if (type == "array") return target.isArray();
  if (type == "string") return target.isString();
  if (type == "boolean") return target.isBool();
  if (type == "null") return target.isNull();
  if (type == "integer") return is_whole(target);
  return target.isNumber();
}

std::uint64_t characters_in(const std::string& s) {
  return static_cast<std::uint64_t>(std::count_if(
      s.begin(), s.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
}

/// How deep the brackets nest; strings are passed over.
bool nests_too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > json_schema::nesting_max) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

}  // namespace

work_limit::work_limit(std::size_t steps, std::size_t visits)
    : steps_{steps}, visits_{visits}, stack_{stack_now()} {
  current = this;
}

work_limit::~work_limit() {
  current = nullptr;
}

void work_limit::visit(std::size_t steps) {
  if (current == nullptr) return;
  if (current->visits_ == 0) throw too_much_work{};
  --current->visits_;
  if (std::abs(stack_now() - current->stack_) > stack_bytes_max) throw too_much_work{};
  spend(steps);
}

void work_limit::spend(std::size_t steps) {
  if (current == nullptr) return;
  if (current->steps_ < steps) throw too_much_work{};
  current->steps_ -= steps;
}

bool work_rule::validate(const Adapter& target, const context_path&,
                         ValidationResults* results) const {
  // valijson goes over all members, whether there is a rule for them or not.
  auto members = target.isObject() ? target.getObjectSize() : 0;
  auto items = target.isArray() ? target.getArraySize() : 0;
  work_limit::visit(1 + steps_ + members + items);
  if (!unique_items_ || items == 0) return true;
  // Each is compared with each; a comparison may go all the way down, and each may give a reason.
  auto plain = results == nullptr;
  target.applyToArray([&plain](const Adapter& item) {
    plain = plain && !item.isArray() && !item.isObject();
    return plain;
  });
  work_limit::spend(items * items / (plain ? 16 : 1));
  return true;
}

bool type_rule::validate(const Adapter& target, const context_path& context,
                         ValidationResults* results) const {
  std::string expected;
  for (const auto& type : types_) {
    if (is_of(target, type)) return true;
    expected += (expected.empty() ? "" : " or ") + type;
  }
  return refuse(results, context, "is " + type_of(target) + ", must be " + expected);
}

bool length_rule::validate(const Adapter& target, const context_path& context,
                           ValidationResults* results) const {
  if (!target.isString()) return true;
  auto text = target.asString();
  work_limit::spend(text.size() / 1024);
  auto length = characters_in(text);
  if (length < min_)
    return refuse(results, context, "must have at least " + std::to_string(min_) + " characters");
  if (length > max_)
    return refuse(results, context, "must have at most " + std::to_string(max_) + " characters");
  return true;
}

bool pattern_rule::validate(const Adapter& target, const context_path& context,
                            ValidationResults* results) const {
  if (!target.isString()) return true;
  auto text = target.asString();
  work_limit::spend(1 + text.size() / 16);
  if (re2::RE2::PartialMatch(text, *expression_)) return true;
  return refuse(results, context, what_);
}

bool multiple_rule::validate(const Adapter& target, const context_path& context,
                             ValidationResults* results) const {
  if (!target.isNumber()) return true;
  auto value = target.asDouble();
  auto times = value / divisor_;
  // 0.3 is a multiple of 0.1 for whoever writes decimal numbers.
  if (std::isfinite(times) &&
      std::abs(times - std::round(times)) <= 1e-9 * std::max(1.0, std::abs(times)))
    return true;
  auto divisor = nlohmann::json(divisor_).dump();
  return refuse(results, context, "must be a multiple of " + divisor);
}

bool nothing_rule::validate(const Adapter&, const context_path& context,
                            ValidationResults* results) const {
  return refuse(results, context, "is not allowed here");
}

bool parse_json(std::string_view text, std::size_t bytes_max, nlohmann::json& document,
                std::string& problem) {
  if (text.size() > bytes_max) {
    problem = "has more than " + std::to_string(bytes_max) + " bytes";
    return false;
  }
  if (nests_too_deep(text)) {
    problem = "nests deeper than " + std::to_string(json_schema::nesting_max) + " levels";
    return false;
  }
  try {
    document = nlohmann::json::parse(text.begin(), text.end());
    return true;
  } catch (const nlohmann::json::parse_error& error) {
    problem = "is no JSON: something is wrong at byte " + std::to_string(error.byte);
  } catch (const nlohmann::json::exception&) {
    problem = "is no JSON: a number is out of range";
  }
  return false;
}

}  // namespace tandem::json_check
