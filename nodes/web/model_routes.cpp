// /v1/chat/completions, /v1/responses, /v1/embeddings, /v1/models.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <random>

#include <simdjson.h>

#include "actors/clock.hpp"
#include "actors/gateway/client_job.hpp"
#include "nodes/web/request_trace.hpp"
#include "nodes/web/submit_request.hpp"
#include "nodes/web/web_context.hpp"
#include "schema/json_writer.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::string_view job_model = "tandem";
constexpr std::string_view auto_model = "tandem-auto";
constexpr std::string_view call_kind = "chat";
/// When models were made nobody knows: OpenAI's clients want a number.
constexpr std::uint64_t models_made_s = 1'700'000'000;

std::uint64_t random_number() {
  thread_local std::mt19937_64 source{std::random_device{}()};
  return source();
}

/// Where a name leads.
struct target {
  enum class kind : std::uint8_t { none, job, any, tier, model };
  kind is = kind::none;
  std::string_view name;
};

target find_target(const node_config& config, std::string_view name, bool embeds) {
  if (!embeds && name == job_model) return {target::kind::job, name};
  if (!embeds && name == auto_model) return {target::kind::any, {}};
  for (const auto& model : config.models)
    if (model.name == name && model.embeds == embeds) return {target::kind::model, model.name};
  for (const auto& model : config.models)
    if (model.tier == name && model.embeds == embeds) return {target::kind::tier, model.tier};
  return {};
}

std::vector<std::string> names_of(const node_config& config, bool embeds) {
  std::vector<std::string> out;
  if (!embeds) out = {std::string{job_model}, std::string{auto_model}};
  auto add = [&](const std::string& name) {
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  };
  for (const auto& model : config.models)
    if (model.embeds == embeds) add(model.tier);
  for (const auto& model : config.models)
    if (model.embeds == embeds) add(model.name);
  return out;
}

openai_error unknown_model(const web_call& call, std::string_view name, bool embeds) {
  std::string known;
  for (const auto& each : names_of(call.parts->config, embeds))
    if (call.caller->may_use(each)) known += (known.empty() ? "" : ", ") + each;
  return {.status = 404,
          .message = "there is no model '" + std::string{name} + "'" +
                     (embeds ? " that makes vectors" : "") +
                     (known.empty() ? std::string{} : "; there is " + known),
          .type = "not_found_error",
          .param = "model",
          .code = "model_not_found"};
}

openai_error to_error(const key_refusal& refused) {
  return {.status = refused.status,
          .message = refused.text,
          .type = refused.status == 401 ? "authentication_error" : "rate_limit_error",
          .code = refused.code};
}

/// Nobody's reading of a request: about four bytes a token.
budget estimate(std::size_t prompt_bytes, std::uint64_t max_tokens) {
  return {prompt_bytes / 4 + max_tokens, 0};
}

/// How many answers a chat asks for.
std::uint64_t answers_of(const client_chat& chat) {
  std::uint64_t most = 1;
  if (chat.body.empty()) return most;
  simdjson::dom::parser parser;
  simdjson::dom::object fields;
  if (parser.parse(chat.body).get(fields) != simdjson::SUCCESS) return most;
  // Of the latter, some servers write all and answer with one.
  for (std::string_view key : {"n", "best_of"})
    if (std::uint64_t n = 0; fields[key].get(n) == simdjson::SUCCESS)
      most = std::clamp<std::uint64_t>(n, most, 128);
  return most;
}

/// Holds one of the places of requests that wait, and the key's permit, until the end.
struct request_hold {
  std::shared_ptr<web_parts> parts;
  key_permit permit;
  request_trace trace;
  bool waits = true;

  request_hold(const web_call& call, key_permit held, std::string_view path)
      : parts{call.parts}, permit{std::move(held)}, trace{call.parts->traces, call.request, path} {
    ++parts->waiting;
  }
  request_hold(const request_hold&) = delete;
  request_hold& operator=(const request_hold&) = delete;
  ~request_hold() { release(); }

  void release() {
    if (std::exchange(waits, false)) --parts->waiting;
  }

