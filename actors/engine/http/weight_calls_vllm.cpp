// vLLM's calls for weights.

#include "actors/engine/http/weight_calls.hpp"

namespace tandem {
namespace {

using verdict = weight_call::verdict;

constexpr std::uint32_t reset_tries = 5;
constexpr std::chrono::milliseconds reset_pause{500};

verdict refuse(const std::string& what, int status, std::string_view body, weight_outcome& into) {
  if (status != 404) return refuse_weights(what, status, body, into);
  into.code = errc::invalid_argument;
  into.error = what +
               " is missing there (404): vLLM has it in development mode only; start it with "
               "VLLM_SERVER_DEV_MODE=1";
  return verdict::failed;
}

weight_call simple_call(const std::string& path, std::string body) {
  auto what = "POST " + path.substr(0, path.find('?'));
  return {.path = path,
          .body = std::move(body),
          .read = [what](int status, std::string_view answer, weight_outcome& into) {
            if (status == 200) return verdict::good;
            return refuse(what, status, answer, into);
          }};
}

weight_call reset_call() {
  return {.path = "/reset_prefix_cache",
          .body = "{}",
          .read =
              [](int status, std::string_view body, weight_outcome& into) {
                if (status != 200) return refuse("POST /reset_prefix_cache", status, body, into);
                // Older ones answer with nothing, and have done it.
                if (json_flag(body, "success", true)) return verdict::good;
                into.code = errc::engine_failed;
                into.error = "POST /reset_prefix_cache was refused (success: false)";
                return verdict::again;
              },
          .pause = reset_pause,
          .tries = reset_tries};
}

weight_call info_call() {
  return {.path = "/weight_info",
          .body = {},
          .read = [](int status, std::string_view body, weight_outcome& into) {
            if (status != 200) return refuse("GET /weight_info", status, body, into);
            into.version = json_text(body, "weight_version");
            if (!into.version.empty()) return verdict::good;
            into.code = errc::engine_failed;
            into.error = "GET /weight_info does not say its weight_version";
            return verdict::failed;
          }};
}

weight_call resume_call() {
  auto call = simple_call("/resume", "{}");
  call.read = [](int status, std::string_view body, weight_outcome& into) {
    // Without the call nothing was paused.
    if (status == 200 || status == 404) return verdict::good;
    return refuse("POST /resume", status, body, into);
  };
  return call;
}

}  // namespace

weight_calls vllm_weight_calls(weight_step step, const weight_target& target) {
  switch (step) {
    case weight_step::load:
      return {simple_call("/pause?mode=wait&clear_cache=true", "{}"),
              simple_call("/collective_rpc", R"({"method":"reload_weights","kwargs":)" +
                                                 json_of({{"weights_path", target.path.string()}}) +
                                                 "}"),
              simple_call("/update_weight_version", json_of({{"new_version", target.version}}))};
    case weight_step::flush:
      return {reset_call()};
    case weight_step::check:
      return {info_call()};
    case weight_step::resume:
      return {resume_call()};
    default:
      return {};
  }
}

}  // namespace tandem
