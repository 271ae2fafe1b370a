#pragma once

#include <cstdint>
#include <memory>

#include "actors/gateway/event_stream.hpp"
#include "nodes/web/web_context.hpp"
#include "schema/ids.hpp"

namespace tandem {

/// What happens to a job, as server-sent events: each with its number, so that a client that was
/// cut off goes on where it was. Ends with `event: end` and the job's summary.
class job_event_stream : public live_stream, public std::enable_shared_from_this<job_event_stream> {
 public:
  job_event_stream(web_call_ptr call, job_id job, std::uint64_t after);
  static void begin(gateway_pointer self, web_call_ptr call, job_id job, std::uint64_t after);
  void on_tick() override;

 private:
  using clock = std::chrono::steady_clock;

  void follow(gateway_pointer self);
  void on_events(gateway_pointer self, const tmsg::events& events);
  void tell_end(gateway_pointer self);
  void later(gateway_pointer self);
  void on_error(gateway_pointer self, const caf::error& err);
  void finish(gateway_pointer self);

  web_call_ptr call_;
  event_stream events_;
  job_id job_;
  std::uint64_t after_;
  std::uint64_t number_;
  /// When the job's home was first not there; epoch: it is.
  clock::time_point lost_;
  bool is_over_ = false;
};

}  // namespace tandem
