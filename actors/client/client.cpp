#include "actors/client/client.hpp"

#include <algorithm>
#include <cmath>
#include <future>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include <caf/actor_system.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/openssl/remote_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include "actors/supervisor/supervisor_actor.hpp"
#include "actors/system/caf_settings.hpp"
#include "actors/system/connection_check.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// Runs in the session actor.
struct session_task {
  std::function<void(caf::event_based_actor*)> run;
};

constexpr std::chrono::seconds follow_patience{20};
constexpr std::size_t engine_bytes_max = std::size_t{256} * 1024;
/// Loading a model takes its time.
constexpr std::chrono::seconds engine_start_patience{60};

/// How long wait() and follow() ask again after the job's home was lost: it may be taken over, or
/// start again.
constexpr std::chrono::seconds home_patience{10};

}  // namespace
}  // namespace tandem

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::session_task)

namespace tandem {
namespace {

/// Calls under way: whoever waits is told when the node goes away, since CAF never answers a
/// request to a dead peer.
class pending_calls {
 public:
  using fail = std::function<void(const caf::error&)>;

  /// Nothing when the node is gone already.
  std::optional<std::uint64_t> add(fail on_failure) {
    std::lock_guard lock{mutex_};
    if (lost_) return std::nullopt;
    calls_.emplace(next_, std::move(on_failure));
    return next_++;
  }

  /// False when somebody else has ended the call.
  bool remove(std::uint64_t call) {
    std::lock_guard lock{mutex_};
    return calls_.erase(call) != 0;
  }

  /// Whether the node that this client talks to is gone.
  bool lost() {
    std::lock_guard lock{mutex_};
    return lost_;
  }

  void fail_all(const caf::error& err) {
    std::map<std::uint64_t, fail> calls;
    {
      std::lock_guard lock{mutex_};
      lost_ = true;
      calls.swap(calls_);
    }
    for (auto& [number, on_failure] : calls) on_failure(err);
  }

 private:
  std::mutex mutex_;
  bool lost_ = false;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, fail> calls_;
};

caf::behavior session_behavior(caf::event_based_actor* self, const supervisor_actor& supervisor,
                               const std::shared_ptr<pending_calls>& calls,
                               const std::string& address) {
  self->monitor(supervisor);
  self->set_down_handler([calls, address](const caf::down_msg&) {
    calls->fail_all(
        make_error(errc::unavailable, "the node at " + address +
                                          " went away; what it acknowledged is safe in its "
                                          "journal: start it again and ask again"));
  });
  return {[self](const session_task& task) { task.run(self); }};
}

void write_job(schema::JobId::Builder out, job_id job) {
  out.setJournal(job.journal.value);
  out.setNumber(job.number);
}

/// Checked here too, since a message above the limit, or with text that is no UTF-8, would be lost
/// on the way.
caf::error check_texts(const submission& what) {
  auto bytes = what.goal.size() + what.client_key.size() + what.tenant.size() + what.check.size() +
               what.check_argument.size();
  // A zero byte would cut the text that it stands in.
  auto good = [](const std::string& s) {
    return is_valid_utf8(s) && s.find('\0') == std::string::npos;
  };
  auto sound = good(what.goal) && good(what.client_key) && good(what.tenant) && good(what.check) &&
               good(what.check_argument);
  for (const auto& tag : what.tags) {
    bytes += tag.size() + sizeof(capnp::word);
    sound = sound && good(tag);
  }
  if (bytes > message_limits{}.words_max * sizeof(capnp::word) / 2)
    return make_error(errc::invalid_argument,
                      "the goal, key, tenant, tags and check have " + std::to_string(bytes) +
                          " bytes; 512 KiB is the most that one message carries");
  if (!sound)
    return make_error(
        errc::invalid_argument,
        "the goal, key, tenant, check or a tag is not UTF-8 text, or has a zero byte");
  if (what.timeout.count() < 0)
    return make_error(errc::invalid_argument, "the timeout is negative");
  if (!to_nanousd(what.budget_usd))
    return make_error(errc::invalid_argument, "the budget is not from 0 to a billion US dollars");
  return caf::none;
}

tmsg::jobref make_ref(job_id job, std::uint32_t text_bytes_max = 0) {
  message_builder<schema::JobRef> ref;
  write_job(ref->initJob(), job);
  ref->setTextBytesMax(text_bytes_max);
  return ref.finish();
}

/// A heartbeat tick can abort a connect in progress, and of many clients at once some are not
/// served in time: tried again after a pause that differs from theirs.
caf::expected<supervisor_actor> reach_supervisor(caf::actor_system& system,
                                                 const client_options& options) {
  constexpr auto pause_first = std::chrono::milliseconds{50};
  auto end = std::chrono::steady_clock::now() + 2 * options.connect_timeout;
  std::minstd_rand random{std::random_device{}()};
  for (auto pause = pause_first;; pause *= 2) {
    auto reached = caf::openssl::remote_actor<supervisor_actor>(system, options.host, options.port);
    if (reached || std::chrono::steady_clock::now() > end) return reached;
    std::this_thread::sleep_for(pause * (50 + random() % 100) / 100);
  }
}

}  // namespace

std::optional<std::int64_t> to_nanousd(double usd) {
  // False for what is no number.
  if (!(usd >= 0 && usd <= 1e9)) return std::nullopt;
  return std::llround(usd * 1e9);
}

struct client::state {
  // Destroyed from the bottom up: the actor system needs its configuration to the end.
  std::unique_ptr<system_config> config;
  std::unique_ptr<caf::actor_system> system;
  client_options options;
  std::shared_ptr<pending_calls> calls = std::make_shared<pending_calls>();
  supervisor_actor supervisor;
  planner_actor planner;
  caf::actor session;

