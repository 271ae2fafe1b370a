// llama.cpp's calls for weights, where it is a router.

#include <simdjson.h>

#include "actors/engine/http/weight_calls.hpp"

namespace tandem {
namespace {

using verdict = weight_call::verdict;

constexpr std::chrono::milliseconds look_pause{200};

struct model_state {
  std::string value;
  bool failed = false;
};

/// Of GET /models: `{"data":[{"id":"tiny","status":{"value":"loaded"}}]}`.
model_state state_of(std::string_view json, const std::string& model) {
  simdjson::dom::parser parser;
  simdjson::dom::array list;
  if (parser.parse(simdjson::padded_string{json})["data"].get(list) != simdjson::SUCCESS) return {};
  for (auto entry : list) {
    std::string_view id;
    if (entry["id"].get(id) != simdjson::SUCCESS || id != model) continue;
    std::string_view value;
    bool failed = false;
    if (entry["status"]["value"].get(value) != simdjson::SUCCESS) value = {};
    if (entry["status"]["failed"].get(failed) != simdjson::SUCCESS) failed = false;
    return {std::string{value}, failed};
  }
  return {};
}

/// Asks until the model is as `wanted`.
weight_call look_call(const std::string& model, const std::string& wanted) {
  return {.path = "/models",
          .body = {},
          .read =
              [model, wanted](int status, std::string_view body, weight_outcome& into) {
                if (status != 200) return refuse_weights("GET /models", status, body, into);
                auto state = state_of(body, model);
                if (state.value == wanted) return verdict::good;
                into.code = errc::engine_failed;
                into.error = "model '" + model + "' is " +
                             (state.value.empty() ? "not known to the router" : state.value);
                if (wanted == "loaded" && state.failed) {
                  into.error += ": loading it has failed, see the router's log";
                  return verdict::failed;
                }
                return state.value.empty() ? verdict::failed : verdict::again;
              },
          .pause = look_pause,
          .tries = 0};
}

weight_call unload_call(const std::string& model) {
  return {.path = "/models/unload",
          .body = json_of({{"model", model}}),
          .read = [](int status, std::string_view body, weight_outcome& into) {
            // 400: it was not loaded.
            if (status == 200 || status == 400) return verdict::good;
            return refuse_weights("POST /models/unload", status, body, into);
          }};
}

weight_call load_call(const std::string& model) {
  return {.path = "/models/load",
          .body = json_of({{"model", model}}),
          .read = [](int status, std::string_view body, weight_outcome& into) {
            if (status == 200 && json_flag(body, "success", true)) return verdict::good;
            return refuse_weights("POST /models/load", status, body, into);
          }};
}

}  // namespace

weight_calls llama_router_weight_calls(weight_step step, const std::string& model) {
  // A model that was unloaded has no cache left.
  if (step != weight_step::load) return {};
  return {unload_call(model), look_call(model, "unloaded"), load_call(model),
          look_call(model, "loaded")};
}

}  // namespace tandem
