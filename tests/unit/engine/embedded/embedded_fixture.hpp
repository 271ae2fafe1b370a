// What the embedded engine's tests share: where the data lies, goldens, and a sink that collects.
#pragma once

#include <simdjson.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actors/engine/embedded/inference_server.hpp"

namespace tandem::embedded::testing {

inline std::filesystem::path model_path(const std::string& name) {
  return std::filesystem::path(TANDEM_SOURCE_DIR) / "config" / "models" / (name + ".gguf");
}

inline std::filesystem::path golden_path(const std::string& name) {
  return std::filesystem::path(TANDEM_SOURCE_DIR) / "tests" / "data" / "goldens" /
         (name + ".jsonl");
}

/// Calls `use` with each line of a golden file as a simdjson::dom::element.
template <class Use>
void for_each_golden(const std::string& name, Use use) {
  simdjson::dom::parser parser;
  for (auto line : parser.load_many(golden_path(name).string())) use(line.value());
}

inline std::vector<token_id> ids_of(simdjson::dom::element array) {
  std::vector<token_id> out;
  for (auto id : array.get_array()) out.push_back(static_cast<token_id>(id.get_uint64().value()));
  return out;
}

inline std::string text_of(simdjson::dom::element value) {
  return std::string(value.get_string().value());
}

inline std::vector<chat_message> messages_of(simdjson::dom::element array) {
  std::vector<chat_message> out;
  for (auto message : array.get_array()) {
    out.push_back({text_of(message["role"]), text_of(message["content"])});
  }
  return out;
}

inline std::vector<chat_message> chat(const std::string& mode, const std::string& user) {
  return {{"system", mode}, {"user", user}};
}

struct answer {
  std::string text;
  generation_result result;
};

/// A sink whose answer can be waited for.
class collector {
 public:
  collector() : state_(std::make_shared<state>()), answer_(state_->done.get_future()) {}

  /// `on_first_text` runs on the compute thread when the first text arrives.
  generation_sink sink(std::function<void()> on_first_text = {}) {
    generation_sink out;
    out.on_text = [state = state_, first = std::move(on_first_text)](std::string_view delta) {
      const bool is_first = state->collected.text.empty();
      state->collected.text += delta;
      if (is_first && first) first();
    };
    out.on_done = [state = state_](const generation_result& result) {
      state->collected.result = result;
      state->done.set_value(state->collected);
    };
    return out;
  }

  answer get() { return answer_.get(); }

 private:
  struct state {
    answer collected;
    std::promise<answer> done;
  };
  std::shared_ptr<state> state_;
  std::future<answer> answer_;
};

inline generation_request ask(std::uint64_t id, std::vector<chat_message> messages) {
  generation_request out;
  out.id = id;
  out.messages = std::move(messages);
  return out;
}

/// One request at a time: submits and waits.
inline answer generate(inference_server& server, generation_request request) {
  collector collected;
  const auto submitted = server.submit(std::move(request), collected.sink());
  if (!submitted) return {"", {0, finish_reason::error, 0, 0, 0, "", {}, submitted.text}};
  return collected.get();
}

}  // namespace tandem::embedded::testing
