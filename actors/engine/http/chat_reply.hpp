#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "actors/engine/backend.hpp"
#include "actors/engine/http/http_status.hpp"

namespace tandem {

/// What the server's answer to one chat request says, piece by piece. Pure. Invalid UTF-8 is
/// replaced; anything else that is wrong fails the answer with a text that says what.
class chat_reply {
 public:
  /// `context_tokens` 0: not known. `key_source`: see judge_status().
  chat_reply(const generation_request& request, std::uint32_t context_tokens,
             std::string_view key_source);

  enum class state {
    more,
    /// All of it came: result().
    done,
    /// See verdict().
    failed,
  };
  struct news {
    state now = state::more;
    /// New text; valid until the next call.
    std::string_view text;
    /// A token came, shown or not, or the end.
    bool progressed = false;
  };

  /// The data of one event: a chunk, an error, or `[DONE]`.
  [[nodiscard]] news read_event(std::string_view data);
  /// A whole answer of a server that does not stream.
  [[nodiscard]] news read_answer(std::string_view json);
  /// The answer of /v1/embeddings.
  [[nodiscard]] news read_vectors(std::string_view json);
  /// The response ended without an error of HTTP, and done() was not reached: why it failed.
  [[nodiscard]] http_verdict cut_verdict() const;

  [[nodiscard]] const http_verdict& verdict() const { return verdict_; }
  /// A good answer. `error` says so if its usage is an estimate because what the server said cannot
  /// be true.
  [[nodiscard]] generation result() &&;
  /// A failed or cancelled one, with what it had cost by then.
  [[nodiscard]] generation result(errc code, std::string error) &&;

 private:
  struct usage {
    std::uint64_t prompt = 0;
    std::uint64_t cached = 0;
    std::uint64_t completion = 0;
  };
  struct reader;

  [[nodiscard]] news fail(errc code, std::string text);
  [[nodiscard]] news finish();
  /// Empty: believed.
  [[nodiscard]] std::string doubt(const usage& said) const;
  [[nodiscard]] usage estimate() const;
  void write_usage(generation& out) const;

  std::uint64_t prompt_bytes_ = 0;
  std::uint64_t messages_ = 0;
  /// Of a client's own request: its tools and images are read too.
  std::uint64_t passed_bytes_ = 0;
  /// Of all that it asks for.
  std::uint64_t max_tokens_;
  std::uint32_t completions_;
  std::uint32_t context_tokens_;
  std::string key_source_;

  std::string text_;
  /// Pieces with something in them, of all choices: text, thoughts, calls of tools.
  std::uint64_t deltas_ = 0;
  /// What was written beside the text.
  std::uint64_t beside_bytes_ = 0;
  schema::Finish finish_ = schema::Finish::UNKNOWN;
  bool has_choice_ = false;
  bool has_progressed_ = false;
  usage usage_;
  bool has_usage_ = false;
  /// Why the usage that came was not even read.
  std::string usage_doubt_;
  http_verdict verdict_;
};

}  // namespace tandem
