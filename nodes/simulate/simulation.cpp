#include "nodes/simulate/simulation.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <unordered_map>

#include <caf/event_based_actor.hpp>
#include <caf/message.hpp>
#include <caf/send.hpp>

#include "actors/job/job_state.hpp"
#include "nodes/simulate/run_account.hpp"
#include "nodes/simulate/virtual_node.hpp"
#include "nodes/simulate/work_text.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem::simulation {
namespace {

using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::nanoseconds;
using time_point = virtual_system::time_point;

/// Attempts of clients have a journal of their own, as in the gateway.
constexpr std::uint64_t call_journal = 2;

double seconds(virtual_clock::duration_type time) {
  return duration<double>(time).count();
}

/// Sends what the source has, when it is due, and hands what comes of it to the account.
class driver {
 public:
  driver(const run_options& options, work_source& work, run_account& account, virtual_node& node)
      : options_{options}, work_{work}, account_{account}, node_{node}, begin_{node.time().now()} {}

  caf::error run() {
    auto& actors = node_.time().actors();
    for (auto& client : clients_)
      client = actors.spawn([this](caf::event_based_actor* self) -> caf::behavior {
        return {[this, self](wake_atom) {
          send(self);
          take_next();
          wait();
        }};
      });
    take_next();
    wait();
    while (!(source_empty_ && open_ == 0))
      if (!node_.time().step()) break;
    for (auto& client : clients_) caf::anon_send_exit(client, caf::exit_reason::user_shutdown);
    clients_ = {};
    if (open_ != 0 && !error_)
      error_ = make_error(errc::internal, std::to_string(open_) + " requests were never answered");
    return error_;
  }

 private:
  void take_next() {
    auto more = work_.next(item_);
    if (!more) error_ = more.error();
    source_empty_ = !more || !*more;
  }

  /// The clients take turns.
  void wait() {
    if (source_empty_) return;
    auto due = begin_ + duration_cast<nanoseconds>(duration<double>(item_.at_s));
    node_.time().send_at(due, clients_[number_ % clients_.size()], caf::make_message(wake_atom_v));
  }

  void send(caf::event_based_actor* self) {
    ++number_;
    ++open_;
    if (item_.job || !item_.goal.empty())
      send_job(self);
    else
      send_call(self);
  }

  void write_messages(capnp::List<schema::ChatMessage>::Builder out, std::string_view directive) {
    out[0].setRole(schema::Role::SYSTEM);
    out[0].setContent(text(text_));
    out[1].setRole(schema::Role::USER);
    out[1].setContent(text(directive));
  }

  void send_call(caf::event_based_actor* self) {
    auto counted = item_.at_s >= options_.warm_up_s;
    message_builder<schema::Attempt> out;
    auto fence = out->initFence();
    fence.initJob().setJournal(call_journal);
    fence.getJob().setNumber(number_);
    fence.setAttempt(1);
    out->setPurpose(schema::Purpose::ANSWER);
    out->setKind(item_.kind);
    out->setTenant(item_.tenant);
    auto directive = call_directive(item_, number_);
    auto whole = item_.input_tokens;
    // What the directive adds is not to be read on top.
    item_.input_tokens -=
        std::min<std::uint32_t>(whole, static_cast<std::uint32_t>((directive.size() + 3) / 4));
    write_prefix(item_, number_, text_);
    item_.input_tokens = whole;
    write_messages(out->initMessages(2), directive);
    out->setMaxTokens(std::max(item_.output_tokens, 1u));
    out->setTimeoutMs(static_cast<std::uint64_t>(options_.config.http.call_timeout.count()));
    out->setHedge(true);
    if (item_.verified) {
      auto check = out->initCheck();
      check.setKind("regex");
      check.setArgument(right_answer);
    }
    out->setModel(item_.model);
    out->setSession(item_.session);
    // For its prompts are not templates'.
    out->initClient().setPath(schema::ClientPath::CHAT);
    auto sent = node_.time().now();
    self->request(node_.pool(), caf::infinite, attempt_atom_v, out.finish(), chunk_sink{})
        .then(
            [this, sent, counted](const tmsg::attres& result) {
              --open_;
              if (counted)
                account_.on_call(*result.read(), seconds(sent - begin_),
                                 seconds(node_.time().now() - begin_));
            },
            [this, counted](const caf::error& err) {
              --open_;
              if (counted) account_.on_failure(message_of(err), false);
            });
  }