  ~state() {
    if (session) caf::anon_send_exit(session, caf::exit_reason::user_shutdown);
  }

  template <class Reply, class Handle, class... Args>
  caf::expected<Reply> call(const Handle& whom, std::chrono::milliseconds timeout, Args... args) {
    auto promise = std::make_shared<std::promise<caf::expected<Reply>>>();
    auto answer = promise->get_future();
    auto number = calls->add([promise](const caf::error& err) { promise->set_value(err); });
    if (!number) return make_error(errc::unavailable, "the node went away; connect again");
    auto known = calls;
    auto finish = [promise, known, call = *number](caf::expected<Reply> value) {
      if (known->remove(call)) promise->set_value(std::move(value));
    };
    caf::anon_send(session, session_task{[whom, args..., finish](caf::event_based_actor* self) {
                     self->request(whom, caf::infinite, args...)
                         .then([finish](const Reply& reply) { finish(reply); },
                               [finish](const caf::error& err) { finish(err); });
                   }});
    if (answer.wait_for(timeout) != std::future_status::ready && calls->remove(*number))
      return make_error(errc::deadline_exceeded,
                        "no answer within " + std::to_string(timeout.count()) + " ms");
    return answer.get();
  }

  /// A call that waits for something to happen at the job's home. While the node that this client
  /// talks to is there, a lost home is asked for again for a while.
  template <class Reply, class... Args>
  caf::expected<Reply> call_home(std::chrono::milliseconds timeout, Args... args) {
    using clock = std::chrono::steady_clock;
    constexpr auto pause_max = std::chrono::milliseconds{1'000};
    auto end = clock::now() + timeout;
    std::optional<clock::time_point> lost_since;
    for (auto pause = std::chrono::milliseconds{50};; pause = std::min(2 * pause, pause_max)) {
      auto began = clock::now();
      auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - began);
      auto reply = call<Reply>(planner, std::max(left, std::chrono::milliseconds{0}), args...);
      if (reply || code_of(reply.error()) != errc::unavailable || calls->lost()) return reply;
      auto now = clock::now();
      // It has waited for a while: the home was there in between.
      if (!lost_since || now - began > pause_max) lost_since = now;
      if (now + pause > end || now - *lost_since > home_patience) return reply;
      std::this_thread::sleep_for(pause);
    }
  }