  void end(const request_end& how) {
    if (how.end != nullptr) permit.settle(how.is_paid ? budget{} : used(*how.end), unix_ms());
    // Its key's place is kept for what goes on without its client.
    if (how.is_late) return;
    trace.end(how);
    release();
  }
  static budget used(const call_end& end) {
    return {end.prompt_tokens + end.completion_tokens, end.cost_nanousd};
  }
};

/// Null: it has been answered.
std::shared_ptr<request_hold> hold(const web_call& call, std::string_view route,
                                   const budget& needs) {
  if (call.parts->waiting >= call.parts->config.http.requests_max) {
    call.fail({.status = 503,
               .message = "http.requests_max requests wait already; try again",
               .type = "server_error",
               .code = "overloaded"},
              1000);
    return nullptr;
  }
  auto admission = call.parts->keys->admit(*call.caller, unix_ms(), needs);
  if (auto* refused = std::get_if<key_refusal>(&admission)) {
    call.fail(to_error(*refused), static_cast<std::uint64_t>(refused->retry_after.count()));
    return nullptr;
  }
  return std::make_shared<request_hold>(call, std::get<key_permit>(std::move(admission)), route);
}

event_stream::header_list headers_of(std::string_view id, const std::vector<std::string>& unknown) {
  event_stream::header_list out{{"X-Request-Id", std::string{id}}};
  if (unknown.empty()) return out;
  std::string names;
  for (const auto& each : unknown) names += (names.empty() ? "" : ", ") + each;
  out.emplace_back("Tandem-Warning", "unknown fields: " + std::string{cut(names, 1000)});
  return out;
}

void write_turns(capnp::List<schema::ChatMessage>::Builder list,
                 const std::vector<client_turn>& turns) {
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setRole(turns[i].role);
    list[i].setContent(text(turns[i].text));
  }
}

template <class List>
void write_texts(List list, const std::vector<std::string>& texts) {
  for (unsigned i = 0; i < list.size(); ++i) list.set(i, texts[i]);
}

std::size_t bytes_of(const client_chat& chat) {
  auto bytes = chat.body.size();
  for (const auto& turn : chat.turns) bytes += turn.text.size();
  return bytes;
}

void write_target(schema::Attempt::Builder out, const target& to) {
  if (to.is == target::kind::tier) out.setTier(text(std::string{to.name}));
  if (to.is == target::kind::model) out.setModel(std::string{to.name});
}

tmsg::attempt make_attempt(const web_call& call, const client_chat& chat, const target& to,
                           std::uint64_t number, const trace_context& trace) {
  const auto& http = call.parts->config.http;
  const auto& options = chat.options;
  message_builder<schema::Attempt> out;
  auto fence = out->initFence();
  fence.initJob().setJournal(call.parts->call_journal);
  fence.getJob().setNumber(number);
  fence.setAttempt(1);
  out->setPurpose(schema::Purpose::ANSWER);
  out->setKind(text(call_kind));
  out->setTenant(call.caller->tenant);
  write_turns(out->initMessages(static_cast<unsigned>(chat.turns.size())), chat.turns);
  out->setMaxTokens(chat.max_tokens == 0 ? http.max_tokens : chat.max_tokens);
  out->setTemperature(chat.temperature.value_or(std::numeric_limits<float>::quiet_NaN()));
  out->setTopP(chat.top_p);
  out->setTopK(chat.top_k);
  // What is sampled is another answer each time; at 0 the seed is nothing.
  auto is_greedy = chat.temperature && *chat.temperature == 0;
  out->setSeed(chat.seed.value_or(is_greedy ? 0 : random_number() >> 33));
  out->setPriority(static_cast<std::int8_t>(call.caller->priority(options.priority)));
  out->setTimeoutMs(options.timeout_ms == 0 ? static_cast<std::uint64_t>(http.call_timeout.count())
                                            : options.timeout_ms);
  write_target(*out, to);
  out->setStream(chat.stream);
  if (!chat.response_schema.empty()) out->setResponseSchema(chat.response_schema);
  if (!options.check_kind.empty()) {
    auto check = out->initCheck();
    check.setKind(options.check_kind);
    check.setArgument(options.check_argument);
  }
  if (options.budget_tokens != 0 || options.budget_nanousd != 0) {
    auto allowance = out->initAllowance();
    allowance.setTokens(options.budget_tokens);
    allowance.setCostNanousd(options.budget_nanousd);
  }
  out->setHedge(!chat.stream);
  write_texts(out->initTags(static_cast<unsigned>(options.tags.size())), options.tags);
  out->setCache(options.cache);
  out->setSession(options.session);
  auto client = out->initClient();
  client.setPath(schema::ClientPath::CHAT);
  if (!chat.body.empty())
    client.setBody({reinterpret_cast<const kj::byte*>(chat.body.data()), chat.body.size()});
  client.setOpenEnded(chat.max_tokens == 0);
  if (trace.is_set()) write_trace(out->initTrace(), trace);
  return out.finish();
}

