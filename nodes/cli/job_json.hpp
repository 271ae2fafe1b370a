#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "schema/ids.hpp"
#include "schema/job.capnp.h"
#include "schema/json_writer.hpp"

namespace tandem::cli {

// The JSON of jobs: stable names, times in Unix milliseconds, null for what is not there yet.

[[nodiscard]] job_id id_of(schema::JobId::Reader id);
/// `state`, `steps`, `attempt_failed`, ...: the event's word in its JSON.
[[nodiscard]] std::string_view kind_of(schema::JobEvent::Reader event);

void write_json(json_writer& json, schema::JobSummary::Reader summary);
/// With the whole answer instead of its first bytes.
void write_json(json_writer& json, schema::JobSummary::Reader summary, std::string_view answer);
void write_json(json_writer& json, schema::JobView::Reader view);
/// `{"event":"steps","number":3,...}`
void write_json(json_writer& json, schema::JobEvent::Reader event);

/// One document of anything above.
template <class... Parts>
[[nodiscard]] std::string to_json(const Parts&... parts) {
  json_writer json;
  write_json(json, parts...);
  return json.text();
}

}  // namespace tandem::cli
