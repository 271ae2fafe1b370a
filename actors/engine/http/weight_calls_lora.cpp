// Adapters that requests name: the weights beneath stay as they are.

#include <simdjson.h>

#include "actors/engine/http/weight_calls.hpp"

namespace tandem {
namespace {

using verdict = weight_call::verdict;

verdict refuse(const std::string& what, server_kind kind, int status, std::string_view body,
               weight_outcome& into) {
  if (status != 404) return refuse_weights(what, status, body, into);
  into.code = errc::invalid_argument;
  into.error = what + " is missing there (404): " +
               (kind == server_kind::vllm
                    ? "start vLLM with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1"
                    : "start SGLang with --enable-lora");
  return verdict::failed;
}

std::string path_of(server_kind kind, const std::string& what) {
  return (kind == server_kind::vllm ? "/v1/" : "/") + what + "_lora_adapter";
}

weight_call load_call(server_kind kind, const std::string& name, const std::string& path) {
  auto where = path_of(kind, "load");
  return {.path = where,
          .body = json_of({{"lora_name", name}, {"lora_path", path}}),
          .read = [kind, where](int status, std::string_view body, weight_outcome& into) {
            if (status == 200 && json_flag(body, "success", true)) return verdict::good;
            // It has it from an earlier try.
            if (status == 400 && body.find("already") != body.npos) return verdict::good;
            return refuse("POST " + where, kind, status, body, into);
          }};
}

weight_call unload_call(server_kind kind, const std::string& name) {
  return {.path = path_of(kind, "unload"),
          .body = json_of({{"lora_name", name}}),
          .read = [](int, std::string_view, weight_outcome&) {
            // It is one that nobody names any more; it may be gone.
            return verdict::good;
          }};
}

/// llama-server has adapters from its start on, and knows them by number.
weight_call find_call(const std::string& path) {
  auto wanted = path.substr(path.find_last_of('/') + 1);
  return {.path = "/lora-adapters",
          .body = {},
          .read = [wanted](int status, std::string_view body, weight_outcome& into) {
            if (status != 200) return refuse_weights("GET /lora-adapters", status, body, into);
            simdjson::dom::parser parser;
            simdjson::dom::array list;
            if (parser.parse(simdjson::padded_string{body}).get(list) == simdjson::SUCCESS) {
              for (auto entry : list) {
                std::string_view file;
                std::uint64_t id = 0;
                if (entry["path"].get(file) != simdjson::SUCCESS ||
                    entry["id"].get(id) != simdjson::SUCCESS)
                  continue;
                if (file.substr(file.find_last_of('/') + 1) != wanted) continue;
                into.detail = std::to_string(id);
                return verdict::good;
              }
            }
            into.code = errc::invalid_argument;
            into.error = "llama-server has no adapter '" + wanted +
                         "'; start it with --lora-init-without-apply and --lora of each version";
            return verdict::failed;
          }};
}

}  // namespace

weight_calls lora_weight_calls(server_kind kind, const weight_target& target,
                               const std::string& name, const std::string& outdated) {
  if (kind == server_kind::llama_cpp) return {find_call(target.path.string())};
  weight_calls calls;
  if (!outdated.empty()) calls.push_back(unload_call(kind, outdated));
  calls.push_back(load_call(kind, name, target.path.string()));
  return calls;
}

}  // namespace tandem
