#include "actors/engine/embedded/inference_server.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tandem::embedded {

namespace {

constexpr std::size_t stops_max = 4;
constexpr std::size_t stop_bytes_max = 256;

/// Holds text back while it may still turn out to be the beginning of a stop text.
class stop_filter {
 public:
  explicit stop_filter(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  bool stopped() const { return stopped_; }

  /// What may go out after `piece`.
  std::string feed(std::string_view piece) {
    held_ += piece;
    std::size_t cut = std::string::npos;
    for (const auto& stop : stops_) cut = std::min(cut, held_.find(stop));
    stopped_ = cut != std::string::npos;
    if (!stopped_) cut = held_.size() - open_bytes();
    std::string out = held_.substr(0, cut);
    held_.erase(0, cut);
    return out;
  }

  /// What is left when generation ends for another reason.
  std::string flush() { return stopped_ ? std::string() : std::exchange(held_, {}); }

 private:
  /// Length of the longest end of held_ with which some stop text begins.
  std::size_t open_bytes() const {
    std::size_t open = 0;
    for (const auto& stop : stops_) {
      auto size = std::min(stop.size() - 1, held_.size());
      while (size > open && !held_.ends_with(std::string_view(stop).substr(0, size))) --size;
      open = std::max(open, size);
    }
    return open;
  }

  std::vector<std::string> stops_;
  std::string held_;
  bool stopped_ = false;
};

server_options checked(const server_options& options) {
  const auto problem = options.validate();
  if (!problem.empty()) throw std::invalid_argument("embedded server: " + problem);
  return options;
}

submit_result refuse(refusal reason, std::string text) {
  return {reason, std::move(text)};
}

}  // namespace

std::string server_options::validate() const {
  if (slots < 1 || slots > 64) return "slots must be 1 to 64";
  if (queue_max < 1 || queue_max > 65'536) return "queue_max must be 1 to 65536";
  if (prefill_chunk < 1 || prefill_chunk > 1'024) return "prefill_chunk must be 1 to 1024";
  return {};
}

struct inference_server::job {
  job(generation_request from, std::vector<token_id> ids, generation_sink to)
      : prompt(std::move(ids)),
        max_tokens(from.max_tokens),
        ignore_end(from.ignore_end),
        pick(from.sampling),
        filter(std::move(from.stop)),
        sink(std::move(to)) {
    result.id = from.id;
    result.prompt_tokens = static_cast<std::uint32_t>(prompt.size());
  }

  void give(const std::string& text) const {
    if (!text.empty() && sink.on_text) sink.on_text(text);
  }

  std::vector<token_id> prompt;
  std::uint32_t max_tokens;
  bool ignore_end;
  sampler pick;
  stop_filter filter;
  generation_sink sink;
  generation_result result;
  /// Those of its submission: whoever asked knew them.
  weights_ptr weights;
};

/// Room for one sequence. `sequence` is prompt and completion; the cache holds the first `computed`
/// of it.
struct inference_server::slot {
  explicit slot(const llama_shape& shape) : cache(shape) {}

  std::size_t left() const { return sequence.size() - computed; }

  std::size_t common_prefix(const std::vector<token_id>& prompt, const weights_ptr& wanted) const {
    if (weights != wanted) return 0;
    // The last prompt token is always computed: its logits are needed.
    const auto limit = static_cast<std::ptrdiff_t>(std::min(computed, prompt.size() - 1));
    return static_cast<std::size_t>(
        std::mismatch(prompt.begin(), prompt.begin() + limit, sequence.begin()).first -
        prompt.begin());
  }

  kv_cache cache;
  std::vector<token_id> sequence;
  std::size_t computed = 0;
  weights_ptr weights;
  std::uint64_t last_use = 0;
  job_ptr active;
};

inference_server::loaded_file inference_server::load_file(const std::filesystem::path& path,
                                                          const model_limits& limits,
                                                          std::string version) {
  const auto file = gguf_file::open(path);
  auto model = llama_model::load(file, limits);
  if (version.empty()) version = file.version();
  return {tokenizer(file),
          std::make_shared<weight_set>(weight_set{std::move(model), std::move(version)})};
}

inference_server::inference_server(const std::filesystem::path& weights,
                                   const server_options& options, std::string version)
    : inference_server(load_file(weights, checked(options).limits, std::move(version)), options) {}

inference_server::inference_server(loaded_file file, const server_options& options)
    : options_(options),
      tokenizer_(std::move(file.words)),
      shape_(file.weights->model->shape()),
      current_(std::move(file.weights)) {
  if (options_.slots * kv_cache::bytes(shape_) > options_.kv_bytes_max) {
    throw std::invalid_argument("embedded server: " + std::to_string(options_.slots) +
                                " slots of " + std::to_string(kv_cache::bytes(shape_)) +
                                " bytes exceed kv_bytes_max; use fewer slots or a shorter context");
  }
  for (std::uint32_t i = 0; i < options_.slots; ++i) {
    slots_.push_back(std::make_unique<slot>(shape_));
  }
  load_.context = shape_.context;
  thread_ = std::thread([this] { run(); });
}

inference_server::~inference_server() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

submit_result inference_server::check(const generation_request& request) const {
  const auto sampling = request.sampling.validate();
  if (!sampling.empty()) return refuse(refusal::invalid, sampling);
  if (request.max_tokens == 0) return refuse(refusal::invalid, "max_tokens must be at least 1");
  const bool stops_fine =
      request.stop.size() <= stops_max &&
      std::all_of(request.stop.begin(), request.stop.end(), [](const std::string& stop) {
        return !stop.empty() && stop.size() <= stop_bytes_max;
      });
  if (!stops_fine) {
    return refuse(refusal::invalid, "stop may hold at most 4 texts of 1 to 256 bytes");
  }
  return {};
}

submit_result inference_server::submit(generation_request request, generation_sink sink) {
  if (auto checked = check(request); !checked) return checked;
  auto prompt = tokenizer_.encode_chat(request.messages, request.control, shape_.context - 1);
  if (!prompt.error.empty()) return refuse(refusal::invalid, std::move(prompt.error));
  const auto id = request.id;
  auto added = std::make_unique<job>(std::move(request), std::move(prompt.ids), std::move(sink));
  const auto room = shape_.context - added->result.prompt_tokens;
  added->max_tokens = std::min(added->max_tokens, room);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return refuse(refusal::stopping, "the engine is stopping");
    if (waiting_.size() >= options_.queue_max) {
      return refuse(refusal::queue_full, std::to_string(options_.queue_max) +
                                             " requests are waiting already; try again later");
    }
    if (!outstanding_.emplace(id, false).second) {
      return refuse(refusal::duplicate_id,
                    "request id " + std::to_string(id) + " is in use; choose another");
    }
    added->weights = current_;
    waiting_.push_back(std::move(added));
  }
  wake_.notify_one();
  return {};
}

bool inference_server::cancel(std::uint64_t id) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = outstanding_.find(id);
    if (found == outstanding_.end()) return false;
    found->second = true;
    cancellations_ = true;
  }
  wake_.notify_one();
  return true;
}

