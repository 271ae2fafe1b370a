#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actors/gateway/event_stream.hpp"
#include "actors/gateway/gateway.hpp"
#include "actors/openai/answer_writer.hpp"

namespace tandem {

/// The status of a request whose client left before its answer, as nginx counts it.
inline constexpr unsigned client_left = 499;

/// How a client's request ended, for its key, for metrics and traces.
struct request_end {
  /// Of HTTP; 499: the client left.
  unsigned status = 200;
  /// Null: it came to no end.
  const call_end* end = nullptr;
  std::string error;
  /// Of a job that another request began, and pays for.
  bool is_paid = false;
  /// Only what it cost, of a request that has ended before: its client left.
  bool is_late = false;
};

/// What one request to a model is made of. `done` is called once, on the gateway's thread, and once
/// more with what it has cost when its client left before that was known.
struct client_call_start {
  std::shared_ptr<gateway_box> gateway;
  std::shared_ptr<http_reply> reply;
  /// Null: the server's answer is passed on (embeddings).
  std::unique_ptr<answer_writer> writer;
  tmsg::attempt attempt;
  bool stream = false;
  event_stream::header_list headers;
  std::chrono::milliseconds pulse{0};
  std::function<void(const request_end&)> done;
};

/// One call to one model, from a client's request to its answer. An engine that fails before
/// anything of its answer went out is given up for another, once.
class client_call : public live_stream, public std::enable_shared_from_this<client_call> {
 public:
  explicit client_call(client_call_start start);
  /// Called on any thread; the rest happens in the gateway.
  static void begin(client_call_start start);

  void on_chunk(gateway_pointer self, schema::TextChunk::Reader chunk) override;
  void on_tick() override;

 private:
  using clock = std::chrono::steady_clock;

  void run(gateway_pointer self);
  void ask(gateway_pointer self);
  void on_result(gateway_pointer self, schema::AttemptResult::Reader result);
  [[nodiscard]] bool try_elsewhere(gateway_pointer self, schema::AttemptResult::Reader result);
  void succeed(const call_end& end);
  /// The rest of the answer, where chunks were lost; false: it cannot be told any more.
  [[nodiscard]] bool complete(std::string_view text, std::string& rest) const;
  /// What the result says, and what tries before it have used.
  [[nodiscard]] call_end all_of(schema::AttemptResult::Reader result) const;
  /// `end`: what it has used; null: nothing.
  void fail(errc code, std::string_view message, std::uint64_t retry_after_ms,
            const call_end* end = nullptr);
  void leave(gateway_pointer self);
  void finish(gateway_pointer self);

  client_call_start start_;
  event_stream events_;
  std::uint64_t number_ = 0;
  std::uint32_t tries_ = 0;
  /// Used by tries before this one.
  call_end before_;
  clock::time_point begun_ = clock::now();
  /// Of the chunk that comes next; chunks may be lost on their way, see TextChunk.number.
  std::uint32_t next_chunk_ = 0;
  bool has_gap_ = false;
  bool has_events_ = false;
  /// Of the text that was written: its bytes, and what they hash to (FNV-1a).
  std::size_t sent_ = 0;
  std::uint64_t sent_hash_ = 0;
  bool is_over_ = false;
};

/// An answer that says what is wrong, with `Retry-After` where that is known.
[[nodiscard]] http_response error_response(const openai_error& error,
                                           std::uint64_t retry_after_ms = 0);
/// What the client is told of a result.
[[nodiscard]] call_end read_call_end(schema::AttemptResult::Reader result);

}  // namespace tandem
