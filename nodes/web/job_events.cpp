#include "nodes/web/job_events.hpp"

#include <caf/send.hpp>

#include "nodes/cli/job_json.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

/// A promise at the job's home does not outlive who waits for long.
constexpr std::chrono::minutes follow_patience{2};
constexpr std::chrono::seconds read_patience{30};
constexpr std::chrono::seconds home_patience{60};
constexpr std::chrono::milliseconds home_pause{300};

std::string frame(std::string_view event, std::uint64_t number, const std::string& data) {
  std::string out;
  out.reserve(data.size() + 64);
  if (number != 0) out += "id: " + std::to_string(number) + "\n";
  out.append("event: ").append(event).append("\ndata: ").append(data).append("\n\n");
  return out;
}

}  // namespace

job_event_stream::job_event_stream(web_call_ptr call, job_id job, std::uint64_t after)
    : call_{std::move(call)},
      events_{call_->reply, {}, call_->parts->config.http.stream_pulse},
      job_{job},
      after_{after},
      number_{call_->parts->next_number++} {}

void job_event_stream::begin(gateway_pointer self, web_call_ptr call, job_id job,
                             std::uint64_t after) {
  auto stream = std::make_shared<job_event_stream>(std::move(call), job, after);
  ++self->state.open;
  self->state.add_stream(self, stream->number_, stream);
  stream->call_->reply->on_gone(
      [weak = std::weak_ptr{stream}, box = stream->call_->parts->gateway] {
        box->post([weak](gateway_pointer gateway) {
          if (auto left = weak.lock()) left->finish(gateway);
        });
      });
  // Browsers wait so long before they come back.
  stream->events_.write("retry: 1000\n\n");
  stream->follow(self);
}

void job_event_stream::follow(gateway_pointer self) {
  if (is_over_) return;
  message_builder<schema::Follow> question;
  question->initJob().setJournal(job_.journal.value);
  question->getJob().setNumber(job_.number);
  question->setAfter(after_);
  self->request(self->state.front, follow_patience, follow_atom_v, question.finish())
      .then([self, stream = shared_from_this()](
                const tmsg::events& events) { stream->on_events(self, events); },
            [self, stream = shared_from_this()](const caf::error& err) {
              stream->on_error(self, err);
            });
}

void job_event_stream::on_events(gateway_pointer self, const tmsg::events& events) {
  if (is_over_) return;
  lost_ = {};
  auto reader = events.read();
  std::string out;
  for (auto event : reader->getEvents())
    out += frame(cli::kind_of(event), event.getNumber(), cli::to_json(event));
  events_.write(std::move(out));
  auto is_news = reader->getLast() > after_;
  after_ = std::max(after_, reader->getLast());
  if (reader->getEnded()) return tell_end(self);
  // A home with too many that follow answers at once: they all would spin.
  if (!is_news) return later(self);
  follow(self);
}

void job_event_stream::tell_end(gateway_pointer self) {
  message_builder<schema::JobRef> question;
  question->initJob().setJournal(job_.journal.value);
  question->getJob().setNumber(job_.number);
  self->request(self->state.front, read_patience, summary_atom_v, question.finish())
      .then(
          [self, stream = shared_from_this()](const tmsg::jobsum& summary) {
            if (stream->is_over_) return;
            stream->events_.write(frame("end", stream->after_, cli::to_json(*summary.read())));
            stream->events_.end();
            stream->finish(self);
          },
          [self, stream = shared_from_this()](const caf::error& err) {
            stream->on_error(self, err);
          });
}

void job_event_stream::on_error(gateway_pointer self, const caf::error& err) {
  if (is_over_) return;
  auto now = clock::now();
  if (lost_ == clock::time_point{}) lost_ = now;
  auto goes_on = err == caf::sec::request_timeout ||
                 (code_of(err) == errc::unavailable && now - lost_ < home_patience);
  if (goes_on) {
    if (err == caf::sec::request_timeout) lost_ = {};
    return later(self);
  }
  events_.write(frame("error", 0, to_json(to_openai_error(code_of(err), message_of(err)))));
  events_.end();
  finish(self);
}

void job_event_stream::later(gateway_pointer self) {
  self->delayed_send(self, home_pause, call_atom_v,
                     gateway_task{[stream = shared_from_this()](gateway_pointer gateway) {
                       stream->follow(gateway);
                     }});
}

void job_event_stream::on_tick() {
  if (!is_over_) events_.on_tick();
}

void job_event_stream::finish(gateway_pointer self) {
  if (std::exchange(is_over_, true)) return;
  --self->state.open;
  self->state.streams.erase(number_);
}

}  // namespace tandem
