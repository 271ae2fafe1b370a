// /v1/jobs and /v1/feedback.

#include <algorithm>
#include <charconv>
#include <chrono>

#include <simdjson.h>

#include "actors/clock.hpp"
#include "actors/gateway/job_end.hpp"
#include "actors/openai/client_chat.hpp"
#include "actors/openai/request_json.hpp"
#include "nodes/cli/job_json.hpp"
#include "nodes/cli/names.hpp"
#include "nodes/web/job_events.hpp"
#include "nodes/web/request_trace.hpp"
#include "nodes/web/submit_request.hpp"
#include "nodes/web/web_context.hpp"
#include "schema/errc.hpp"
#include "schema/ids.hpp"
#include "schema/json_writer.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::chrono::seconds patience{30};
constexpr std::uint32_t page_max = 500;
constexpr std::uint32_t page_default = 50;

openai_error wrong(std::string message, std::string param = {}) {
  return {.message = std::move(message), .param = std::move(param)};
}

openai_error no_job(std::string_view id) {
  return {.status = 404,
          .message = "there is no job '" + std::string{id} + "'",
          .type = "not_found_error",
          .code = "job_not_found"};
}

tmsg::jobref reference(job_id job, std::uint32_t text_bytes_max = 0) {
  message_builder<schema::JobRef> out;
  auto id = out->initJob();
  id.setJournal(job.journal.value);
  id.setNumber(job.number);
  out->setTextBytesMax(text_bytes_max);
  return out.finish();
}

/// Jobs of others are no jobs.
bool may_see(const web_call& call, schema::JobSummary::Reader summary) {
  return call.caller->is_admin || view(summary.getTenant()) == call.caller->tenant;
}

/// Runs `ask` once it is known who has the jobs.
void at_front(web_call call, std::function<void(gateway_pointer, web_call_ptr)> ask) {
  in_gateway(std::move(call),
             [ask = std::move(ask)](gateway_pointer self, const web_call_ptr& call) {
               if (self->state.front) return ask(self, call);
               call->fail(to_openai_error(errc::unavailable,
                                          "this node is starting and has no jobs yet; try again"));
             });
}

/// Asks for the job's summary, and goes on if the caller may see it.
void with_job(web_call call, std::function<void(gateway_pointer, web_call_ptr, job_id)> next) {
  auto job = parse_job_id(call.parameters[0]);
  if (!job) return call.fail(no_job(call.parameters[0]));
  at_front(std::move(call),
           [job = *job, next = std::move(next)](gateway_pointer self, const web_call_ptr& call) {
             self->request(self->state.front, patience, summary_atom_v, reference(job))
                 .then(
                     [self, call, job, next](const tmsg::jobsum& summary) {
                       if (!may_see(*call, *summary.read()))
                         return call->fail(no_job(to_string(job)));
                       next(self, call, job);
                     },
                     [call](const caf::error& err) { call->fail(err); });
           });
}

/// A request's own part: `goal`, or `messages` as the body of a chat.
struct job_request {
  std::string goal;
  std::string chat;
};

std::optional<openai_error> read_request(std::string_view body, job_request& out) {
  dialect::request_json json;
  if (auto error = json.parse(body, client_limits{}.depth_max)) return error;
  for (auto [key, value] : json.root()) {
    if (value.is_null()) continue;
    if (key == "goal") {
      std::string_view text;
      if (value.get(text) != simdjson::SUCCESS) return wrong("goal must be a text", "goal");
      if (text.empty()) return wrong("say what is to be done, in goal or in messages", "goal");
      out.goal = text;
    } else if (key == "messages") {
      out.chat = R"({"model":"tandem","messages":)" +
                 std::string{json.slice(json.bytes(), "messages")} + "}";
    }
  }
  if (!out.goal.empty() && !out.chat.empty())
    return wrong("say what is to be done in goal or in messages, not in both", "messages");
  if (out.goal.empty() && out.chat.empty())
    return wrong("say what is to be done, in goal or in messages", "goal");
  return std::nullopt;
}

