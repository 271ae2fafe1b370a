#include "nodes/web/request_trace.hpp"

#include <string>
#include <utility>

#include "actors/trace/traceparent.hpp"

namespace tandem {

request_trace::request_trace(std::shared_ptr<tracer> with, const http_request& request,
                             std::string_view route)
    : tracer_{std::move(with)}, route_{route} {
  if (auto given = request.find("traceparent"); !given.empty())
    self_ = parse_traceparent(given).value_or(trace_context{});
  if (!tracer_) return;
  parent_ = self_.span;
  self_ = tracer_->begin(self_);
  if (self_.sampled) start_ns_ = unix_ns();
}

void request_trace::end(const request_end& how) {
  if (!tracer_ || !self_.sampled) return;
  span done{.self = self_,
            .parent = parent_,
            .name = "POST " + std::string{route_},
            .kind = span_kind::server,
            .start_ns = start_ns_,
            .end_ns = unix_ns(),
            .error = how.error};
  done.add("http.request.method", "POST");
  done.add("http.route", route_);
  done.add("http.response.status_code", std::uint64_t{how.status});
  if (how.end != nullptr) {
    done.add("gen_ai.usage.input_tokens", how.end->prompt_tokens);
    done.add("gen_ai.usage.output_tokens", how.end->completion_tokens);
    done.add("gen_ai.response.model", how.end->model);
    done.add("tandem.job", how.end->job);
    done.add("tandem.cost_usd", static_cast<double>(how.end->cost_nanousd) * 1e-9);
  }
  tracer_->record(std::move(done));
}

}  // namespace tandem
