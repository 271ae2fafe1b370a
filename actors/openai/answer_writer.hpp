#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "actors/openai/client_chat.hpp"
#include "schema/attempt.capnp.h"

namespace tandem {

/// How a call or a job ended well, as its client is told.
struct call_end {
  std::string text;
  schema::Finish finish = schema::Finish::STOP;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t cached_prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  /// Calls to models that were made for it.
  std::uint32_t calls = 0;
  std::int64_t cost_nanousd = 0;
  std::int64_t cost_all_large_nanousd = 0;
  std::int64_t saved_nanousd = 0;
  std::uint32_t cache_hits = 0;
  /// What answered; of a job, empty.
  std::string model;
  std::string tier;
  std::string engine;
  std::string weight_version;
  /// Of a job: its id.
  std::string job;
  std::uint64_t decision = 0;
  /// 0: no cache; 1 to 3.
  std::uint8_t cache_level = 0;
  bool simulated = false;
  std::uint64_t first_token_us = 0;
  std::uint64_t total_us = 0;
  /// Of a call that was passed on: the server's own answer, a JSON object. Empty: `text` is all.
  std::string body;
};

/// Writes one answer in the words of one dialect: whole, or as server-sent events. Pure. Each
/// function returns bytes that go to the client as they are; a part of a character at a chunk's end
/// is held back until the rest comes.
class answer_writer {
 public:
  answer_writer() = default;
  answer_writer(const answer_writer&) = delete;
  answer_writer& operator=(const answer_writer&) = delete;
  virtual ~answer_writer() = default;

  /// The whole answer: a JSON object with `usage` and the extension object `tandem`.
  [[nodiscard]] virtual std::string whole(const call_end& end) = 0;

  /// First; the events that begin a stream.
  [[nodiscard]] virtual std::string begin() = 0;
  [[nodiscard]] virtual std::string text(std::string_view piece) = 0;
  /// Progress of a job, as reasoning content.
  [[nodiscard]] virtual std::string reasoning(std::string_view piece) = 0;
  /// A chunk of a server's own stream, as it came: the data of one event. Empty: nothing of it is
  /// for the client (a usage chunk that it did not ask for).
  [[nodiscard]] virtual std::string event(std::string_view data) = 0;
  /// Last: what is left of the text, the finish reason, usage, `[DONE]`. `end.text` is not written
  /// unless no text went out before.
  [[nodiscard]] virtual std::string end(const call_end& end) = 0;
  /// Last, instead of end(): an error in mid-stream.
  [[nodiscard]] virtual std::string fail(const openai_error& error) = 0;
};

/// `id`: unique, without its prefix. `created_s`: Unix time. `model`: as the request named it.
[[nodiscard]] std::unique_ptr<answer_writer> make_answer_writer(const client_chat& request,
                                                                std::string_view id,
                                                                std::uint64_t created_s);

/// `{"object":"list","data":[...]}` of one built-in embedding (for models that Tandem computes
/// itself). A server's answer is passed on as it is, but for `tandem`.
[[nodiscard]] std::string with_extension(std::string_view object, const call_end& end);

}  // namespace tandem