std::optional<openai_error> read_turns(const job_request& from, std::vector<client_turn>& turns) {
  if (!from.goal.empty()) {
    turns.push_back({schema::Role::USER, from.goal});
    return std::nullopt;
  }
  auto read = read_client_chat(from.chat, client_dialect::chat);
  if (auto* error = std::get_if<openai_error>(&read)) return *error;
  auto& chat = std::get<client_chat>(read);
  if (!chat.body.empty())
    return wrong("a job's messages are texts of system, user and assistant", "messages");
  turns = std::move(chat.turns);
  return std::nullopt;
}

budget used(schema::JobSummary::Reader summary) {
  auto all = summary.getUsage();
  return {all.getPromptTokens() + all.getCompletionTokens(), all.getCostNanousd()};
}

/// The key's place and its budget are the job's until it ends. `before`: what has been paid for.
void hold_until_end(gateway_pointer self, key_permit permit, job_id job, budget before = {}) {
  auto held = std::make_shared<key_permit>(std::move(permit));
  when_job_ends(self, reference(job), [held, before](const call_end& end) {
    auto tokens = end.prompt_tokens + end.completion_tokens;
    held->settle({tokens - std::min(tokens, before.tokens),
                  std::max<std::int64_t>(end.cost_nanousd - before.cost_nanousd, 0)},
                 unix_ms());
  });
}

/// Null: it has been answered. Copies are one permit.
std::shared_ptr<key_permit> admit_job(const web_call& call, std::uint64_t tokens) {
  if (!call.caller->may_use("tandem")) {
    call.fail({.status = 403,
               .message = "this key may not use the model 'tandem', which jobs are of",
               .type = "permission_error",
               .code = "model_not_allowed"});
    return nullptr;
  }
  auto admission = call.parts->keys->admit(*call.caller, unix_ms(), {tokens, 0});
  if (auto* refused = std::get_if<key_refusal>(&admission)) {
    call.fail({.status = refused->status,
               .message = refused->text,
               .type = refused->status == 401 ? "authentication_error" : "rate_limit_error",
               .code = refused->code},
              static_cast<std::uint64_t>(refused->retry_after.count()));
    return nullptr;
  }
  return std::make_shared<key_permit>(std::get<key_permit>(std::move(admission)));
}

/// It is accepted, whether it can be looked at by now or not.
void tell_accepted(gateway_pointer self, const web_call_ptr& call, job_id id, unsigned status) {
  auto answer = [call, id, status](std::string body) {
    call->reply->send({.status = status,
                       .headers = {{"Location", "/v1/jobs/" + to_string(id)}},
                       .body = std::move(body)});
  };
  self->request(self->state.front, patience, summary_atom_v, reference(id))
      .then([answer](const tmsg::jobsum& summary) { answer(cli::to_json(*summary.read())); },
            [answer, id](const caf::error&) {
              json_writer json;
              json.object();
              json.field("job", to_string(id));
              json.end();
              answer(json.text());
            });
}

void submit_job(web_call call) {
  job_request request;
  std::vector<client_turn> turns;
  if (auto error = read_request(call.request.body, request)) return call.fail(*error);
  auto read = read_tandem_options(call.request.body);
  if (auto* error = std::get_if<openai_error>(&read)) {
    if (error->param.starts_with("tandem.")) error->param.erase(0, 7);
    return call.fail(*error);
  }
  const auto& options = std::get<tandem_options>(read);
  if (auto error = read_turns(request, turns)) return call.fail(*error);
  auto param = request.goal.empty() ? "messages" : "goal";
  if (auto error = check_goal(call.parts->config, turns, options, param)) return call.fail(*error);
  auto held = admit_job(call, call.request.body.size() / 4);
  if (!held) return;
  auto trace = std::make_shared<request_trace>(call.parts->traces, call.request, "/v1/jobs");
  auto submit = make_submit(call, turns, options, trace->context());
  at_front(std::move(call), [submit, held, trace](gateway_pointer self, const web_call_ptr& call) {
    self->request(self->state.front, patience, submit_atom_v, submit)
        .then(
            [self, call, held, trace](const tmsg::submitd& submitted) {
              trace->end({.status = 201});
              auto reader = submitted.read();
              auto id = cli::id_of(reader->getJob());
              if (!reader->getDuplicate()) hold_until_end(self, std::move(*held), id);
              tell_accepted(self, call, id, reader->getDuplicate() ? 200u : 201u);
            },
            [call](const caf::error& err) { call->fail(err); });
  });
}

