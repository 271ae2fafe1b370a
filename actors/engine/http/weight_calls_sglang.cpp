// SGLang's calls for weights.

#include "actors/engine/http/http_status.hpp"
#include "actors/engine/http/weight_calls.hpp"

namespace tandem {
namespace {

using verdict = weight_call::verdict;

constexpr std::uint32_t flush_tries = 5;
constexpr std::chrono::milliseconds flush_pause{500};
constexpr std::size_t checksum_bytes_max = 300;

weight_call pause_call() {
  // in_place would keep what the old weights have read, and no flush would succeed.
  return {.path = "/pause_generation",
          .body = json_of({{"mode", "retract"}}),
          .read = [](int status, std::string_view body, weight_outcome& into) {
            if (status == 200) return verdict::good;
            return refuse_weights("POST /pause_generation", status, body, into);
          }};
}

weight_call load_call(const weight_target& target) {
  auto body = json_of({{"model_path", target.path.string()}, {"weight_version", target.version}});
  body.pop_back();
  // Its default is to abort everything in flight. Whether it was paused is for `resume` to end.
  body += R"(,"abort_all_requests":false,"flush_cache":true,"keep_pause":true})";
  return {.path = "/update_weights_from_disk",
          .body = std::move(body),
          .read = [](int status, std::string_view answer, weight_outcome& into) {
            if (status == 200 && json_flag(answer, "success", false)) return verdict::good;
            return refuse_weights("POST /update_weights_from_disk", status, answer, into);
          }};
}

weight_call flush_call() {
  return {.path = "/flush_cache?timeout=30",
          .body = "{}",
          .read =
              [](int status, std::string_view body, weight_outcome& into) {
                if (status == 200) return verdict::good;
                static_cast<void>(refuse_weights("POST /flush_cache", status, body, into));
                // Not idle yet.
                return status == 400 ? verdict::again : verdict::failed;
              },
          .pause = flush_pause,
          .tries = flush_tries};
}

weight_call version_call() {
  return {.path = "/model_info",
          .body = {},
          .read = [](int status, std::string_view body, weight_outcome& into) {
            if (status != 200) return refuse_weights("GET /model_info", status, body, into);
            into.version = json_text(body, "weight_version");
            if (!into.version.empty()) return verdict::good;
            into.code = errc::engine_failed;
            into.error = "GET /model_info does not say its weight_version";
            return verdict::failed;
          }};
}

weight_call checksum_call() {
  return {.path = "/weights_checker",
          .body = json_of({{"action", "checksum"}}),
          .read = [](int status, std::string_view body, weight_outcome& into) {
            // Not every build offers it.
            if (status == 200) into.detail = one_line(body, checksum_bytes_max);
            return verdict::good;
          }};
}

weight_call continue_call() {
  return {.path = "/continue_generation",
          .body = "{}",
          .read = [](int status, std::string_view body, weight_outcome& into) {
            // One that does not know the call was not paused either.
            if (status == 200 || status == 404) return verdict::good;
            return refuse_weights("POST /continue_generation", status, body, into);
          }};
}

}  // namespace

weight_calls sglang_weight_calls(weight_step step, const weight_target& target) {
  switch (step) {
    case weight_step::pause:
      return {pause_call()};
    case weight_step::load:
      return {load_call(target)};
    case weight_step::flush:
      return {flush_call()};
    case weight_step::check:
      return {version_call(), checksum_call()};
    default:
      return {continue_call()};
  }
}

}  // namespace tandem
