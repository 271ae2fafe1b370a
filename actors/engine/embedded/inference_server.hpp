// Serves one model inside this process: requests go in from any thread, text comes back through
// callbacks. One compute thread does continuous batching: each iteration decodes one token for
// every active request and a chunk of prompt for those that are still being read, in one batch.
//
// Waiting requests are taken first come, first served. A finished request leaves its keys and
// values in its slot; a new one takes the free slot with the longest common prefix and computes
// only the rest. At rest the thread sleeps on a condition variable: nothing polls.
//
// Thread safety: every member may be called from any thread, callbacks included; only the
// destructor must not run inside a callback. Limits: server_options. Beyond them submit() refuses,
// with a text for people.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "actors/engine/embedded/llama_model.hpp"
#include "actors/engine/embedded/sampler.hpp"
#include "actors/engine/embedded/tokenizer.hpp"

namespace tandem::embedded {

struct server_options {
  std::uint32_t slots = 4;                              // requests computed at once; 1 to 64
  std::uint32_t queue_max = 256;                        // requests waiting; 1 to 65536
  std::uint32_t prefill_chunk = 64;                     // prompt tokens per iteration; 1 to 1024
  std::uint64_t kv_bytes_max = std::uint64_t{1} << 30;  // of all slots together
  model_limits limits;

  /// Why the options are unusable; empty when they are fine.
  std::string validate() const;
};

struct generation_request {
  std::uint64_t id = 0;  // the caller's; unique among those not yet done
  std::vector<chat_message> messages;
  std::uint32_t max_tokens = 256;  // at least 1; never generates past the context length
  sampling_options sampling;
  std::vector<std::string> stop;  // at most 4 texts of 1 to 256 bytes; none of them is given out
  bool ignore_end = false;        // writes on to max_tokens: for measuring
  control_tokens control = control_tokens::as_text;  // inside message contents
};

/// stop: end token or stop text. length: max_tokens or the context is used up.
enum class finish_reason { stop, length, cancelled, error };

struct generation_result {
  std::uint64_t id = 0;
  finish_reason finish = finish_reason::stop;
  std::uint32_t prompt_tokens = 0;
  std::uint32_t cached_prompt_tokens = 0;  // of these, not computed again
  std::uint32_t completion_tokens = 0;     // the end token included
  std::string weight_version;              // empty when the request never began
  std::vector<token_id> completion_ids;    // as many as completion_tokens
  std::string error;                       // only with finish_reason::error
};

/// Called from the compute thread, one at a time; must be quick and must not throw. on_done comes
/// exactly once for every accepted request, after its last on_text. A delta may end inside a UTF-8
/// sequence; the next one continues it.
struct generation_sink {
  std::function<void(std::string_view)> on_text;
  std::function<void(const generation_result&)> on_done;
};

enum class refusal { none, invalid, duplicate_id, queue_full, stopping };

struct submit_result {
  refusal reason = refusal::none;
  std::string text;  // what is wrong and how to mend it
  explicit operator bool() const { return reason == refusal::none; }
};

struct server_load {
  std::uint32_t active = 0;
  std::uint32_t queued = 0;
  std::uint64_t prompt_tokens_computed = 0;
  std::uint64_t prompt_tokens_cached = 0;
  std::uint64_t tokens_generated = 0;
  std::uint32_t context = 0;
  std::string weight_version;
};

class inference_server {
 public:
  /// Loads the model and starts the thread. `version` empty: the file's general.version.
  /// Throws gguf_error for an unusable file, std::invalid_argument for unusable options.
  explicit inference_server(const std::filesystem::path& weights,
                            const server_options& options = {}, std::string version = {});

  /// Stops after the iteration in progress; what is outstanding ends as cancelled.
  ~inference_server();

  inference_server(const inference_server&) = delete;
  inference_server& operator=(const inference_server&) = delete;

  /// Refused: no callback will be called. Accepted: on_done will.
  [[nodiscard]] submit_result submit(generation_request request, generation_sink sink);

  /// Ends the request as cancelled at the next iteration. False when the id is not outstanding.
  bool cancel(std::uint64_t id);

  /// Loads other weights of the same shape and vocabulary on the calling thread, then uses them for
  /// every request submitted after; those before finish on what there was. Cached
  /// prefixes of the old weights are dropped. Throws gguf_error and changes nothing if the file
  /// won't do.
  void swap_weights(const std::filesystem::path& weights, std::string version = {});

  server_load load() const;

  /// Stays the same over weight updates.
  const tokenizer& vocabulary() const { return tokenizer_; }

 private:
  struct weight_set {
    std::shared_ptr<const llama_model> model;
    std::string version;
  };
  struct job;
  struct slot;
  using job_ptr = std::unique_ptr<job>;
  using weights_ptr = std::shared_ptr<const weight_set>;
  struct loaded_file {
    tokenizer words;
    weights_ptr weights;
  };

  inference_server(loaded_file file, const server_options& options);
  static loaded_file load_file(const std::filesystem::path& path, const model_limits& limits,
                               std::string version);
  void run();
  bool wait_for_work();
  void end_cancelled();
  void drop_stale_prefixes();
  void admit();
  void start(slot& in, job_ptr next, weights_ptr weights);
  void compute();
  void compute_with(const weights_ptr& weights);
  void take_token(slot& of, token_id token);
  void finish(job_ptr done, finish_reason reason, std::string error = {});
  void finish(slot& of, finish_reason reason, std::string error = {});
  submit_result check(const generation_request& request) const;

  const server_options options_;
  const tokenizer tokenizer_;
  const llama_shape shape_;

  // The compute thread's alone.
  std::vector<std::unique_ptr<slot>> slots_;
  forward_scratch scratch_;
  std::uint64_t admissions_ = 0;

  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable wake_;
  std::deque<job_ptr> waiting_;
  std::unordered_map<std::uint64_t, bool> outstanding_;  // id -> to be cancelled
  weights_ptr current_;
  server_load load_;
  bool cancellations_ = false;
  bool swapped_ = false;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace tandem::embedded
