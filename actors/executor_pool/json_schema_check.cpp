#include "actors/executor_pool/json_schema_check.hpp"

#include <list>
#include <mutex>

#include "actors/executor_pool/json_schema_check_compiler.hpp"
#include "schema/text.hpp"

#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace tandem {
namespace {

using json_check::too_much_work;
using json_check::work_limit;

constexpr std::size_t steps_max = 300'000;
constexpr std::size_t visits_max = 60'000;
/// Once more for the reasons, of which the first few are told.
constexpr std::size_t reason_steps_max = 100'000;
constexpr std::size_t reason_visits_max = 2'000;
constexpr std::size_t reasons_max = 3;
constexpr std::size_t cached_max = 32;

/// valijson says `<root>`, `[name]`, `[0]`.
std::string pointer(const std::vector<std::string>& context) {
  std::string out;
  for (std::size_t i = 1; i < context.size(); ++i) {
    const auto& part = context[i];
    out += '/';
    for (std::size_t c = 1; c + 1 < part.size(); ++c) {
      if (part[c] == '~')
        out += "~0";
      else if (part[c] == '/')
        out += "~1";
      else
        out += part[c];
    }
  }
  return out.empty() ? "the top" : out;
}

std::string reasons(const valijson::ValidationResults& results) {
  std::string out;
  std::size_t told = 0;
  for (const auto& error : results) {
    if (told++ == reasons_max) break;
    out += (out.empty() ? ": at " : "; at ") + pointer(error.context) + ": " + error.description;
    if (!out.empty() && out.back() == '.') out.pop_back();
  }
  return out;
}

std::string told(const std::string& why) {
  return valid_utf8(cut(why, 360));
}

/// The latest schemas, most recently used first: a plan's steps often share one.
class schema_memo {
 public:
  caf::expected<json_schema> get(std::string_view text) {
    {
      std::lock_guard guard{mutex_};
      for (auto at = entries_.begin(); at != entries_.end(); ++at) {
        if (at->text != text) continue;
        entries_.splice(entries_.begin(), entries_, at);
        return entries_.front().schema;
      }
    }
    auto schema = json_schema::compile(text);
    if (!schema) return schema;
    std::lock_guard guard{mutex_};
    entries_.push_front({std::string{text}, *schema});
    if (entries_.size() > cached_max) entries_.pop_back();
    return schema;
  }

 private:
  struct entry {
    std::string text;
    json_schema schema;
  };
  std::mutex mutex_;
  std::list<entry> entries_;
};

}  // namespace

caf::expected<json_schema> json_schema::compile(std::string_view text) {
  nlohmann::json document;
  std::string problem;
  if (!json_check::parse_json(text, schema_bytes_max, document, problem))
    return make_error(errc::invalid_argument, "the JSON schema " + problem);
  auto ready = std::make_shared<compiled>();
  try {
    problem = json_check::schema_compiler{document, *ready}.compile();
  } catch (const std::exception& error) {
    problem = error.what();
  }
  if (!problem.empty())
    return make_error(errc::invalid_argument, "the JSON schema is not usable: " + problem);
  return json_schema{std::move(ready)};
}

std::string json_schema::misfit(std::string_view output) const {
  nlohmann::json document;
  std::string problem;
  if (!json_check::parse_json(output, output_bytes_max, document, problem))
    return told("the reply '" + std::string{cut(output, 80)} + "' " + problem);
  valijson::adapters::NlohmannJsonAdapter target{document};
  valijson::Validator validator;
  valijson::ValidationResults results;
  try {
    work_limit limit{steps_max, visits_max};
    if (validator.validate(*compiled_->root, target, nullptr)) return {};
  } catch (const too_much_work&) {
    return "the JSON schema asks for too much work on a reply of this size";
  } catch (const std::exception& error) {
    return told(std::string{"the JSON schema cannot be applied: "} + error.what());
  }
  try {
    work_limit limit{reason_steps_max, reason_visits_max};
    validator.validate(*compiled_->root, target, &results);
  } catch (const too_much_work&) {
    // What was found until then will do.
  }
  return told("the reply does not fit the JSON schema" + reasons(results));
}

std::string json_schema_misfit(std::string_view schema, std::string_view output) {
  static schema_memo memo;
  auto compiled = memo.get(schema);
  return compiled ? compiled->misfit(output) : message_of(compiled.error());
}

}  // namespace tandem
