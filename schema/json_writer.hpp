#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace tandem {

/// One JSON document on one line, written from left to right. Strings are valid UTF-8 with every
/// control character (also C1 and the bidirectional ones) escaped, so that a terminal may show the
/// document as it is. Numbers that are not finite become null.
///   json_writer json; json.object(); json.field("job", id); json.end(); use(json.text());
class json_writer {
 public:
  void object() { open('{', '}'); }
  void array() { open('[', ']'); }
  /// Closes the innermost object or array. Precondition: there is one.
  void end();

  void key(std::string_view name);
  void value(std::string_view text);
  void value(const char* text) { value(std::string_view{text}); }
  void value(bool truth) { item(truth ? "true" : "false"); }
  void value(double number);
  void null() { item("null"); }
  template <std::integral Integer>
  requires(!std::same_as<Integer, bool>) void value(Integer number) {
    item(std::to_string(number));
  }

  template <class Value>
  void field(std::string_view name, const Value& content) {
    key(name);
    value(content);
  }
  void null_field(std::string_view name) {
    key(name);
    null();
  }
  void object_field(std::string_view name) {
    key(name);
    object();
  }
  void array_field(std::string_view name) {
    key(name);
    array();
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void open(char first, char last);
  void item(std::string_view raw);
  void separate();

  std::string text_;
  /// The closing brackets to come.
  std::string open_;
  bool needs_comma_ = false;
};

/// `text` as a JSON string, quotes included.
[[nodiscard]] std::string json_string(std::string_view text);

/// Appends `s` as a JSON string with its quotes, for machines: only what JSON demands is escaped.
/// Invalid UTF-8 is replaced.
void append_json_string(std::string& out, std::string_view s);

}  // namespace tandem