/// `k3fwq2xm:41.` for each journal that goes on.
std::string write_cursor(schema::JobList::Reader page) {
  std::string out;
  for (auto cursor : page.getCursors())
    out += (out.empty() ? "" : ".") + to_string(journal_id{cursor.getJournal()}) + ":" +
           std::to_string(cursor.getBefore());
  if (out.empty() && page.getNext() != 0) out = ":" + std::to_string(page.getNext());
  return out;
}

bool read_number(std::string_view text, std::uint64_t& out) {
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failure == std::errc{} && end == text.data() + text.size();
}

bool read_cursor(std::string_view text, schema::JobQuery::Builder out) {
  constexpr std::size_t journals_max = 4096;
  std::vector<std::pair<journal_id, std::uint64_t>> found;
  while (!text.empty()) {
    auto part = text.substr(0, text.find('.'));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    auto colon = part.find(':');
    std::uint64_t before = 0;
    if (colon == part.npos || !read_number(part.substr(colon + 1), before)) return false;
    if (colon == 0) {
      out.setBefore(before);
      continue;
    }
    auto journal = parse_journal_id(part.substr(0, colon));
    if (!journal || found.size() >= journals_max) return false;
    found.emplace_back(*journal, before);
  }
  auto list = out.initCursors(static_cast<unsigned>(found.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setJournal(found[i].first.value);
    list[i].setBefore(found[i].second);
  }
  return true;
}

std::optional<openai_error> read_states(std::string_view text, schema::JobQuery::Builder out) {
  std::vector<schema::JobState> states;
  while (!text.empty()) {
    auto word = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    auto state = cli::parse_job_state(word);
    if (!state)
      return wrong("there is no state '" + std::string{cut(word, 40)} +
                       "'; there is queued, running, paused, done, failed, cancelled",
                   "state");
    states.push_back(*state);
  }
  auto list = out.initStates(static_cast<unsigned>(states.size()));
  for (unsigned i = 0; i < list.size(); ++i) list.set(i, states[i]);
  return std::nullopt;
}

std::string page_json(schema::JobList::Reader page) {
  json_writer json;
  auto next = write_cursor(page);
  json.object();
  json.field("object", "list");
  json.array_field("data");
  for (auto job : page.getJobs()) cli::write_json(json, job);
  json.end();
  json.field("has_more", !next.empty());
  if (next.empty())
    json.null_field("next");
  else
    json.field("next", next);
  json.array_field("missing");
  for (auto missing : page.getMissing()) {
    json.object();
    json.field("journal", to_string(journal_id{missing.getJournal()}));
    json.field("node", view(missing.getNode()));
    json.field("waiting", missing.getWaiting());
    json.end();
  }
  json.end();
  json.end();
  return json.text();
}

void list_jobs(web_call call) {
  std::string_view query = call.request.query;
  message_builder<schema::JobQuery> out;
  if (auto error = read_states(query_value(query, "state"), *out)) return call.fail(*error);
  auto tenant = query_value(query, "tenant");
  out->setTenant(call.caller->is_admin ? tenant : call.caller->tenant);
  out->setTag(query_value(query, "tag"));
  out->setText(query_value(query, "text"));
  std::uint64_t limit = page_default;
  if (auto given = query_value(query, "limit"); !given.empty() && !read_number(given, limit))
    return call.fail(wrong("limit must be a number from 1 to 500", "limit"));
  out->setLimit(static_cast<std::uint32_t>(std::clamp<std::uint64_t>(limit, 1, page_max)));
  if (!read_cursor(query_value(query, "after"), *out))
    return call.fail(wrong("after is no cursor; use what the last page said as next", "after"));
  auto question = out.finish();
  at_front(std::move(call), [question](gateway_pointer self, const web_call_ptr& call) {
    self->request(self->state.front, patience, list_atom_v, question)
        .then([call](const tmsg::joblist& page) { call->json(page_json(*page.read())); },
              [call](const caf::error& err) { call->fail(err); });
  });
}

void one_job(web_call call) {
  std::uint64_t text_bytes = 0;
  auto given = query_value(call.request.query, "text_bytes");
  if (!given.empty() && (!read_number(given, text_bytes) || text_bytes > UINT32_MAX))
    return call.fail(wrong("text_bytes must be a number", "text_bytes"));
  with_job(
      std::move(call), [text_bytes](gateway_pointer self, const web_call_ptr& call, job_id job) {
        self->request(self->state.front, patience, view_atom_v,
                      reference(job, static_cast<std::uint32_t>(text_bytes)))
            .then([call](const tmsg::jobview& view) { call->json(cli::to_json(*view.read())); },
                  [call](const caf::error& err) { call->fail(err); });
      });
}

std::string not_done(job_id job, schema::ResultChunk::Reader chunk) {
  auto reason = std::string{view(chunk.getReason())};
  return "job " + to_string(job) + " is not done" + (reason.empty() ? "" : ": " + reason);
}

/// An answer may be larger than a message: its pieces are gathered, so that a client that reads
/// slowly holds nobody up, and one whose answer breaks off is told why. Bounded as answers are.
void send_result(gateway_pointer self, const web_call_ptr& call, job_id job,
                 const std::shared_ptr<std::string>& got) {
  message_builder<schema::ResultQuery> question;
  question->initJob().setJournal(job.journal.value);
  question->getJob().setNumber(job.number);
  question->setOffset(got->size());
  self->request(self->state.front, patience, result_atom_v, question.finish())
      .then(
          [self, call, job, got](const tmsg::reschnk& chunk) {
            auto reader = chunk.read();
            if (got->empty() && reader->getState() != schema::JobState::DONE)
              return call->fail(make_error(errc::conflict, not_done(job, *reader)));
            auto bytes = reader->getText();
            got->append(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
            if (bytes.size() != 0 && got->size() < reader->getTotalBytes())
              return send_result(self, call, job, got);
            call->reply->send(
                {.content_type = "text/plain; charset=utf-8", .body = std::move(*got)});
          },
          [call](const caf::error& err) { call->fail(err); });
}

void job_result(web_call call) {
  with_job(std::move(call), [](gateway_pointer self, const web_call_ptr& call, job_id job) {
    send_result(self, call, job, std::make_shared<std::string>());
  });
}

void job_events(web_call call) {
  std::uint64_t after = 0;
  auto given = std::string{call.request.find("last-event-id")};
  if (given.empty()) given = query_value(call.request.query, "after");
  if (!given.empty() && !read_number(given, after))
    return call.fail(wrong("Last-Event-ID (or after) must be an event's number", "after"));
  with_job(std::move(call), [after](gateway_pointer self, const web_call_ptr& call, job_id job) {
    job_event_stream::begin(self, call, job, after);
  });
}

/// `reason` of a body that may be empty.
std::optional<openai_error> read_reason(std::string_view body, std::string& out) {
  if (body.find_first_not_of(" \t\r\n") == body.npos) return std::nullopt;
  simdjson::dom::parser parser;
  simdjson::dom::object fields;
  if (parser.parse(body).get(fields) != simdjson::SUCCESS)
    return wrong("the body is no JSON object");
  std::string_view reason;
  auto field = fields["reason"];
  if (field.error() == simdjson::NO_SUCH_FIELD) return std::nullopt;
  if (field.get(reason) != simdjson::SUCCESS) return wrong("reason must be a text", "reason");
  out = cut(reason, 1000);
  return std::nullopt;
}

template <schema::JobAction action>
void command_job(web_call call) {
  // What lets a job spend again is one of its key's requests.
  constexpr bool spends = action == schema::JobAction::RETRY || action == schema::JobAction::RESUME;
  std::string reason;
  if (auto error = read_reason(call.request.body, reason)) return call.fail(*error);
  if (reason.empty()) reason = "over HTTP";
  std::shared_ptr<key_permit> held;
  if (spends && !(held = admit_job(call, 0))) return;
  with_job(std::move(call),
           [reason, held](gateway_pointer self, const web_call_ptr& call, job_id job) {
             message_builder<schema::JobCommand> command;
             command->initJob().setJournal(job.journal.value);
             command->getJob().setNumber(job.number);
             command->setAction(action);
             command->setReason(reason);
             self->request(self->state.front, patience, command_atom_v, command.finish())
                 .then(
                     [self, call, job, held](const tmsg::jobsum& summary) {
                       if constexpr (action == schema::JobAction::RETRY)
                         hold_until_end(self, std::move(*held), job, used(*summary.read()));
                       call->json(cli::to_json(*summary.read()));
                     },
                     [call](const caf::error& err) { call->fail(err); });
           });
}

void feedback(web_call call) {
  simdjson::dom::parser parser;
  simdjson::dom::object fields;
  if (parser.parse(call.request.body).get(fields) != simdjson::SUCCESS)
    return call.fail(wrong("the body is no JSON object"));
  std::string_view job;
  if (fields["job"].get(job) != simdjson::SUCCESS)
    return call.fail(wrong("job must be a job's id", "job"));
  double score = 0;
  if (fields["score"].get(score) != simdjson::SUCCESS || !(score >= 0 && score <= 1))
    return call.fail(wrong("score must be a number from 0 (useless) to 1 (perfect)", "score"));
  std::string_view comment;
  if (auto field = fields["comment"]; field.error() == simdjson::SUCCESS && !field.is_null())
    if (field.get(comment) != simdjson::SUCCESS)
      return call.fail(wrong("comment must be a text", "comment"));
  call.parameters = {std::string{job}};
  auto said = std::string{cut(comment, 4000)};
  with_job(std::move(call), [score, said](gateway_pointer self, const web_call_ptr& call,
                                          job_id job) {
    message_builder<schema::Feedback> out;
    out->initJob().setJournal(job.journal.value);
    out->getJob().setNumber(job.number);
    out->setScore(static_cast<float>(score));
    out->setComment(said);
    self->request(self->state.front, patience, feedback_atom_v, out.finish())
        .then([call](const tmsg::jobsum& summary) { call->json(cli::to_json(*summary.read())); },
              [call](const caf::error& err) { call->fail(err); });
  });
}

}  // namespace

void add_job_routes(std::vector<web_route>& routes) {
  constexpr auto key = web_access::key;
  routes.push_back({"POST", "/v1/jobs", key, submit_job});
  routes.push_back({"GET", "/v1/jobs", key, list_jobs});
  routes.push_back({"GET", "/v1/jobs/{id}", key, one_job});
  routes.push_back({"GET", "/v1/jobs/{id}/result", key, job_result});
  routes.push_back({"GET", "/v1/jobs/{id}/events", key, job_events});
  routes.push_back({"POST", "/v1/jobs/{id}/cancel", key, command_job<schema::JobAction::CANCEL>});
  routes.push_back({"POST", "/v1/jobs/{id}/pause", key, command_job<schema::JobAction::PAUSE>});
  routes.push_back({"POST", "/v1/jobs/{id}/resume", key, command_job<schema::JobAction::RESUME>});
  routes.push_back({"POST", "/v1/jobs/{id}/retry", key, command_job<schema::JobAction::RETRY>});
  routes.push_back({"POST", "/v1/feedback", key, feedback});
}

}  // namespace tandem
