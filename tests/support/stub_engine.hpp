#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::test {

/// A request as the stub read it. The views end with the handler that is given it.
struct stub_request {
  /// Chat requests only, from 1.
  std::uint64_t number = 0;
  std::string_view method;
  std::string_view path;
  /// After `?`.
  std::string_view query;
  /// The header lines, each with its line end.
  std::string_view headers;
  std::string_view body;
  /// Of a chat request's body; the last system and the last user message.
  std::string_view model;
  std::string_view system;
  std::string_view user;
  std::uint32_t max_tokens = 0;
  bool stream = false;
  bool include_usage = false;
  bool has_schema = false;

  /// Without surrounding blanks; empty when there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

/// What is done after the pieces that an answer names.
enum class stub_end {
  /// As a good server does: finish_reason, usage, [DONE]; the connection stays.
  normal,
  /// All that, but [DONE]; the connection is closed.
  no_done,
  /// Nothing more; the connection stays open until the client leaves.
  stall,
  /// Closed, or reset, where it stands.
  close,
  reset,
  /// An error event in a stream, a 500 otherwise; then closed. `body` is the event's JSON.
  error_event,
  /// `body` again and again, for as long as the client reads.
  endless,
};

/// How one request is answered. The named functions make the usual ones; every field may be
/// changed.
struct stub_answer {
  int status = 200;
  /// More header lines, each with its line end.
  std::string headers;
  /// Not a chat answer, but this, with `content_type`.
  std::optional<std::string> body;
  std::string content_type = "application/json";
  /// The whole response, byte for byte; `end` follows it, and `normal` closes after it.
  std::optional<std::string> raw;

  /// A chat answer: streamed when the request asks for it. Bytes go out as they are, sound UTF-8 or
  /// not.
  std::string text;
  /// Pieces that the text is streamed in; completion_tokens. 0: one piece, four bytes to a token.
  std::uint32_t tokens = 0;
  /// 0: all at once.
  double tokens_per_s = 0;
  /// Before the first byte.
  std::chrono::microseconds first_token{0};
  std::string finish_reason = "stop";
  /// The JSON value of `usage`, as it is; empty: none. Absent: as counted.
  std::optional<std::string> usage;
  /// Not streamed although asked for.
  bool always_plain = false;

  stub_end end = stub_end::normal;
  /// Pieces before `end`, when that is not `normal`.
  std::uint32_t after_tokens = 0;
  /// Nothing beyond so many bytes of the response: `end`, by default `close`, follows.
  std::optional<std::size_t> cut_bytes;

  [[nodiscard]] static stub_answer say(std::string text, std::uint32_t tokens = 0,
                                       double tokens_per_s = 0);
  [[nodiscard]] static stub_answer error(int status, std::string body, std::string headers = {});
  [[nodiscard]] static stub_answer bytes(std::string raw, stub_end end = stub_end::normal);
  /// Closes the connection without a byte.
  [[nodiscard]] static stub_answer hang_up();
  [[nodiscard]] static stub_answer never();
};

using stub_handler = std::function<stub_answer(const stub_request&)>;

/// Answers plan requests (system message `plan`) by `plan` and all others by `step`, each from the
/// last user message.
[[nodiscard]] stub_handler plan_act(std::function<std::string(std::string_view)> plan,
                                    std::function<std::string(std::string_view)> step);
/// A plan as JSON with these layers: each step of a layer needs every step of the one before.
[[nodiscard]] std::string layered_plan(std::initializer_list<unsigned> layers);

/// Which server it pretends to be: its own paths, answers and refusals (reference: their sources,
/// 2026).
enum class stub_kind { openai, llama_cpp, sglang, vllm };

struct stub_options {
  stub_kind kind = stub_kind::openai;
  /// 0: any free one.
  std::uint16_t port = 0;
  std::string model = "stub";
  std::string weight_version = "1";
  std::uint32_t context_tokens = 4096;
  /// llama.cpp's slots.
  std::uint32_t slots = 4;
  /// Not empty: 401 without it, but for /health.
  std::string api_key;
  /// A chat request for another model is a 404, as vLLM and providers have it.
  bool check_model = false;
  /// llama.cpp only with --metrics, others always.
  bool metrics = true;
  /// After so many answers, the next request on the connection finds it closed; 0: any number.
  std::uint32_t answers_per_connection = 0;
  /// Count requests by their last user message (asked()); off for benches.
  bool count_prompts = true;
};

struct stub_counts {
  /// Chat requests read.
  std::uint64_t requests = 0;
  std::uint64_t other_requests = 0;
  std::uint64_t connections = 0;
  std::uint64_t connections_open = 0;
  /// Chat requests whose answer is not over: neither written, nor left by the client.
  std::uint64_t open = 0;
  std::uint64_t open_max = 0;
  /// The client left before the end.
  std::uint64_t cancelled = 0;
  /// The stub itself cut, reset or was stopped.
  std::uint64_t cut = 0;
  std::uint64_t tokens_written = 0;
};

enum class stub_accept {
  normal,
  /// Closed, or reset, as soon as accepted.
  close,
  reset,
  /// Accepted, never read.
  ignore,
};

/// An OpenAI-compatible server that says what a test wants, on 127.0.0.1, in a thread of its own.
/// Handlers run on that thread; every other function may be called from any thread.
///   stub_engine stub;
///   stub.push(stub_answer::error(503, "{}", "Retry-After: 1\r\n"));
///   stub.set_handler([](const stub_request& r) { return stub_answer::say("42", 2); });
class stub_engine {
 public:
  /// Throws when the port cannot be had. `handler` answers from the first connection on.
  explicit stub_engine(stub_options options = {}, stub_handler handler = {});
  ~stub_engine();
  stub_engine(const stub_engine&) = delete;
  stub_engine& operator=(const stub_engine&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  /// http://127.0.0.1:PORT
  [[nodiscard]] std::string url() const;

  /// For chat requests that nothing was pushed for. At first: the user message itself.
  void set_handler(stub_handler handler);
  /// For the next chat request; first pushed, first used.
  void push(stub_answer answer);
  /// Whatever is asked at `path` (without query) is answered so; also paths of the chosen kind.
  void set_path(std::string path, stub_answer answer);
  void clear_path(const std::string& path);
  /// 503 `Loading model` everywhere, as llama.cpp while it starts.
  void set_loading(bool on);
  /// Another model, another weight version: from the next request on.
  void set_model(std::string name, std::string weight_version);
  void set_accept(stub_accept how);

  /// Closes the connections that wait for their next request.
  void close_idle();
  /// Closes everything; connecting is refused.
  void stop();
  /// Listens again, on the same port. Throws when it cannot be had.
  void start();

  [[nodiscard]] stub_counts counts();
  /// How many chat requests had exactly this last user message.
  [[nodiscard]] std::uint64_t asked(const std::string& user);
  /// Whether `seen` came true of the counts within `limit`.
  [[nodiscard]] bool wait(std::function<bool(const stub_counts&)> seen,
                          std::chrono::milliseconds limit = std::chrono::seconds{20});

 private:
  class loop;
  std::unique_ptr<loop> loop_;
};

}  // namespace tandem::test
