#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "actors/gateway/client_call.hpp"
#include "actors/gateway/event_stream.hpp"
#include "actors/gateway/gateway.hpp"
#include "actors/openai/answer_writer.hpp"

namespace tandem {

/// What a request to the model `tandem` is made of: it becomes a job. `done` is called once, on the
/// gateway's thread, and once more at the end of a job whose client left.
struct client_job_start {
  std::shared_ptr<gateway_box> gateway;
  std::shared_ptr<http_reply> reply;
  std::unique_ptr<answer_writer> writer;
  tmsg::submit submit;
  /// Unique among the gateway's calls and jobs.
  std::uint64_t number = 0;
  bool stream = false;
  /// Tell what happens, as reasoning.
  bool progress = true;
  /// It goes on when the client leaves. So does one with a client key (who says a key means to ask
  /// again), and one that another request began.
  bool background = false;
  event_stream::header_list headers;
  std::chrono::milliseconds pulse{0};
  std::function<void(const request_end&)> done;
};

/// One job whose client waits for its answer. Durable when it was acknowledged by the journal; a
/// home that is lost for a while is asked again.
class client_job : public live_stream, public std::enable_shared_from_this<client_job> {
 public:
  explicit client_job(client_job_start start);
  /// Called on any thread; the rest happens in the gateway.
  static void begin(client_job_start start);
  void on_tick() override;

 private:
  using clock = std::chrono::steady_clock;

  void run(gateway_pointer self);
  void submit(gateway_pointer self);
  void on_submitted(gateway_pointer self, const tmsg::submitd& submitted);
  void on_refused(gateway_pointer self, const caf::error& err);
  void follow(gateway_pointer self);
  void wait(gateway_pointer self);
  void on_events(gateway_pointer self, schema::JobEvents::Reader events);
  void on_summary(gateway_pointer self, const tmsg::jobsum& summary);
  void read_answer(gateway_pointer self);
  void succeed(gateway_pointer self);
  /// Of the job's home: asked again for a while.
  void on_error(gateway_pointer self, const caf::error& err,
                void (client_job::*again)(gateway_pointer));
  /// After a pause: an answer that says nothing new must not be asked for at once again.
  void later(gateway_pointer self, void (client_job::*again)(gateway_pointer));
  void fail(gateway_pointer self, errc code, std::string_view message);
  /// Settles what the job will have used by its end.
  void tell_late(gateway_pointer self);
  [[nodiscard]] bool has_key() const;
  void leave(gateway_pointer self);
  void finish(gateway_pointer self);
  [[nodiscard]] tmsg::jobref reference() const;

  client_job_start start_;
  event_stream events_;
  tmsg::submitd job_;
  tmsg::jobsum summary_;
  std::string answer_;
  std::uint64_t after_ = 0;
  /// When the home was first not there; epoch: it is.
  clock::time_point lost_;
  /// Submissions that were sent.
  std::uint32_t submits_ = 0;
  /// Another request began this job, which pays for it.
  bool is_paid_ = false;
  bool is_over_ = false;
};

/// What an event says to somebody who waits, a line each; empty: nothing.
[[nodiscard]] std::string progress_text(schema::JobEvent::Reader event);

}  // namespace tandem
