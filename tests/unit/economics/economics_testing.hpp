#pragma once

#include <string>

#include "nodes/economics/assess_file.hpp"
#include "nodes/economics/assessment.hpp"
#include "schema/errc.hpp"

namespace tandem::test {

inline const std::filesystem::path fleets = TANDEM_SOURCE_DIR "/config/fleets";

/// The request of a TOML text; a failed test where it is refused.
inline assess_request request_of(const std::string& text) {
  assess_builder builder{fleets};
  if (auto err = builder.use_text(text, "a.toml")) {
    ADD_FAILURE() << message_of(err);
    return {};
  }
  auto request = builder.finish();
  if (!request) {
    ADD_FAILURE() << message_of(request.error());
    return {};
  }
  return *request;
}

inline assessment assess_text(const std::string& text, const assess_options& options = {}) {
  auto request = request_of(text);
  return assess(request.inputs, request.claims, options);
}

/// What is wrong with a TOML text; empty where nothing is.
inline std::string problem_of(const std::string& text) {
  assess_builder builder{fleets};
  if (auto err = builder.use_text(text, "a.toml")) return message_of(err);
  auto request = builder.finish();
  return request ? "" : message_of(request.error());
}

/// Public measurements at $3 a GPU-hour and nothing else: whatever follows `more` in `[workload]`.
inline std::string public_pools(const std::string& workload, const std::string& more = {}) {
  auto right = workload.find("right_tandem") == workload.npos ? "right_tandem = 1\n" : "";
  return "[workload]\ninput_tokens = 218\noutput_tokens = 201\n" + std::string{right} + workload +
         "\n[large]\nprofile = \"qwen3-235b-a22b-fp8\"\ngpu_hour_usd = 3\noverhead = 0\n"
         "utilisation = 1\nspares = 0\n[small]\nprofile = \"qwen3-14b-fp8\"\ngpu_hour_usd = 3\n"
         "overhead = 0\nutilisation = 1\nspares = 0\n" +
         more;
}

}  // namespace tandem::test