void inference_server::swap_weights(const std::filesystem::path& weights, std::string version) {
  auto next = load_file(weights, options_.limits, std::move(version));
  if (next.weights->model->shape() != shape_) {
    throw gguf_error(weights.string() +
                     ": the model's shape differs from the one in use; start a new engine for it");
  }
  if (!next.words.same_vocabulary(tokenizer_)) {
    throw gguf_error(weights.string() +
                     ": the vocabulary differs from the one in use; start a new engine for it");
  }
  {
    const std::lock_guard lock(mutex_);
    current_ = std::move(next.weights);
    swapped_ = true;
  }
  wake_.notify_one();
}

server_load inference_server::load() const {
  const std::lock_guard lock(mutex_);
  auto out = load_;
  out.queued = static_cast<std::uint32_t>(waiting_.size());
  out.weight_version = current_->version;
  return out;
}

void inference_server::run() {
  while (wait_for_work()) {
    end_cancelled();
    drop_stale_prefixes();
    admit();
    compute();
  }
  for (const auto& each : slots_) {
    if (each->active) finish(*each, finish_reason::cancelled);
  }
  std::deque<job_ptr> left;
  {
    const std::lock_guard lock(mutex_);
    left.swap(waiting_);
  }
  for (auto& each : left) finish(std::move(each), finish_reason::cancelled);
}

bool inference_server::wait_for_work() {
  const bool busy = std::any_of(slots_.begin(), slots_.end(),
                                [](const auto& each) { return each->active != nullptr; });
  std::unique_lock lock(mutex_);
  wake_.wait(lock,
             [&] { return busy || stopping_ || cancellations_ || swapped_ || !waiting_.empty(); });
  return !stopping_;
}

void inference_server::end_cancelled() {
  std::vector<slot*> cancelled;
  std::vector<job_ptr> never_began;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(cancellations_, false)) return;
    for (const auto& each : slots_) {
      if (each->active && outstanding_.at(each->active->result.id)) cancelled.push_back(each.get());
    }
    std::deque<job_ptr> kept;
    for (auto& each : waiting_) {
      if (outstanding_.at(each->result.id)) {
        never_began.push_back(std::move(each));
      } else {
        kept.push_back(std::move(each));
      }
    }
    waiting_.swap(kept);
  }
  for (auto* each : cancelled) finish(*each, finish_reason::cancelled);
  for (auto& each : never_began) finish(std::move(each), finish_reason::cancelled);
}

void inference_server::drop_stale_prefixes() {
  weights_ptr current;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(swapped_, false)) return;
    current = current_;
  }
  // Idle slots would otherwise keep the old weights in memory.
  for (const auto& each : slots_) {
    if (each->active || each->weights == current) continue;
    each->weights.reset();
    each->sequence.clear();
    each->computed = 0;
  }
}

