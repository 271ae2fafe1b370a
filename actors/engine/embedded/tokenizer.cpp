#include "actors/engine/embedded/tokenizer.hpp"

#include <algorithm>
#include <array>

namespace tandem::embedded {

namespace {

constexpr std::size_t vocabulary_max = 262'144;
constexpr token_id no_token = ~token_id{0};
// Marks in the work array of append(): byte still uncut, byte inside a fragment.
constexpr token_id uncut = ~token_id{0};
constexpr token_id inside = ~token_id{0} - 1;

constexpr std::string_view chat_template =
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}";

/// The GPT-2 alphabet writes each byte as a printable code point below 324; this is its inverse.
std::array<int, 324> byte_of_code_point() {
  std::array<int, 324> out;
  out.fill(-1);
  int next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
    out[printable ? byte : next++] = byte;
  }
  return out;
}

/// The bytes that a normal token stands for; false where its text is not in the GPT-2 alphabet.
bool decode_gpt2(std::string_view text, std::string& out) {
  static const auto table = byte_of_code_point();
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code_point = static_cast<unsigned char>(text[i]);
    if (code_point >= 0x80) {
      if ((code_point & 0xe0) != 0xc0 || i + 1 == text.size()) return false;
      code_point = (code_point & 0x1f) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3f);
    }
    if (code_point >= table.size() || table[code_point] < 0) return false;
    out += static_cast<char>(table[code_point]);
  }
  return true;
}

}  // namespace

tokenizer::tokenizer(const gguf_file& file) {
  if (file.find_string("tokenizer.ggml.model").value_or("") != "gpt2") {
    throw file.error("tokenizer.ggml.model is not 'gpt2'; export the model with that tokenizer");
  }
  if (const auto merges = file.find_strings("tokenizer.ggml.merges"); merges && !merges->empty()) {
    throw file.error(
        "the tokenizer has merges, which this engine does not apply; "
        "serve this model with llama-server");
  }
  if (file.find_string("tokenizer.chat_template").value_or(chat_template) != chat_template) {
    throw file.error(
        "the chat template is not the one this engine renders; "
        "serve this model with llama-server");
  }
  read_entries(file);
  index_bytes(file);
  order_fragments();
  const auto end = file.find_uint("tokenizer.ggml.eos_token_id");
  if (!end || *end >= entries_.size() || entries_[*end].type != kind::control) {
    throw file.error("tokenizer.ggml.eos_token_id names no control token; export the model again");
  }
  end_ = static_cast<token_id>(*end);
  if (entries_[end_].text != "<|end|>") {
    throw file.error("the end token is not '<|end|>'; export the model again");
  }
  system_ = control_token(file, "<|system|>");
  user_ = control_token(file, "<|user|>");
  assistant_ = control_token(file, "<|assistant|>");
}

void tokenizer::read_entries(const gguf_file& file) {
  const auto texts = file.find_strings("tokenizer.ggml.tokens");
  const auto types = file.find_ints("tokenizer.ggml.token_type");
  if (!texts || !types || texts->empty() || texts->size() != types->size() ||
      texts->size() > vocabulary_max) {
    throw file.error(
        "tokenizer.ggml.tokens and token_type are absent, empty, of unequal length or "
        "longer than 262144; export the model again");
  }
  entries_.reserve(texts->size());
  for (std::size_t id = 0; id < texts->size(); ++id) {
    const auto text = (*texts)[id];
    const auto type = (*types)[id];
    if (text.empty() || type < 1 || type > 5) {
      throw file.error("token " + std::to_string(id) + " is empty or of type " +
                       std::to_string(type) + "; types 1 to 5 are supported");
    }
    entry added{std::string(text), {}, static_cast<kind>(type)};
    if (added.type == kind::fragment) {
      added.piece = added.text;
    } else if (added.type == kind::normal && !decode_gpt2(text, added.piece)) {
      throw file.error("token " + std::to_string(id) +
                       " is not written in the GPT-2 alphabet; export the model again");
    }
    entries_.push_back(std::move(added));
  }
}

