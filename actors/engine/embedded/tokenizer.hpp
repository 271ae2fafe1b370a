// Text to token ids and back, built from a GGUF file's metadata, as llama.cpp does it for a
// vocabulary without merges: fragments (type user defined) are taken longest first and cut out
// everywhere in the text that is still uncut, leftmost first; what remains becomes one token per
// byte.
//
// Equally long fragments are tried in the order that llama.cpp's unstable std::sort leaves, so the
// same ids come out only when this file is built with libstdc++, like llama.cpp itself on Linux.
//
// Limits: vocabulary 262,144 tokens. Encoding takes O(fragments x bytes), and text that cannot fit
// in the caller's limit is refused by its size before any work. All const members may be called
// from any thread at once. Source: llama.cpp src/llama-vocab.cpp (tokenizer_st_partition,
// token_to_piece).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/engine/embedded/gguf_file.hpp"

namespace tandem::embedded {

using token_id = std::uint32_t;

/// role: system, user or assistant.
struct chat_message {
  std::string role;
  std::string content;
};

/// What control tokens such as `<|user|>` inside a text mean. as_text is right for anything that a
/// user wrote: it cannot forge a turn. llama-server parses them.
enum class control_tokens { as_text, parse };

/// Token ids, or why there are none (error empty = success).
struct encoded_text {
  std::vector<token_id> ids;
  std::string error;
};

class tokenizer {
 public:
  /// Throws gguf_error when the vocabulary is not one that this tokenizer handles.
  explicit tokenizer(const gguf_file& file);

  encoded_text encode(std::string_view text, control_tokens control, std::size_t tokens_max) const;

  /// Each message as `<|role|>content<|end|>`, then `<|assistant|>`. Refuses an empty list, an
  /// unknown role, and more than tokens_max tokens.
  encoded_text encode_chat(std::span<const chat_message> messages, control_tokens control,
                           std::size_t tokens_max) const;

  /// The bytes of one token: possibly a part of a UTF-8 sequence, empty for control and unused
  /// tokens and for ids outside the vocabulary.
  std::string_view piece(token_id id) const;

  std::string decode(std::span<const token_id> ids) const;

  token_id end_token() const { return end_; }
  std::size_t size() const { return entries_.size(); }

  /// Whether both give the same ids for every text and the same text for every id.
  bool same_vocabulary(const tokenizer& other) const {
    return end_ == other.end_ && entries_ == other.entries_;
  }

 private:
  enum class kind : std::uint8_t { normal = 1, unknown = 2, control = 3, fragment = 4, unused = 5 };
  struct entry {
    std::string text;  // as in the file
    std::string piece;
    kind type = kind::normal;
    bool operator==(const entry&) const = default;
  };

  void read_entries(const gguf_file& file);
  void index_bytes(const gguf_file& file);
  void order_fragments();
  token_id control_token(const gguf_file& file, std::string_view text) const;
  void append(std::string_view text, control_tokens control, std::vector<token_id>& out) const;
  encoded_text too_long(std::size_t bytes, std::size_t tokens_max) const;

  std::vector<entry> entries_;
  std::vector<token_id> fragments_;  // control tokens too, in the order in which they are cut out
  std::vector<token_id> byte_tokens_;
  std::size_t longest_bytes_ = 1;
  token_id end_ = 0;
  token_id system_ = 0;
  token_id user_ = 0;
  token_id assistant_ = 0;
};

}  // namespace tandem::embedded