  void send_job(caf::event_based_actor* self) {
    auto counted = item_.at_s >= options_.warm_up_s;
    message_builder<schema::Submit> out;
    auto directive = item_.goal.empty() ? job_directive(item_, number_) : item_.goal;
    write_prefix(item_, number_, text_);
    write_messages(out->initMessages(2), directive);
    out->setTenant(item_.tenant);
    // What one call would answer in the place of a plan, no log and no load knows.
    out->setMode(schema::PlanMode::PLAN_ACT);
    out->setSession(item_.session);
    auto sent = node_.time().now();
    auto failed = [this, counted](const caf::error& err) {
      --open_;
      if (counted) account_.on_failure(message_of(err), true);
    };
    self->request(node_.planner(), caf::infinite, submit_atom_v, out.finish())
        .then(
            [this, self, sent, counted, failed](const tmsg::submitd& reply) {
              auto number = reply.read()->getJob().getNumber();
              if (counted) account_.count_job(number);
              message_builder<schema::JobRef> ref;
              ref->setJob(reply.read()->getJob());
              self->request(node_.planner(), caf::infinite, wait_atom_v, ref.finish())
                  .then(
                      [this, sent, counted, number](const tmsg::jobsum& summary) {
                        --open_;
                        if (counted)
                          account_.on_job(number, *summary.read(), seconds(sent - begin_),
                                          seconds(node_.time().now() - begin_));
                      },
                      failed);
            },
            failed);
  }

  const run_options& options_;
  work_source& work_;
  run_account& account_;
  virtual_node& node_;
  time_point begin_;
  /// Who asks. Many: an actor looks through all that it waits for when an answer comes.
  std::array<caf::actor, 256> clients_;
  work_item item_;
  std::string text_;
  std::uint64_t number_ = 0;
  std::uint64_t open_ = 0;
  bool source_empty_ = false;
  caf::error error_;
};

}  // namespace

caf::expected<node_config> to_simulated(node_config config,
                                        const std::map<std::string, std::uint32_t>& replicas) {
  std::vector<engine_config> engines;
  for (auto& engine : config.engines) {
    if (engine.kind != "sim" && !engine.has_sim)
      return make_error(errc::invalid_argument, "engine '" + engine.name + "' is of kind " +
                                                    engine.kind +
                                                    " and has no [engine.sim]: `tandem calibrate " +
                                                    engine.name + "` measures it and writes one");
    engine.kind = "sim";
    if (auto found = replicas.find(engine.model); found != replicas.end()) {
      auto same = [&](const engine_config& other) { return other.model == engine.model; };
      if (std::any_of(engines.begin(), engines.end(), same)) continue;
      for (std::uint32_t i = 0; i < found->second; ++i) {
        auto copy = engine;
        copy.name = engine.name + "-" + std::to_string(i);
        copy.sim.seed = engine.sim.seed + i;
        engines.push_back(std::move(copy));
      }
      continue;
    }
    engines.push_back(std::move(engine));
  }
  for (const auto& [model, count] : replicas) {
    auto of = [&model = model](const engine_config& engine) { return engine.model == model; };
    if (std::none_of(engines.begin(), engines.end(), of) && count != 0)
      return make_error(errc::invalid_argument, "no engine of a model '" + model + "' to multiply");
  }
  config.engines = std::move(engines);
  return config;
}

caf::expected<run_result> run(const run_options& options, work_source& work) {
  work.rewind();
  run_account account{options};
  virtual_node node{
      {.config = options.config,
       .seed = options.seed,
       .sync = options.sync,
       .on_write = [&account](const journal_write& write) { account.on_write(write); }}};
  driver drive{options, work, account, node};
  account.begin(node.time().now());
  if (auto err = drive.run()) return err;
  return account.finish();
}

}  // namespace tandem::simulation