void tokenizer::index_bytes(const gguf_file& file) {
  byte_tokens_.assign(256, no_token);
  for (std::size_t id = 0; id < entries_.size(); ++id) {
    const auto& entry = entries_[id];
    if (entry.type != kind::normal || entry.piece.size() != 1) continue;
    byte_tokens_[static_cast<unsigned char>(entry.piece[0])] = static_cast<token_id>(id);
  }
  const auto missing = std::find(byte_tokens_.begin(), byte_tokens_.end(), no_token);
  if (missing != byte_tokens_.end()) {
    throw file.error("the vocabulary has no token for byte " +
                     std::to_string(missing - byte_tokens_.begin()) + "; export the model again");
  }
}

void tokenizer::order_fragments() {
  for (std::size_t id = 0; id < entries_.size(); ++id) {
    const auto type = entries_[id].type;
    if (type == kind::normal || type == kind::unused) continue;
    fragments_.push_back(static_cast<token_id>(id));
    longest_bytes_ = std::max(longest_bytes_, entries_[id].text.size());
  }
  // Unstable on purpose: llama.cpp sorts the same ids with the same call.
  std::sort(fragments_.begin(), fragments_.end(), [this](token_id a, token_id b) {
    return entries_[a].text.size() > entries_[b].text.size();
  });
}

token_id tokenizer::control_token(const gguf_file& file, std::string_view text) const {
  for (std::size_t id = 0; id < entries_.size(); ++id) {
    if (entries_[id].type == kind::control && entries_[id].text == text) {
      return static_cast<token_id>(id);
    }
  }
  throw file.error("the vocabulary has no control token '" + std::string(text) +
                   "'; export the model again");
}

encoded_text tokenizer::too_long(std::size_t bytes, std::size_t tokens_max) const {
  return {{},
          "the text of " + std::to_string(bytes) + " bytes needs more than the " +
              std::to_string(tokens_max) + " tokens that fit; shorten it"};
}

encoded_text tokenizer::encode(std::string_view text, control_tokens control,
                               std::size_t tokens_max) const {
  if (text.size() / longest_bytes_ > tokens_max) return too_long(text.size(), tokens_max);
  encoded_text out;
  append(text, control, out.ids);
  if (out.ids.size() > tokens_max) return too_long(text.size(), tokens_max);
  return out;
}

encoded_text tokenizer::encode_chat(std::span<const chat_message> messages, control_tokens control,
                                    std::size_t tokens_max) const {
  if (messages.empty()) return {{}, "the prompt has no messages; send at least one"};
  encoded_text out;
  for (const auto& message : messages) {
    if (message.role != "system" && message.role != "user" && message.role != "assistant") {
      return {{},
              "unknown role '" + message.role.substr(0, 64) + "'; use system, user or assistant"};
    }
    const auto role = message.role == "system" ? system_
                      : message.role == "user" ? user_
                                               : assistant_;
    auto content = encode(message.content, control, tokens_max);
    if (!content.error.empty()) return content;
    out.ids.push_back(role);
    out.ids.insert(out.ids.end(), content.ids.begin(), content.ids.end());
    out.ids.push_back(end_);
    // One more for the assistant's turn.
    if (out.ids.size() >= tokens_max) return too_long(message.content.size(), tokens_max);
  }
  out.ids.push_back(assistant_);
  return out;
}

void tokenizer::append(std::string_view text, control_tokens control,
                       std::vector<token_id>& out) const {
  std::vector<token_id> cut(text.size(), uncut);
  for (const auto id : fragments_) {
    if (control == control_tokens::as_text && entries_[id].type != kind::fragment) continue;
    const std::string_view fragment = entries_[id].text;
    auto at = text.find(fragment);
    while (at != std::string_view::npos) {
      const auto first = cut.begin() + static_cast<std::ptrdiff_t>(at);
      const auto last = first + static_cast<std::ptrdiff_t>(fragment.size());
      const bool is_free = std::all_of(first, last, [](token_id mark) { return mark == uncut; });
      if (is_free) {
        std::fill(first, last, inside);
        *first = id;
      }
      at = text.find(fragment, at + (is_free ? fragment.size() : 1));
    }
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (cut[i] == inside) continue;
    out.push_back(cut[i] == uncut ? byte_tokens_[static_cast<unsigned char>(text[i])] : cut[i]);
  }
}

std::string_view tokenizer::piece(token_id id) const {
  return id < entries_.size() ? std::string_view(entries_[id].piece) : std::string_view();
}

std::string tokenizer::decode(std::span<const token_id> ids) const {
  std::string out;
  for (const auto id : ids) out += piece(id);
  return out;
}

}  // namespace tandem::embedded
