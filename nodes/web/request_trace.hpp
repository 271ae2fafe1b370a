#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "actors/gateway/client_call.hpp"
#include "actors/http_server/http_service.hpp"
#include "actors/trace/tracer.hpp"

namespace tandem {

/// The span of one request: below the client's own (`traceparent`), or the root of a new trace.
class request_trace {
 public:
  /// `with` may be null: then what the client sent is passed on. `route` outlives it.
  request_trace(std::shared_ptr<tracer> with, const http_request& request, std::string_view route);
  /// Of what the request causes.
  [[nodiscard]] const trace_context& context() const { return self_; }
  void end(const request_end& how);

 private:
  std::shared_ptr<tracer> tracer_;
  trace_context self_;
  std::uint64_t parent_ = 0;
  std::uint64_t start_ns_ = 0;
  std::string_view route_;
};

}  // namespace tandem