void start_call(web_call call, client_chat chat, const target& to, std::string_view route) {
  const auto& http = call.parts->config.http;
  std::uint64_t most = chat.max_tokens == 0 ? http.max_tokens : chat.max_tokens;
  auto held = hold(call, route, estimate(bytes_of(chat), most * answers_of(chat)));
  if (!held) return;
  auto number = call.parts->next_number++;
  auto id = std::to_string(call.parts->call_journal) + "-" + std::to_string(number);
  client_call_start start{.gateway = call.parts->gateway,
                          .reply = std::move(call.reply),
                          .writer = make_answer_writer(chat, id, unix_ms() / 1000),
                          .attempt = make_attempt(call, chat, to, number, held->trace.context()),
                          .stream = chat.stream,
                          .headers = headers_of(id, chat.unknown),
                          .pulse = http.stream_pulse,
                          .done = [held](const request_end& how) { held->end(how); }};
  client_call::begin(std::move(start));
}

void start_job(web_call call, const client_chat& chat, std::string_view route) {
  // Nobody would tell the models of it.
  if (!chat.response_schema.empty())
    return call.fail({.message =
                          "the model 'tandem' keeps to no schema; have its answer checked by "
                          "tandem.check of kind json_schema, or ask a model by its name",
                      .param = chat.dialect == client_dialect::chat ? "response_format" : "text",
                      .code = "unsupported_parameter"});
  if (!chat.body.empty()) {
    std::string needs;
    for (const auto& each : chat.needs) needs += (needs.empty() ? "" : ", ") + each;
    return call.fail({.message = "the model 'tandem' plans and acts by itself and takes no " +
                                 needs + "; ask 'tandem-auto' or a model by its name",
                      .param = chat.needs.empty() ? std::string{} : chat.needs.front(),
                      .code = "unsupported_parameter"});
  }
  if (auto error = check_goal(call.parts->config, chat.turns, chat.options, "messages"))
    return call.fail(*error);
  auto held = hold(call, route, estimate(bytes_of(chat), 0));
  if (!held) return;
  auto number = call.parts->next_number++;
  auto id = std::to_string(call.parts->call_journal) + "-" + std::to_string(number);
  auto submit = make_submit(call, chat.turns, chat.options, held->trace.context());
  client_job_start start{.gateway = call.parts->gateway,
                         .reply = std::move(call.reply),
                         .writer = make_answer_writer(chat, id, unix_ms() / 1000),
                         .submit = submit,
                         .number = number,
                         .stream = chat.stream,
                         .progress = chat.options.progress,
                         .background = chat.options.background,
                         .headers = headers_of(id, chat.unknown),
                         .pulse = call.parts->config.http.stream_pulse,
                         .done = [held](const request_end& how) { held->end(how); }};
  client_job::begin(std::move(start));
}

void answer_chat(web_call call, client_dialect dialect, std::string_view route) {
  auto read = read_client_chat(call.request.body, dialect);
  if (auto* wrong = std::get_if<openai_error>(&read)) return call.fail(*wrong);
  auto& chat = std::get<client_chat>(read);
  auto to = find_target(call.parts->config, chat.model, false);
  if (to.is == target::kind::none || !call.caller->may_use(chat.model))
    return call.fail(unknown_model(call, chat.model, false));
  // The text has been read: it need not wait with the call.
  std::string{}.swap(call.request.body);
  if (to.is == target::kind::job) return start_job(std::move(call), chat, route);
  start_call(std::move(call), std::move(chat), to, route);
}

void chat_completions(web_call call) {
  answer_chat(std::move(call), client_dialect::chat, "/v1/chat/completions");
}

void responses(web_call call) {
  answer_chat(std::move(call), client_dialect::responses, "/v1/responses");
}

