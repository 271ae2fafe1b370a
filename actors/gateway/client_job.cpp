#include "actors/gateway/client_job.hpp"

#include <caf/send.hpp>

#include "actors/gateway/job_end.hpp"
#include "schema/errc.hpp"
#include "schema/ids.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::chrono::seconds submit_patience{30};
/// Then it is asked again: a promise at the job's home does not outlive who waits for long.
constexpr std::chrono::minutes wait_patience{5};
constexpr std::chrono::seconds read_patience{30};
/// Of a job's home that is lost: it may be taken over, or come back.
constexpr std::chrono::seconds home_patience{20};
constexpr std::chrono::milliseconds home_pause{300};

bool is_final(schema::JobState state) {
  return state == schema::JobState::DONE || state == schema::JobState::FAILED ||
         state == schema::JobState::CANCELLED;
}

}  // namespace

client_job::client_job(client_job_start start)
    : start_{std::move(start)}, events_{start_.reply, start_.headers, start_.pulse} {}

void client_job::begin(client_job_start start) {
  auto job = std::make_shared<client_job>(std::move(start));
  const auto& gateway = job->start_.gateway;
  if (gateway->post([job](gateway_pointer self) { job->run(self); })) return;
  job->start_.reply->send(error_response(to_openai_error(errc::unavailable,
                                                         "this node's gateway is being started "
                                                         "anew; try again")));
  job->start_.done({.status = 503, .error = "no gateway"});
}

void client_job::run(gateway_pointer self) {
  ++self->state.open;
  if (start_.stream) self->state.add_stream(self, start_.number, shared_from_this());
  start_.reply->on_gone([weak = weak_from_this(), gateway = start_.gateway] {
    gateway->post([weak](gateway_pointer self) {
      if (auto job = weak.lock()) job->leave(self);
    });
  });
  submit(self);
}

bool client_job::has_key() const {
  return start_.submit.read()->getClientKey().size() != 0;
}

void client_job::submit(gateway_pointer self) {
  if (is_over_) return;
  if (!self->state.front)
    return fail(self, errc::unavailable, "this node is starting and takes no jobs yet; try again");
  ++submits_;
  self->request(self->state.front, submit_patience, submit_atom_v, start_.submit)
      .then(
          [self, job = shared_from_this()](const tmsg::submitd& submitted) {
            job->on_submitted(self, submitted);
          },
          [self, job = shared_from_this()](const caf::error& err) { job->on_refused(self, err); });
}

void client_job::on_submitted(gateway_pointer self, const tmsg::submitd& submitted) {
  job_ = submitted;
  // What this request asked for twice is its own still.
  is_paid_ = submitted.read()->getDuplicate() && submits_ == 1;
  if (is_over_) {
    // The client left meanwhile.
    is_over_ = false;
    return leave(self);
  }
  if (!start_.stream) return wait(self);
  events_.write(start_.writer->begin());
  follow(self);
}

void client_job::on_refused(gateway_pointer self, const caf::error& err) {
  // With a key, asking again can make no second job. A home that keeps silent gets no more of them.
  if (err == caf::sec::request_timeout)
    return fail(self, errc::deadline_exceeded,
                has_key() ? "the job's home did not answer; ask again with the same key"
                          : "the job's home did not answer; the job may have been taken all the "
                            "same, GET /v1/jobs says so");
  if (has_key()) return on_error(self, err, &client_job::submit);
  fail(self, code_of(err), message_of(err));
}

tmsg::jobref client_job::reference() const {
  message_builder<schema::JobRef> out;
  out->setJob(job_.read()->getJob());
  return out.finish();
}

void client_job::wait(gateway_pointer self) {
  if (is_over_) return;
  self->request(self->state.front, wait_patience, wait_atom_v, reference())
      .then([self, job = shared_from_this()](
                const tmsg::jobsum& summary) { job->on_summary(self, summary); },
            [self, job = shared_from_this()](const caf::error& err) {
              job->on_error(self, err, &client_job::wait);
            });
}

void client_job::follow(gateway_pointer self) {
  if (is_over_) return;
  message_builder<schema::Follow> question;
  question->setJob(job_.read()->getJob());
  question->setAfter(after_);
  self->request(self->state.front, wait_patience, follow_atom_v, question.finish())
      .then([self, job = shared_from_this()](
                const tmsg::events& events) { job->on_events(self, *events.read()); },
            [self, job = shared_from_this()](const caf::error& err) {
              job->on_error(self, err, &client_job::follow);
            });
}

void client_job::on_events(gateway_pointer self, schema::JobEvents::Reader events) {
  if (is_over_) return;
  lost_ = {};
  std::string told;
  if (start_.progress)
    for (auto event : events.getEvents()) told += progress_text(event);
  if (!told.empty()) events_.write(start_.writer->reasoning(told));
  auto is_news = events.getLast() > after_;
  after_ = std::max(after_, events.getLast());
  if (events.getEnded()) return wait(self);
  if (!is_news) return later(self, &client_job::follow);
  follow(self);
}

void client_job::on_summary(gateway_pointer self, const tmsg::jobsum& summary) {
  if (is_over_) return;
  lost_ = {};
  summary_ = summary;
  auto reader = summary.read();
  switch (reader->getState()) {
    case schema::JobState::DONE: {
      auto answer = view(reader->getAnswer());
      if (answer.size() == reader->getAnswerBytes()) {
        answer_ = answer;
        return succeed(self);
      }
      return read_answer(self);
    }
    case schema::JobState::CANCELLED:
      return fail(self, errc::conflict,
                  "the job was cancelled: " + std::string{view(reader->getReason())});
    case schema::JobState::FAILED:
      return fail(self, errc::engine_failed,
                  "job " + to_string(id_of(reader->getJob())) +
                      " failed: " + std::string{view(reader->getReason())});
    default:
      return later(self, &client_job::wait);
  }
}