  template <class Reply, class... Args>
  caf::expected<Reply> ask(Args... args) {
    return call<Reply>(planner, options.call_timeout, std::move(args)...);
  }
};

client::client(std::unique_ptr<state> state) : state_{std::move(state)} {}
client::client(client&&) noexcept = default;
client& client::operator=(client&&) noexcept = default;
client::~client() = default;

caf::expected<client> client::connect(const client_options& options) {
  if (auto err = check_connection({.host = options.host,
                                   .port = options.port,
                                   .tls = options.tls,
                                   .timeout = options.connect_timeout}))
    return err;
  // Patient: many clients at once take the node's one network thread some seconds.
  auto config = system_config::make(
      {.threads = 1, .network = options.tls, .connection_timeout = std::chrono::seconds{10}});
  if (!config) return std::move(config.error());
  auto made = std::make_unique<state>();
  made->options = options;
  made->config = std::move(*config);
  made->config->add_message_types<caf::id_block::tandem_handles>();
  made->system = std::make_unique<caf::actor_system>(*made->config);
  auto address = options.host + ':' + std::to_string(options.port);
  auto supervisor = reach_supervisor(*made->system, options);
  if (!supervisor)
    return make_error(errc::unavailable,
                      "what answers at " + address + " did not greet as a node of this version (" +
                          caf::to_string(supervisor.error()) +
                          "); it may be overloaded: try again, or look at its log");
  made->supervisor = *supervisor;
  made->session = made->system->spawn(session_behavior, *supervisor, made->calls, address);
  auto planner = made->call<planner_actor>(*supervisor, options.connect_timeout, planner_atom_v);
  if (!planner) return std::move(planner.error());
  made->planner = *planner;
  return client{std::move(made)};
}

caf::expected<tmsg::submitd> client::submit(const tmsg::submit& what) {
  return state_->ask<tmsg::submitd>(submit_atom_v, what);
}

caf::expected<job_id> client::submit(const submission& what) {
  if (auto err = check_texts(what)) return err;
  message_builder<schema::Submit> submit;
  auto message = submit->initMessages(1)[0];
  message.setRole(schema::Role::USER);
  message.setContent(what.goal);
  submit->setMode(what.mode);
  submit->setClientKey(what.client_key);
  submit->setTenant(what.tenant);
  submit->setPriority(what.priority);
  submit->setTimeoutMs(static_cast<std::uint64_t>(what.timeout.count()));
  auto budget = submit->initBudget();
  budget.setTokens(what.budget_tokens);
  budget.setCostNanousd(*to_nanousd(what.budget_usd));
  auto check = submit->initCheck();
  check.setKind(what.check);
  check.setArgument(what.check_argument);
  submit->setWeights(what.weights);
  if (what.trace.is_set()) write_trace(submit->initTrace(), what.trace);
  auto tags = submit->initTags(static_cast<unsigned>(what.tags.size()));
  for (unsigned i = 0; i < tags.size(); ++i) tags.set(i, what.tags[i]);
  auto reply = this->submit(submit.finish());
  if (!reply) return std::move(reply.error());
  auto job = reply->read()->getJob();
  return job_id{journal_id{job.getJournal()}, job.getNumber()};
}

caf::expected<tmsg::jobsum> client::wait(job_id job, std::chrono::milliseconds timeout) {
  return state_->call_home<tmsg::jobsum>(timeout, wait_atom_v, make_ref(job));
}

caf::expected<tmsg::events> client::next_events(job_id job, std::uint64_t after, bool at_once,
                                                std::chrono::milliseconds timeout) {
  message_builder<schema::Follow> follow;
  write_job(follow->initJob(), job);
  follow->setAfter(after);
  follow->setAtOnce(at_once);
  if (at_once)
    return state_->call<tmsg::events>(state_->planner, timeout, follow_atom_v, follow.finish());
  return state_->call_home<tmsg::events>(timeout, follow_atom_v, follow.finish());
}

caf::error client::follow(job_id job, std::uint64_t after,
                          const std::function<bool(schema::JobEvent::Reader)>& on_event) {
  while (true) {
    auto events = next_events(job, after, false, follow_patience);
    if (!events && code_of(events.error()) == errc::deadline_exceeded) continue;
    if (!events) return std::move(events.error());
    auto reader = events->read();
    for (auto event : reader->getEvents())
      if (!on_event(event)) return caf::none;
    after = reader->getLast();
    if (reader->getEnded()) return caf::none;
  }
}

caf::expected<tmsg::jobsum> client::summary(job_id job) {
  return state_->ask<tmsg::jobsum>(summary_atom_v, make_ref(job));
}

caf::expected<tmsg::jobview> client::view(job_id job, std::uint32_t text_bytes_max) {
  return state_->ask<tmsg::jobview>(view_atom_v, make_ref(job, text_bytes_max));
}

caf::expected<tmsg::joblist> client::list(const tmsg::jobqry& query) {
  return state_->ask<tmsg::joblist>(list_atom_v, query);
}

caf::expected<tmsg::costrep> client::cost(const tmsg::costqry& query) {
  return state_->ask<tmsg::costrep>(cost_atom_v, query);
}

caf::expected<std::string> client::result(job_id job) {
  std::string answer;
  while (true) {
    message_builder<schema::ResultQuery> query;
    write_job(query->initJob(), job);
    query->setOffset(answer.size());
    auto chunk = state_->ask<tmsg::reschnk>(result_atom_v, query.finish());
    if (!chunk) return std::move(chunk.error());
    auto reader = chunk->read();
    if (reader->getState() != schema::JobState::DONE) {
      auto reason = reader->getReason().size() == 0
                        ? std::string{}
                        : ": " + std::string{tandem::view(reader->getReason())};
      return make_error(errc::conflict, "job " + to_string(job) + " is not done" + reason);
    }
    auto piece = reader->getText().asChars();
    answer.append(piece.begin(), piece.size());
    if (piece.size() == 0 || answer.size() >= reader->getTotalBytes()) return answer;
  }
}

caf::expected<tmsg::jobsum> client::command(job_id job, schema::JobAction action,
                                            std::string_view reason) {
  message_builder<schema::JobCommand> command;
  write_job(command->initJob(), job);
  command->setAction(action);
  command->setReason(valid_utf8(reason));
  return state_->ask<tmsg::jobsum>(command_atom_v, command.finish());
}

caf::expected<tmsg::jobsum> client::feedback(job_id job, float score, std::string_view comment) {
  message_builder<schema::Feedback> feedback;
  write_job(feedback->initJob(), job);
  feedback->setScore(score);
  feedback->setComment(valid_utf8(comment));
  return state_->ask<tmsg::jobsum>(feedback_atom_v, feedback.finish());
}

caf::expected<tmsg::purged> client::purge(job_id job) {
  // On the wire number 0 means "by age": it must never come from a job's id.
  if (job.number == 0) return make_error(errc::not_found, "no job " + to_string(job));
  message_builder<schema::Purge> purge;
  write_job(purge->initJob(), job);
  return state_->ask<tmsg::purged>(purge_atom_v, purge.finish());
}

caf::expected<tmsg::purged> client::purge_older_than(std::chrono::milliseconds age) {
  message_builder<schema::Purge> purge;
  purge->setOlderThanMs(static_cast<std::uint64_t>(std::max<std::int64_t>(age.count(), 0)));
  return state_->ask<tmsg::purged>(purge_atom_v, purge.finish());
}

caf::expected<tmsg::topo> client::topology() {
  return state_->call<tmsg::topo>(state_->supervisor, state_->options.call_timeout, topo_atom_v);
}

caf::error client::drain(std::string_view node) {
  message_builder<schema::DrainQuery> query;
  query->setNode(valid_utf8(node));
  auto begun = state_->call<caf::ok_atom>(state_->supervisor, state_->options.call_timeout,
                                          drain_atom_v, query.finish());
  return begun ? caf::none : std::move(begun.error());
}

caf::expected<tmsg::engrep> client::probe_engine(std::string_view name,
                                                 std::chrono::milliseconds timeout) {
  message_builder<schema::EngineQuery> query;
  query->setName(valid_utf8(name));
  return state_->call<tmsg::engrep>(state_->supervisor, timeout, engine_atom_v, query.finish());
}

caf::expected<tmsg::engrep> client::add_engine(std::string_view toml) {
  // A longer message would be lost on the way, and a zero byte would cut the text.
  if (toml.size() > engine_bytes_max || !is_valid_utf8(toml) ||
      toml.find('\0') != std::string_view::npos)
    return make_error(errc::invalid_argument,
                      "the engine's config is above 256 KiB, or no UTF-8 text");
  message_builder<schema::EngineCommand> command;
  command->setAction(schema::EngineAction::ADD);
  command->setToml(std::string{toml});
  return state_->call<tmsg::engrep>(state_->supervisor,
                                    state_->options.call_timeout + engine_start_patience,
                                    engine_atom_v, command.finish());
}

caf::expected<tmsg::engrep> client::drain_engine(std::string_view name, bool is_drained) {
  message_builder<schema::EngineCommand> command;
  command->setAction(is_drained ? schema::EngineAction::DRAIN : schema::EngineAction::UNDRAIN);
  command->setName(valid_utf8(name));
  return state_->call<tmsg::engrep>(state_->supervisor, state_->options.call_timeout, engine_atom_v,
                                    command.finish());
}

caf::expected<tmsg::engrep> client::remove_engine(std::string_view name,
                                                  std::chrono::milliseconds deadline) {
  message_builder<schema::EngineCommand> command;
  command->setAction(schema::EngineAction::REMOVE);
  command->setName(valid_utf8(name));
  command->setDeadlineMs(static_cast<std::uint64_t>(std::max<std::int64_t>(deadline.count(), 0)));
  return state_->call<tmsg::engrep>(state_->supervisor, state_->options.call_timeout + deadline,
                                    engine_atom_v, command.finish());
}

caf::expected<tmsg::cachrpt> client::cache(const tmsg::cachcmd& command) {
  return state_->call<tmsg::cachrpt>(state_->supervisor, state_->options.call_timeout, cache_atom_v,
                                     command);
}

caf::expected<tmsg::wtrep> client::weights(const tmsg::wtcmd& command,
                                           std::chrono::milliseconds timeout) {
  return state_->call<tmsg::wtrep>(state_->supervisor, state_->options.call_timeout + timeout,
                                   weight_atom_v, command);
}

caf::expected<tmsg::keyrpt> client::keys(const tmsg::keycmd& command) {
  return state_->call<tmsg::keyrpt>(state_->supervisor, state_->options.call_timeout, key_atom_v,
                                    command);
}

caf::expected<tmsg::rtrep> client::route(const tmsg::rtcmd& command) {
  return state_->call<tmsg::rtrep>(state_->supervisor, state_->options.call_timeout, route_atom_v,
                                   command);
}

}  // namespace tandem
