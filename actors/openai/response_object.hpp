#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actors/openai/answer_writer.hpp"

namespace tandem::dialect {

enum class item_kind : std::uint8_t { message, reasoning, call };

/// One item of a response's output.
struct output_item {
  item_kind kind = item_kind::message;
  std::string id;
  /// Of a call: its arguments.
  std::string text;
  std::string call_id;
  std::string name;
  /// The answer ended within it: a limit, or an error.
  bool is_cut = false;
};

/// Appends the item as an object. Not `is_over`: as it is announced, without its text.
void append_item(std::string& out, const output_item& item, bool is_over);
/// `{"type":"output_text",...}`, or the part of a reasoning's summary.
void append_part(std::string& out, item_kind kind, std::string_view text);

/// What all of a response's objects say, and what they say at one moment.
class response_object {
 public:
  response_object(const client_chat& request, std::string_view id, std::uint64_t created_s);

  void append_begun(std::string& out) const;
  /// `cut_by`: why it is incomplete; empty: it is complete.
  void append_ended(std::string& out, const std::vector<output_item>& items,
                    std::string_view cut_by, const call_end& end) const;
  void append_failed(std::string& out, const std::vector<output_item>& items,
                     const openai_error& error) const;

 private:
  void append_head(std::string& out, std::string_view status) const;
  void append_items(std::string& out, const std::vector<output_item>& items) const;

  std::string id_;
  std::uint64_t created_s_;
  /// Members that never change.
  std::string fixed_;
};

}  // namespace tandem::dialect