void client_job::read_answer(gateway_pointer self) {
  if (is_over_) return;
  message_builder<schema::ResultQuery> question;
  question->setJob(job_.read()->getJob());
  question->setOffset(answer_.size());
  self->request(self->state.front, read_patience, result_atom_v, question.finish())
      .then(
          [self, job = shared_from_this()](const tmsg::reschnk& chunk) {
            if (job->is_over_) return;
            auto reader = chunk.read();
            auto bytes = reader->getText();
            job->answer_.append(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
            if (bytes.size() == 0 || job->answer_.size() >= reader->getTotalBytes())
              return job->succeed(self);
            job->read_answer(self);
          },
          [self, job = shared_from_this()](const caf::error& err) {
            job->on_error(self, err, &client_job::read_answer);
          });
}

void client_job::succeed(gateway_pointer self) {
  auto end = read_job_end(*summary_.read());
  end.text = std::move(answer_);
  if (start_.stream) {
    events_.write(start_.writer->end(end));
    events_.end();
  } else {
    http_response answer{.headers = std::move(start_.headers)};
    answer.body = start_.writer->whole(end);
    start_.reply->send(std::move(answer));
  }
  start_.done({.status = 200, .end = &end, .is_paid = is_paid_});
  finish(self);
}

void client_job::on_error(gateway_pointer self, const caf::error& err,
                          void (client_job::*again)(gateway_pointer)) {
  if (is_over_) return;
  // It has waited its time, and waits on.
  if (err == caf::sec::request_timeout) return (this->*again)(self);
  auto now = clock::now();
  if (lost_ == clock::time_point{}) lost_ = now;
  if (code_of(err) != errc::unavailable || now - lost_ > home_patience)
    return fail(self, code_of(err),
                job_.empty()
                    ? message_of(err)
                    : "job " + to_string(id_of(job_.read()->getJob())) + ": " + message_of(err));
  later(self, again);
}

void client_job::later(gateway_pointer self, void (client_job::*again)(gateway_pointer)) {
  self->delayed_send(self, home_pause, call_atom_v,
                     gateway_task{[job = shared_from_this(), again](gateway_pointer gateway) {
                       ((*job).*again)(gateway);
                     }});
}

void client_job::fail(gateway_pointer self, errc code, std::string_view message) {
  if (is_over_) return;
  auto error = to_openai_error(code, message);
  if (events_.has_begun()) {
    events_.write(start_.writer->fail(error));
    events_.end();
  } else {
    auto answer = error_response(error);
    for (auto& each : start_.headers) answer.headers.push_back(std::move(each));
    start_.reply->send(std::move(answer));
  }
  auto has_ended = !summary_.empty() && is_final(summary_.read()->getState());
  if (has_ended) {
    auto end = read_job_end(*summary_.read());
    start_.done({.status = error.status, .end = &end, .error = error.message, .is_paid = is_paid_});
  } else {
    start_.done({.status = error.status, .error = error.message, .is_paid = is_paid_});
  }
  finish(self);
  // It goes on, and costs, whether somebody waits or not.
  if (!has_ended && !job_.empty()) tell_late(self);
}

void client_job::leave(gateway_pointer self) {
  if (is_over_) return;
  auto is_known = !job_.empty();
  if (is_known && !start_.background && !has_key()) {
    message_builder<schema::JobCommand> command;
    command->setJob(job_.read()->getJob());
    command->setAction(schema::JobAction::CANCEL);
    command->setReason("its client left; ask for a background job to let it go on");
    // If it fails, the job ends by its deadline.
    self->request(self->state.front, submit_patience, command_atom_v, command.finish())
        .then([](const tmsg::jobsum&) {}, [](const caf::error&) {});
  }
  if (start_.reply) {
    start_.done({.status = client_left, .error = "the client left"});
    finish(self);
  }
  is_over_ = true;
  // What it costs from here on is its client's too.
  if (is_known) tell_late(self);
}

void client_job::tell_late(gateway_pointer self) {
  if (is_paid_) return;
  when_job_ends(self, reference(), [done = start_.done](const call_end& end) {
    done({.status = client_left, .end = &end, .is_late = true});
  });
}

void client_job::finish(gateway_pointer self) {
  is_over_ = true;
  --self->state.open;
  if (start_.stream) self->state.streams.erase(start_.number);
  start_.reply.reset();
}

void client_job::on_tick() {
  if (!is_over_ && events_.has_begun()) events_.on_tick();
}

std::string progress_text(schema::JobEvent::Reader event) {
  constexpr std::size_t text_bytes_max = 200;
  auto line = [](std::string_view text) { return valid_utf8(cut(text, text_bytes_max)); };
  std::string out;
  switch (event.which()) {
    case schema::JobEvent::STEPS:
      for (auto step : event.getSteps()) {
        auto number = std::to_string(step.getStep());
        if (step.getState() == schema::StepState::DONE)
          out += "Step " + number + ": " + line(view(step.getResult())) + "\n";
        else if (step.getState() == schema::StepState::WAITING)
          out += "Plan step " + number + ": " + line(view(step.getPrompt())) + "\n";
      }
      break;
    case schema::JobEvent::ATTEMPT_FAILED: {
      auto attempt = event.getAttemptFailed();
      out = "Step " + std::to_string(attempt.getStep()) +
            " failed: " + line(view(attempt.getError().getMessage())) +
            "; then: " + line(view(attempt.getRung())) + "\n";
      break;
    }
    case schema::JobEvent::EPOCH:
      out = "A new plan: " + line(view(event.getEpoch().getReason())) + "\n";
      break;
    default:
      break;
  }
  return out;
}

}  // namespace tandem