void inference_server::admit() {
  for (;;) {
    const auto is_free = [](const auto& each) { return each->active == nullptr; };
    if (std::none_of(slots_.begin(), slots_.end(), is_free)) return;
    job_ptr next;
    weights_ptr weights;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty()) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
      weights = std::move(next->weights);
      ++load_.active;
    }
    slot* best = nullptr;
    std::size_t best_prefix = 0;
    for (const auto& each : slots_) {
      if (!is_free(each)) continue;
      const auto prefix = each->common_prefix(next->prompt, weights);
      const bool better = best == nullptr || prefix > best_prefix ||
                          (prefix == best_prefix && each->last_use < best->last_use);
      if (better) {
        best = each.get();
        best_prefix = prefix;
      }
    }
    next->result.cached_prompt_tokens = static_cast<std::uint32_t>(best_prefix);
    start(*best, std::move(next), std::move(weights));
  }
}

void inference_server::start(slot& in, job_ptr next, weights_ptr weights) {
  in.computed = next->result.cached_prompt_tokens;
  in.sequence = next->prompt;
  in.weights = std::move(weights);
  in.last_use = ++admissions_;
  next->result.weight_version = in.weights->version;
  in.active = std::move(next);
  const std::lock_guard lock(mutex_);
  load_.prompt_tokens_cached += in.computed;
  load_.prompt_tokens_computed += in.left();
}

void inference_server::compute() {
  // After an update some requests still run on the old weights: one batch for each set in use.
  std::vector<weights_ptr> sets;
  for (const auto& each : slots_) {
    if (each->active && std::find(sets.begin(), sets.end(), each->weights) == sets.end()) {
      sets.push_back(each->weights);
    }
  }
  for (const auto& weights : sets) {
    try {
      compute_with(weights);
    } catch (const std::exception& problem) {
      for (const auto& each : slots_) {
        if (!each->active || each->weights != weights) continue;
        each->computed = 0;
        finish(*each, finish_reason::error, problem.what());
      }
    }
  }
}

void inference_server::compute_with(const weights_ptr& weights) {
  std::vector<slot*> members;
  for (const auto& each : slots_) {
    if (each->active && each->weights == weights) members.push_back(each.get());
  }
  // Those that decode go first and always; prompts share the chunk, the longest-waiting first.
  std::sort(members.begin(), members.end(), [](const slot* a, const slot* b) {
    return std::pair(a->left() > 1, a->last_use) < std::pair(b->left() > 1, b->last_use);
  });
  std::vector<batch_row> rows;
  std::vector<slot*> finished_reading;
  std::size_t chunk = options_.prefill_chunk;
  for (auto* each : members) {
    const auto count = each->left() == 1 ? 1 : std::min(each->left(), chunk);
    if (each->left() > 1) chunk -= count;
    for (std::size_t i = 0; i < count; ++i, ++each->computed) {
      rows.push_back({&each->cache, static_cast<std::uint32_t>(each->computed),
                      each->sequence[each->computed], each->left() == 1});
    }
    if (each->left() == 0) finished_reading.push_back(each);
  }
  weights->model->forward(rows, scratch_);
  for (std::size_t i = 0; i < finished_reading.size(); ++i) {
    auto& of = *finished_reading[i];
    const std::span<const float> logits(scratch_.logits.data() + i * shape_.vocabulary,
                                        shape_.vocabulary);
    take_token(of, of.active->pick.pick(logits));
  }
}

void inference_server::take_token(slot& of, token_id token) {
  auto& result = of.active->result;
  result.completion_ids.push_back(token);
  ++result.completion_tokens;
  {
    const std::lock_guard lock(mutex_);
    ++load_.tokens_generated;
  }
  if (token == tokenizer_.end_token() && !of.active->ignore_end)
    return finish(of, finish_reason::stop);
  of.sequence.push_back(token);
  of.active->give(of.active->filter.feed(tokenizer_.piece(token)));
  if (of.active->filter.stopped()) return finish(of, finish_reason::stop);
  if (result.completion_tokens == of.active->max_tokens) finish(of, finish_reason::length);
}

void inference_server::finish(slot& of, finish_reason reason, std::string error) {
  of.sequence.resize(of.computed);
  {
    const std::lock_guard lock(mutex_);
    --load_.active;
    // The slot may hold a prefix of older weights, which nobody can use.
    if (of.weights != current_) swapped_ = true;
  }
  finish(std::move(of.active), reason, std::move(error));
}

void inference_server::finish(job_ptr done, finish_reason reason, std::string error) {
  done->give(done->filter.flush());
  done->result.finish = reason;
  done->result.error = std::move(error);
  {
    const std::lock_guard lock(mutex_);
    outstanding_.erase(done->result.id);
  }
  if (done->sink.on_done) done->sink.on_done(done->result);
}

}  // namespace tandem::embedded
