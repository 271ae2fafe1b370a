#pragma once

#include <vector>

#include "actors/openai/answer_extension.hpp"
#include "actors/openai/answer_writer.hpp"
#include "actors/openai/response_object.hpp"
#include "actors/openai/server_chunk.hpp"

namespace tandem::dialect {

/// The object `response`, and its events. A server speaks of chats only, so its chunks are
/// translated; texts are kept until the end, since the last events repeat them.
class response_writer final : public answer_writer {
 public:
  response_writer(const client_chat& request, std::string_view id, std::uint64_t created_s);

  [[nodiscard]] std::string whole(const call_end& end) override;
  [[nodiscard]] std::string begin() override;
  [[nodiscard]] std::string text(std::string_view piece) override;
  [[nodiscard]] std::string reasoning(std::string_view piece) override;
  [[nodiscard]] std::string event(std::string_view data) override;
  [[nodiscard]] std::string end(const call_end& end) override;
  [[nodiscard]] std::string fail(const openai_error& error) override;

 private:
  /// An item that is being written.
  struct open_item {
    output_item item;
    std::size_t output_index = 0;
    /// Of a call: as the server counts.
    std::size_t call_index = 0;
    /// `"item_id":...,"output_index":...,"content_index":0,`
    std::string where;
    character_joiner joiner;
  };

  [[nodiscard]] output_item new_item(item_kind kind, std::size_t output_index) const;
  void open(std::string& out, output_item item, std::size_t call_index);
  void add(std::string& out, item_kind kind, std::string_view piece);
  [[nodiscard]] std::string add_piece(chat_piece piece);
  void add_call(std::string& out, const chat_piece::call& call);
  void append_pieces(std::string& out, open_item& to, std::string_view piece);
  void append_delta(std::string& out, open_item& to, std::string_view text);
  void cut_last();
  void close(std::string& out);
  void append_done(std::string& out, open_item& of);
  void begin_event(std::string& out, std::string_view type);
  [[nodiscard]] std::string_view cut_by(const call_end& end) const;

  std::string id_;
  response_object object_;
  std::uint64_t sequence_ = 0;
  std::size_t outputs_ = 0;
  /// One text, or all calls of a turn.
  std::vector<open_item> open_;
  /// By their place in the output.
  std::vector<output_item> done_;
  std::string finish_;
  bool has_answer_ = false;
};

}  // namespace tandem::dialect
