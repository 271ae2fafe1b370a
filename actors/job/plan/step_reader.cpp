#include "actors/job/plan/step_reader.hpp"

#include <simdjson.h>

#include <algorithm>

namespace tandem::plan {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;
using failure = std::optional<plan_error>;

void pad(std::string& json) {
  json.reserve(json.size() + simdjson::SIMDJSON_PADDING);
}

plan_error parse_error(simdjson::error_code code, const std::string& json, std::size_t offset) {
  if (code == simdjson::UTF8_ERROR) {
    return make_error(plan_errc::invalid_utf8, offset, 0,
                      "the text is not UTF-8; write UTF-8 or \\u escapes");
  }
  if (code == simdjson::DEPTH_ERROR) {
    return make_error(plan_errc::too_deep, offset, 0, "nested too deeply; write it flat");
  }
  return make_error(plan_errc::malformed_json, offset, 0,
                    "broken JSON (" + std::string(simdjson::error_message(code)) + ") in " +
                        excerpt(json) + "; write one valid JSON value here");
}

std::string_view type_name(element_type type) {
  switch (type) {
    case element_type::ARRAY:
      return "an array";
    case element_type::OBJECT:
      return "an object";
    case element_type::INT64:
    case element_type::UINT64:
      return "a whole number";
    case element_type::DOUBLE:
      return "a fraction";
    case element_type::STRING:
      return "a string";
    case element_type::BOOL:
      return "true or false";
    case element_type::NULL_VALUE:
      return "null";
  }
  return "something else";
}

// Collects one step field by field; every failure knows the step's place.
class step_builder {
 public:
  step_builder(const limits& bounds, const std::set<std::string, std::less<>>& tools,
               std::size_t offset)
      : bounds_(bounds), tools_(tools), offset_(offset) {}

  // First, so that messages about the other fields can name the step, whatever the order of keys.
  failure read_id(const simdjson::dom::object& fields);
  failure read_field(std::string_view key, const element& value);
  failure finish();
  [[nodiscard]] plan_error error(plan_errc code, const std::string& text) const {
    return make_error(code, offset_, made.id, text);
  }

  step made;
  bool has_check = false;

 private:
  failure wrong_type(std::string_view key, std::string_view wanted, const element& value) const;
  failure read_number(std::string_view key, const element& value, std::uint32_t& to) const;
  failure read_text(std::string_view key, const element& value, std::string& to) const;
  failure read_depends_on(const element& value);
  failure once(unsigned bit, std::string_view key);

