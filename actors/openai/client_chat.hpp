#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "actors/openai/openai_error.hpp"
#include "schema/job.capnp.h"

namespace tandem {

/// The extension object `tandem` of a request: what OpenAI's interface has no words for.
struct tandem_options {
  /// Of model `tandem`: it plans and acts unless another way is said.
  schema::PlanMode mode = schema::PlanMode::PLAN_ACT;
  std::string check_kind;
  std::string check_argument;
  std::uint64_t budget_tokens = 0;
  std::int64_t budget_nanousd = 0;
  std::int8_t priority = 0;
  std::uint64_t timeout_ms = 0;
  std::vector<std::string> tags;
  /// Calls of one session go to the engine that had the last one.
  std::string session;
  schema::CacheUse cache = schema::CacheUse::UNKNOWN;
  schema::WeightPolicy weights = schema::WeightPolicy::UNKNOWN;
  /// The job goes on when its client leaves.
  bool background = false;
  /// Idempotence, as the header `Idempotency-Key`.
  std::string client_key;
  /// While a job runs, its progress is streamed as reasoning content.
  bool progress = true;
};

struct client_turn {
  schema::Role role = schema::Role::UNKNOWN;
  /// Text parts, joined. Other parts (images, audio) are in the body alone.
  std::string text;
};

enum class client_dialect : std::uint8_t { chat, responses };

/// A request to /v1/chat/completions or /v1/responses, read and checked.
struct client_chat {
  client_dialect dialect = client_dialect::chat;
  std::string model;
  bool stream = false;
  bool include_usage = false;
  std::vector<client_turn> turns;
  /// 0: not said. `max_completion_tokens`, `max_tokens`, `max_output_tokens`.
  std::uint32_t max_tokens = 0;
  /// Nothing: as the server likes.
  std::optional<float> temperature;
  float top_p = 1;
  std::uint32_t top_k = 0;
  std::optional<std::uint64_t> seed;
  /// Of `response_format` (or `text.format`) json_schema; the schema alone, as JSON.
  std::string response_schema;
  /// Needs more than the fields above can say (tools, images, `n`, `logprobs`, `stop`, ...): the
  /// request as a chat completion that an OpenAI-compatible server takes, without `model`,
  /// `stream`, `stream_options` and `tandem`. Empty: the fields above say all of it.
  std::string body;
  /// Which of its fields made it so: `tools`, `n`, ...; for the error of a model that cannot.
  std::vector<std::string> needs;
  tandem_options options;
  /// Fields that nobody knows: accepted, and named in a warning. At most 16, each of letters,
  /// digits and `_.[]-` (anything else is `?`) and under 80 bytes: fit for a header.
  std::vector<std::string> unknown;
  /// Of a response: what its answer repeats of the request (`instructions`, `tools`, ...), as the
  /// members of a JSON object. For the writer alone.
  std::string echo;
};

struct client_embeddings {
  std::string model;
  std::vector<std::string> inputs;
  /// As an OpenAI-compatible server takes it, without `model` and `tandem`.
  std::string body;
  std::vector<std::string> unknown;
};

struct client_limits {
  std::size_t messages_max = 4096;
  std::size_t depth_max = 64;
  std::size_t inputs_max = 2048;
};

/// Never throws; any bytes. Errors are 400 with the field's path in `param`.
[[nodiscard]] std::variant<client_chat, openai_error> read_client_chat(
    std::string_view json, client_dialect dialect, const client_limits& limits = {});
[[nodiscard]] std::variant<client_embeddings, openai_error> read_client_embeddings(
    std::string_view json, const client_limits& limits = {});
/// The options of a job's request: `json` is the whole request, in which they lie beside `goal` and
/// `messages`; those two are left to the caller. `param` has no prefix here.
[[nodiscard]] std::variant<tandem_options, openai_error> read_tandem_options(std::string_view json);

}  // namespace tandem
