#pragma once

#include <span>
#include <string>

#include "actors/trace/span.hpp"

namespace tandem {

/// Who speaks: OpenTelemetry's resource attributes.
struct trace_identity {
  /// `service.instance.id`.
  std::string node;
  /// `service.version`.
  std::string version;
};

/// One ExportTraceServiceRequest of OTLP/HTTP with JSON (protocol 1.x): ids in hex, 64-bit numbers
/// as texts.
[[nodiscard]] std::string otlp_json(const trace_identity& who, std::span<const span> spans);

}  // namespace tandem