  const limits& bounds_;
  const std::set<std::string, std::less<>>& tools_;
  std::size_t offset_;
  unsigned seen_ = 0;
};

constexpr unsigned key_id = 1;
constexpr unsigned key_kind = 2;
constexpr unsigned key_prompt = 4;
constexpr unsigned key_depends = 8;
constexpr unsigned key_check = 16;
constexpr unsigned key_tool = 32;

unsigned bit_of(std::string_view key) {
  if (key == "kind") return key_kind;
  if (key == "prompt") return key_prompt;
  if (key == "depends_on") return key_depends;
  if (key == "check") return key_check;
  if (key == "tool") return key_tool;
  return 0;
}

failure step_builder::wrong_type(std::string_view key, std::string_view wanted,
                                 const element& value) const {
  return error(plan_errc::wrong_type, "\"" + std::string(key) + "\" is " +
                                          std::string(type_name(value.type())) + "; write " +
                                          std::string(wanted));
}

failure step_builder::read_number(std::string_view key, const element& value,
                                  std::uint32_t& to) const {
  const auto type = value.type();
  if (type != element_type::INT64 && type != element_type::UINT64) {
    return wrong_type(key, "a whole number without quotes", value);
  }
  std::int64_t number = 0;
  if (value.get(number) != simdjson::SUCCESS || number < 1 || number > step_id_max) {
    return error(plan_errc::bad_id, "\"" + std::string(key) + "\" must be from 1 to " +
                                        std::to_string(step_id_max) +
                                        "; number the steps 1, 2, 3 and so on");
  }
  to = static_cast<std::uint32_t>(number);
  return std::nullopt;
}

failure step_builder::read_text(std::string_view key, const element& value, std::string& to) const {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return wrong_type(key, "a string", value);
  if (text.find('\0') != std::string_view::npos) {
    return error(plan_errc::nul_character,
                 "\"" + std::string(key) + "\" contains the character U+0000; leave it out");
  }
  to = text;
  return std::nullopt;
}

failure step_builder::read_depends_on(const element& value) {
  simdjson::dom::array entries;
  if (value.get(entries) != simdjson::SUCCESS) {
    return wrong_type("depends_on", "an array of step ids, such as [1,2]", value);
  }
  std::size_t count = 0;
  for (const element entry : entries) {
    if (++count > bounds_.depends_max) {
      return error(plan_errc::too_many_dependencies,
                   "\"depends_on\" has more than " + std::to_string(bounds_.depends_max) +
                       " entries; gather the results in steps between");
    }
    std::uint32_t id = 0;
    if (auto failed = read_number("depends_on", entry, id)) return failed;
    auto& known = made.depends_on;
    if (std::find(known.begin(), known.end(), id) == known.end()) known.push_back(id);
  }
  return std::nullopt;
}

failure step_builder::once(unsigned bit, std::string_view key) {
  if ((seen_ & bit) != 0) {
    return error(plan_errc::duplicate_key,
                 "the key \"" + std::string(key) + "\" appears twice; write it once");
  }
  seen_ |= bit;
  return std::nullopt;
}

failure step_builder::read_id(const simdjson::dom::object& fields) {
  for (const auto field : fields) {
    if (field.key != "id") continue;
    if (auto failed = once(key_id, field.key)) return failed;
    if (auto failed = read_number("id", field.value, made.id)) return failed;
  }
  return std::nullopt;
}

failure step_builder::read_field(std::string_view key, const element& value) {
  const unsigned bit = bit_of(key);
  if (bit == 0) return std::nullopt;
  if (auto failed = once(bit, key)) return failed;
  if (value.is_null() && bit != key_prompt) return std::nullopt;
  switch (bit) {
    case key_kind:
      return read_text(key, value, made.kind);
    case key_prompt:
      return read_text(key, value, made.prompt);
    case key_depends:
      return read_depends_on(value);
    case key_tool:
      return read_text(key, value, made.tool);
    default:
      if (!value.is_object()) return wrong_type(key, "a verification object", value);
      has_check = true;
      return std::nullopt;
  }
}

failure step_builder::finish() {
  if ((seen_ & key_id) == 0) {
    return error(plan_errc::missing_field, "a step has no \"id\"; give each step its own number");
  }
  if ((seen_ & key_prompt) == 0) {
    return error(plan_errc::missing_field,
                 "the step has no \"prompt\"; say what is to be done, as a string");
  }
  if (made.prompt.find_first_not_of(" \t\r\n") == std::string::npos) {
    return error(plan_errc::empty_prompt, "\"prompt\" is empty; say what is to be done");
  }
  if (made.kind.size() > bounds_.kind_bytes_max) {
    return error(plan_errc::text_too_large, "\"kind\" is longer than " +
                                                std::to_string(bounds_.kind_bytes_max) +
                                                " bytes; one word is enough");
  }
  if (made.tool.empty() || tools_.find(made.tool) != tools_.end()) return std::nullopt;
  std::string names;
  for (const auto& name : tools_) {
    if (names.size() > 400) break;
    names += (names.empty() ? "" : ", ") + excerpt(name);
  }
  return error(plan_errc::unknown_tool,
               "unknown tool \"" + excerpt(made.tool) + "\"; " +
                   (names.empty() ? "there are no tools here: leave \"tool\" out"
                                  : "the tools are " + names));
}

}  // namespace

struct step_reader::impl {
  impl(const limits& given, std::span<const std::string> names)
      : bounds(given), tools(names.begin(), names.end()), dom(given.plan_bytes_max + 64) {}

  result<element> parse(std::string& json, std::size_t offset) {
    pad(json);
    element value;
    const auto code = dom.parse(json.data(), json.size(), false).get(value);
    if (code != simdjson::SUCCESS) return parse_error(code, json, offset);
    return value;
  }

  // The text of the check as it was written. The step has been parsed in full before, so that this
  // lazy second look cannot fail on it.
  std::string raw_check(std::string& json) {
    pad(json);
    simdjson::ondemand::document document;
    simdjson::ondemand::object fields;
    if (lazy.iterate(json.data(), json.size(), json.capacity()).get(document) !=
            simdjson::SUCCESS ||
        document.get_object().get(fields) != simdjson::SUCCESS) {
      return {};
    }
    for (auto field : fields) {
      std::string_view key;
      if (field.unescaped_key().get(key) != simdjson::SUCCESS) return {};
      if (key != "check") continue;
      simdjson::ondemand::object check;
      std::string_view raw;
      if (field.value().get_object().get(check) != simdjson::SUCCESS ||
          check.raw_json().get(raw) != simdjson::SUCCESS) {
        return {};
      }
      return std::string(raw.substr(0, raw.find_last_of('}') + 1));
    }
    return {};
  }

