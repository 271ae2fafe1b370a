#pragma once

#include "actors/openai/answer_extension.hpp"
#include "actors/openai/answer_writer.hpp"

namespace tandem::dialect {

/// `chat.completion`, and its chunks. A server's own chunks go out byte for byte, but for the last:
/// the one that finishes (or counts, where the client asked for that) is held until end(), which
/// puts the extension into it.
class chat_writer final : public answer_writer {
 public:
  chat_writer(const client_chat& request, std::string_view id, std::uint64_t created_s);

  [[nodiscard]] std::string whole(const call_end& end) override;
  [[nodiscard]] std::string begin() override;
  [[nodiscard]] std::string text(std::string_view piece) override;
  [[nodiscard]] std::string reasoning(std::string_view piece) override;
  [[nodiscard]] std::string event(std::string_view data) override;
  [[nodiscard]] std::string end(const call_end& end) override;
  [[nodiscard]] std::string fail(const openai_error& error) override;

 private:
  [[nodiscard]] std::string answered_whole(std::string_view body);
  void append_delta(std::string& out, std::string_view name, std::string_view text);
  void append_role(std::string& out);
  void append_held(std::string& out);
  void append_text_end(std::string& out, const call_end& end);
  void append_finish(std::string& out, const call_end& end);

  std::string id_;
  std::uint64_t created_s_;
  std::string model_;
  bool include_usage_;
  bool server_begins_;
  /// `data: {"id":...,"choices":[`
  std::string head_;
  std::string_view delta_tail_;
  character_joiner answer_;
  character_joiner thought_;
  /// A server's chunk that may be its last.
  std::string held_;
  bool has_role_ = false;
  bool has_text_ = false;
  bool has_finish_ = false;
};

}  // namespace tandem::dialect