void embeddings(web_call call) {
  constexpr std::string_view route = "/v1/embeddings";
  auto read = read_client_embeddings(call.request.body);
  if (auto* wrong = std::get_if<openai_error>(&read)) return call.fail(*wrong);
  auto& wanted = std::get<client_embeddings>(read);
  auto to = find_target(call.parts->config, wanted.model, true);
  if (to.is == target::kind::none || !call.caller->may_use(wanted.model))
    return call.fail(unknown_model(call, wanted.model, true));
  auto held = hold(call, route, estimate(wanted.body.size(), 0));
  if (!held) return;
  const auto& http = call.parts->config.http;
  auto number = call.parts->next_number++;
  auto id = std::to_string(call.parts->call_journal) + "-" + std::to_string(number);
  message_builder<schema::Attempt> out;
  auto fence = out->initFence();
  fence.initJob().setJournal(call.parts->call_journal);
  fence.getJob().setNumber(number);
  fence.setAttempt(1);
  out->setPurpose(schema::Purpose::EMBED);
  out->setTenant(call.caller->tenant);
  auto messages = out->initMessages(static_cast<unsigned>(wanted.inputs.size()));
  for (unsigned i = 0; i < messages.size(); ++i) {
    messages[i].setRole(schema::Role::USER);
    messages[i].setContent(wanted.inputs[i]);
  }
  out->setTimeoutMs(static_cast<std::uint64_t>(http.call_timeout.count()));
  write_target(*out, to);
  out->setCache(schema::CacheUse::OFF);
  if (held->trace.context().is_set()) write_trace(out->initTrace(), held->trace.context());
  auto client = out->initClient();
  client.setPath(schema::ClientPath::EMBEDDINGS);
  client.setBody({reinterpret_cast<const kj::byte*>(wanted.body.data()), wanted.body.size()});
  client_call::begin({.gateway = call.parts->gateway,
                      .reply = std::move(call.reply),
                      .attempt = out.finish(),
                      .headers = headers_of(id, wanted.unknown),
                      .done = [held](const request_end& how) { held->end(how); }});
}

void write_model(json_writer& json, std::string_view name) {
  json.object();
  json.field("id", name);
  json.field("object", "model");
  json.field("created", models_made_s);
  json.field("owned_by", "tandem");
  json.end();
}

std::vector<std::string> models_of(const web_call& call) {
  auto all = names_of(call.parts->config, false);
  for (auto& each : names_of(call.parts->config, true)) all.push_back(std::move(each));
  std::erase_if(all, [&](const std::string& name) { return !call.caller->may_use(name); });
  return all;
}

void list_models(web_call call) {
  json_writer json;
  json.object();
  json.field("object", "list");
  json.array_field("data");
  for (const auto& name : models_of(call)) write_model(json, name);
  json.end();
  json.end();
  call.json(json.text());
}

void one_model(web_call call) {
  const auto& name = call.parameters[0];
  auto all = models_of(call);
  if (std::find(all.begin(), all.end(), name) == all.end())
    return call.fail(unknown_model(call, name, false));
  json_writer json;
  write_model(json, name);
  call.json(json.text());
}

}  // namespace

std::optional<openai_error> check_goal(const node_config& config,
                                       const std::vector<client_turn>& turns,
                                       const tandem_options& options, std::string_view param) {
  auto bytes = options.check_argument.size();
  for (const auto& turn : turns) bytes += turn.text.size();
  auto most = config.jobs.goal_bytes_max;
  if (bytes <= most) return std::nullopt;
  return openai_error{.message = "the goal and its check have " + std::to_string(bytes) +
                                 " bytes; jobs.goal_bytes_max allows " + std::to_string(most),
                      .param = std::string{param},
                      .code = "too_long"};
}

void add_model_routes(std::vector<web_route>& routes) {
  routes.push_back({"POST", "/v1/chat/completions", web_access::key, chat_completions});
  routes.push_back({"POST", "/v1/responses", web_access::key, responses});
  routes.push_back({"POST", "/v1/embeddings", web_access::key, embeddings});
  routes.push_back({"GET", "/v1/models", web_access::key, list_models});
  routes.push_back({"GET", "/v1/models/{id...}", web_access::key, one_model});
}

}  // namespace tandem
