#include "actors/trace/otlp_json.hpp"

#include "actors/trace/traceparent.hpp"
#include "schema/json_writer.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr int status_error = 2;
constexpr std::size_t error_bytes_max = 1024;

void write_value(json_writer& json, const span_value& value) {
  json.object_field("value");
  if (const auto* text = std::get_if<std::string>(&value))
    json.field("stringValue", *text);
  else if (const auto* number = std::get_if<std::int64_t>(&value))
    json.field("intValue", std::to_string(*number));
  else if (const auto* real = std::get_if<double>(&value))
    json.field("doubleValue", *real);
  else
    json.field("boolValue", std::get<bool>(value));
  json.end();
}

void write_attributes(json_writer& json, std::span<const span_attribute> attributes) {
  json.array_field("attributes");
  for (const auto& [key, value] : attributes) {
    json.object();
    json.field("key", key);
    write_value(json, value);
    json.end();
  }
  json.end();
}

void write_span(json_writer& json, const span& from) {
  json.object();
  json.field("traceId", hex16(from.self.high) + hex16(from.self.low));
  json.field("spanId", hex16(from.self.span));
  if (from.parent != 0) json.field("parentSpanId", hex16(from.parent));
  json.field("name", from.name);
  json.field("kind", static_cast<int>(from.kind));
  json.field("startTimeUnixNano", std::to_string(from.start_ns));
  json.field("endTimeUnixNano", std::to_string(from.end_ns));
  write_attributes(json, from.attributes);
  if (!from.events.empty()) {
    json.array_field("events");
    for (const auto& event : from.events) {
      json.object();
      json.field("timeUnixNano", std::to_string(event.at_ns));
      json.field("name", event.name);
      json.end();
    }
    json.end();
  }
  json.object_field("status");
  if (!from.error.empty()) {
    json.field("code", status_error);
    json.field("message", cut(from.error, error_bytes_max));
  }
  json.end();
  json.end();
}

}  // namespace

std::string otlp_json(const trace_identity& who, std::span<const span> spans) {
  const std::vector<span_attribute> resource{{"service.name", std::string{"tandem"}},
                                             {"service.instance.id", who.node},
                                             {"service.version", who.version}};
  json_writer json;
  json.object();
  json.array_field("resourceSpans");
  json.object();
  json.object_field("resource");
  write_attributes(json, resource);
  json.end();
  json.array_field("scopeSpans");
  json.object();
  json.object_field("scope");
  json.field("name", "tandem");
  json.field("version", who.version);
  json.end();
  json.array_field("spans");
  for (const auto& each : spans) write_span(json, each);
  json.end();
  json.end();
  json.end();
  json.end();
  json.end();
  json.end();
  return json.text();
}

}  // namespace tandem