  const limits bounds;
  const std::set<std::string, std::less<>> tools;
  simdjson::dom::parser dom;
  simdjson::ondemand::parser lazy;
};

step_reader::step_reader(const limits& bounds, std::span<const std::string> tools)
    : impl_(std::make_unique<impl>(bounds, tools)) {}

step_reader::~step_reader() = default;

result<step> step_reader::read_step(std::string& json, std::size_t offset) {
  auto parsed = impl_->parse(json, offset);
  if (auto* failed = std::get_if<plan_error>(&parsed)) return *failed;
  simdjson::dom::object fields;
  if (std::get<element>(parsed).get(fields) != simdjson::SUCCESS) {
    return make_error(plan_errc::wrong_type, offset, 0, "a step must be an object");
  }
  step_builder builder(impl_->bounds, impl_->tools, offset);
  if (auto failed = builder.read_id(fields)) return *failed;
  for (const auto field : fields) {
    if (auto failed = builder.read_field(field.key, field.value)) return *failed;
  }
  if (auto failed = builder.finish()) return *failed;
  if (builder.has_check) {
    builder.made.check_json = impl_->raw_check(json);
    if (builder.made.check_json.empty()) {
      return builder.error(plan_errc::malformed_json, "\"check\" cannot be read; write an object");
    }
  }
  return std::move(builder.made);
}

result<std::optional<answer>> step_reader::read_answer(std::string& json, std::size_t offset) {
  auto parsed = impl_->parse(json, offset);
  if (auto* failed = std::get_if<plan_error>(&parsed)) return *failed;
  const auto& value = std::get<element>(parsed);
  const auto bad = [offset](std::string_view what) {
    return make_error(plan_errc::bad_answer, offset, 0,
                      std::string(what) +
                          "; write \"answer\":2 with the id of a step, or "
                          "\"answer\":{\"compose\":\"a prompt with {{2}}\"}");
  };
  if (value.is_null()) return std::optional<answer>();
  answer made;
  std::int64_t id = 0;
  if (value.get(id) == simdjson::SUCCESS) {
    if (id < 1 || id > step_id_max) return bad("the answer's step id is out of range");
    made.step_id = static_cast<std::uint32_t>(id);
    return std::optional(made);
  }
  simdjson::dom::object fields;
  if (value.get(fields) != simdjson::SUCCESS) {
    return bad("\"answer\" is " + std::string(type_name(value.type())));
  }
  bool seen = false;
  for (const auto field : fields) {
    if (field.key != "compose") continue;
    if (std::exchange(seen, true)) {
      return make_error(plan_errc::duplicate_key, offset, 0,
                        "the key \"compose\" appears twice; write it once");
    }
    std::string_view text;
    if (field.value.get(text) != simdjson::SUCCESS) return bad("\"compose\" is not a string");
    made.compose = text;
  }
  if (made.compose.find('\0') != std::string::npos) {
    return make_error(plan_errc::nul_character, offset, 0,
                      "\"compose\" contains the character U+0000; leave it out");
  }
  if (made.compose.find_first_not_of(" \t\r\n") == std::string::npos) {
    return bad("\"answer\" has no \"compose\" prompt");
  }
  return std::optional(made);
}

result<std::string> step_reader::read_key(std::string& json, std::size_t offset) {
  auto parsed = impl_->parse(json, offset);
  if (auto* failed = std::get_if<plan_error>(&parsed)) return *failed;
  std::string_view text;
  if (std::get<element>(parsed).get(text) != simdjson::SUCCESS) {
    return make_error(plan_errc::malformed_json, offset, 0, "a key must be a string");
  }
  return std::string(text);
}

std::optional<plan_error> step_reader::check_value(std::string& json, std::size_t offset) {
  auto parsed = impl_->parse(json, offset);
  if (auto* failed = std::get_if<plan_error>(&parsed)) return *failed;
  return std::nullopt;
}

}  // namespace tandem::plan
