#include "tests/actor/cache/cache_cluster.hpp"

#include <gtest/gtest.h>

#include "schema/text.hpp"

namespace tandem::testing {
namespace {

std::string plan_of(std::string_view goal) {
  std::set<std::string> numbers;
  std::string number;
  for (char each : std::string{goal} + " ") {
    if (each >= '0' && each <= '9') {
      number += each;
    } else if (!number.empty()) {
      numbers.insert(number);
      number.clear();
    }
  }
  std::string prompt = "add";
  for (const auto& each : numbers) prompt += " " + each;
  return R"({"steps":[{"id":1,"kind":"calc","prompt":")" + prompt + R"("}]})";
}

tmsg::attres result_of(const telling_engine::call& call, telling_engine& book) {
  auto attempt = call.attempt.read();
  auto decision = call.decision.read();
  message_builder<schema::AttemptResult> out;
  out->setFence(attempt->getFence());
  out->setFinish(schema::Finish::STOP);
  out->setModel(decision->getModel());
  out->setTier(decision->getTier());
  out->setEngine(decision->getEngine());
  out->setWeightVersion(call.weights);
  if (decision->getKept()) out->setDecision(decision->getId());
  auto usage = out->initUsage();
  usage.setCalls(1);
  usage.setPromptTokens(10);
  usage.setCompletionTokens(5);
  usage.setCostNanousd(1000);
  out->setTotalUs(2000);
  if (book.fails > 0) {
    --book.fails;
    out->setFinish(schema::Finish::ERROR);
    out->initError().setCode(schema::Errc::ENGINE_FAILED);
    out->getError().setMessage("as the test says");
    return out.finish();
  }
  auto said = cache_cluster::answer(view(attempt->getTenant()),
                                    view(attempt->getMessages()[0].getContent()), call.weights);
  if (book.plans && attempt->getPurpose() == schema::Purpose::PLAN)
    said = plan_of(view(attempt->getMessages()[0].getContent()));
  if (view(decision->getModel()) == "mini") {
    ++book.adapted;
    usage.setCostAllLargeNanousd(5000);
    said = book.adapts(std::string{view(attempt->getMessages()[0].getContent())});
  }
  if (book.cuts > 0) {
    --book.cuts;
    out->setFinish(schema::Finish::LENGTH);
    said.resize(3);
  } else if (book.wrong > 0) {
    --book.wrong;
    said = "?";
  }
  out->setText(said);
  return out.finish();
}

telling_engine_actor::behavior_type telling_engine_behavior(telling_engine_actor::pointer self,
                                                            telling_engine* book) {
  return {[self, book](attempt_atom, const tmsg::attempt& attempt, const tmsg::decisn& decision,
                       const chunk_sink&) {
            auto promise = self->make_response_promise<tmsg::attres>();
            ++book->calls;
            ++book->calls_of[cache_cluster::answer(
                view(attempt.read()->getTenant()),
                view(attempt.read()->getMessages()[0].getContent()), book->weights)];
            book->held.push_back({attempt, decision, book->weights, promise});
            if (!book->holds) self->send(self, wake_atom_v);
            return promise;
          },
          [book](cancel_atom, const tmsg::cancel& cancel) {
            fence_key fence{cancel.read()->getFence()};
            book->cancelled.emplace_back(view(cancel.read()->getReason()));
            for (auto& call : book->held) {
              if (fence_key{call.attempt.read()->getFence()} != fence) continue;
              message_builder<schema::AttemptResult> out;
              out->setFence(call.attempt.read()->getFence());
              out->setFinish(schema::Finish::CANCELLED);
              out->initError().setCode(schema::Errc::CANCELLED);
              call.promise.deliver(out.finish());
            }
            std::erase_if(book->held, [&](const auto& call) {
              return fence_key{call.attempt.read()->getFence()} == fence;
            });
          },
          [](engine_atom) { return tmsg::engstat{}; },
          [](engine_atom, const tmsg::engqry&) { return tmsg::engrep{}; },
          [](status_atom) { return tmsg::actstat{}; },
          [book](wake_atom) {
            for (auto& call : std::exchange(book->held, {}))
              call.promise.deliver(result_of(call, *book));
          }};
}

const std::vector<model_config> models{
    {.name = "tiny", .tier = "small", .input_price = 1, .output_price = 1},
    {.name = "mini", .tier = "adapting", .input_price = 1, .output_price = 1}};

}  // namespace

cache_config one_tier() {
  cache_config config;
  config.tiers.push_back({.tier = "small", .memory_bytes = 4u << 20, .disk_bytes = 0});
  return config;
}

std::string cache_cluster::answer(std::string_view tenant, std::string_view prompt,
                                  std::string_view weights) {
  return std::string{tenant} + "|" + std::string{prompt} + "|" + std::string{weights};
}

cache_cluster::cache_cluster(std::size_t nodes, cache_config config) : cache_{std::move(config)} {
  config_ = std::move(*system_config::make({.threads = 1}));
  config_->set("scheduler.policy", caf::atom("testing"));
  system_ = std::make_unique<caf::actor_system>(*config_);
  for (std::size_t i = 0; i < nodes; ++i) {
    auto made = std::make_unique<node>();
    made->name = "n" + std::to_string(i);
    made->incarnation = 100 + i;
    made->router = system_->spawn(router_behavior,
                                  router_start{.models = models, .first_decision = (i + 1) << 32});
    executor_pool_config pool;
    pool.cache = cache_;
    executor_pool_services services;
    services.incarnation = made->incarnation;
    services.node = made->name;
    made->pool = system_->spawn(executor_pool_behavior, pool, made->router, services);
    caf::anon_send(caf::actor_cast<router_inside>(made->router), wire_atom_v,
                   caf::actor_cast<engine_warmer_actor>(made->pool));
    made->engine_handle = system_->spawn(telling_engine_behavior, &made->engine);
    nodes_.push_back(std::move(made));
    spawn_shard(*nodes_.back());
    publish(*nodes_.back());
  }
  run();
}

cache_cluster::~cache_cluster() {
  for (auto& each : nodes_) {
    for (const auto& actor :
         {caf::actor_cast<caf::actor>(each->pool), caf::actor_cast<caf::actor>(each->router),
          caf::actor_cast<caf::actor>(each->shard),
          caf::actor_cast<caf::actor>(each->engine_handle)})
      if (actor) caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  }
  run();
  for (auto& each : nodes_) each->engine.held.clear();
  nodes_.clear();
  run();
}

caf::scheduler::test_coordinator& cache_cluster::scheduler() {
  return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
}

void cache_cluster::run() {
  scheduler().run();
}

void cache_cluster::pass(std::chrono::milliseconds time) {
  scheduler().advance_time(time);
  run();
}

void cache_cluster::spawn_shard(node& of) {
  cache_shard_start start{.config = cache_,
                          .node = of.name,
                          .incarnation = of.incarnation,
                          .store = nullptr,
                          .why_no_store = {},
                          .seed = of.incarnation};
  of.shard = system_->spawn(cache_shard_behavior, start);
  caf::anon_send(of.pool, wire_atom_v, std::uint32_t{0},
                 caf::actor_cast<cache_shard_actor>(of.shard));
  caf::anon_send(of.shard, wire_atom_v, caf::actor_cast<cache_asker>(of.pool));
}

void cache_cluster::publish(node& of) {
  for (std::string model : {"tiny", "mini"}) {
    if (model == "mini" && cache_.adapt != "adapting") continue;
    message_builder<schema::EngineStatus> status;
    status->setName(model + "-1");
    status->setModel(model);
    status->setHealth(schema::Health::HEALTHY);
    status->setConcurrency(10'000);
    status->setWeightVersion(of.engine.weights);
    status->setProfile(7);
    caf::anon_send(of.router, engine_atom_v, status.finish(),
                   caf::actor_cast<engine_actor>(of.engine_handle));
  }
}

void cache_cluster::tell(std::size_t of, std::size_t other, bool there) {
  message_builder<schema::Member> member;
  member->setName(nodes_[other]->name);
  member->setIncarnation(nodes_[other]->incarnation);
  peer_handles handles;
  if (there) {
    handles.supervisor = caf::actor_cast<caf::actor>(nodes_[other]->pool);
    handles.cache_shards = {caf::actor_cast<caf::actor>(nodes_[other]->shard)};
  }
  auto message = member.finish();
  caf::anon_send(nodes_[of]->pool, member_atom_v, message, handles);
  if (nodes_[of]->shard) caf::anon_send(nodes_[of]->shard, member_atom_v, message, handles);
}

void cache_cluster::introduce(std::size_t of, std::size_t other) {
  tell(of, other, true);
}

void cache_cluster::lose(std::size_t of, std::size_t other) {
  tell(of, other, false);
}

void cache_cluster::introduce_all() {
  for (std::size_t i = 0; i < size(); ++i)
    for (std::size_t j = 0; j < size(); ++j)
      if (i != j) introduce(i, j);
  run();
}

void cache_cluster::kill_shard(std::size_t i) {
  caf::anon_send_exit(nodes_[i]->shard, caf::exit_reason::kill);
  nodes_[i]->shard = nullptr;
}

void cache_cluster::restart_shard(std::size_t i) {
  spawn_shard(*nodes_[i]);
}

void cache_cluster::set_weights(std::size_t i, const std::string& weights) {
  nodes_[i]->engine.weights = weights;
  publish(*nodes_[i]);
}

void cache_cluster::roll(const std::string& weights) {
  for (std::size_t i = 0; i < size(); ++i) set_weights(i, weights);
  run();
}

void cache_cluster::release(std::size_t i) {
  caf::anon_send(nodes_[i]->engine_handle, wake_atom_v);
}

tmsg::attempt cache_cluster::attempt(std::uint32_t number, const cached_wish& what) {
  message_builder<schema::Attempt> out;
  // Each of a job of its own.
  out->initFence().getJob().setNumber(number);
  out->getFence().setAttempt(number);
  out->setPurpose(what.purpose);
  auto message = out->initMessages(1)[0];
  message.setRole(schema::Role::USER);
  message.setContent(what.prompt);
  out->setMaxTokens(64);
  out->setTimeoutMs(60'000);
  out->setTenant(what.tenant);
  out->setTemperature(what.temperature);
  out->setCache(what.cache);
  out->setTries(what.tries);
  out->setTier(what.tier);
  if (!what.pinned.empty()) {
    auto pin = out->initPinnedVersions(1)[0];
    pin.setModel("tiny");
    pin.setWeightVersion(what.pinned);
  }
  if (!what.check.empty()) {
    out->initCheck().setKind("contains");
    out->getCheck().setArgument(what.check);
  }
  return out.finish();
}

std::uint32_t cache_cluster::ask(std::size_t at, const cached_wish& what) {
  auto number = next_++;
  system_->spawn([this, number, at, request = attempt(number, what)](caf::event_based_actor* self) {
    self->request(nodes_[at]->pool, caf::infinite, attempt_atom_v, request, chunk_sink{})
        .then([this, number](const tmsg::attres& result) { results_.emplace(number, result); });
  });
  return number;
}

void cache_cluster::cancel(std::size_t at, std::uint32_t number) {
  message_builder<schema::Cancel> out;
  out->setFence(attempt(number, {}).read()->getFence());
  out->setReason("the test says so");
  caf::anon_send(nodes_[at]->pool, cancel_atom_v, out.finish());
}

void cache_cluster::purge(std::size_t at, const std::string& tenant) {
  caf::scoped_actor self{*system_};
  message_builder<schema::CacheCommand> command;
  command->setAction(schema::CacheAction::PURGE);
  command->setTenant(tenant);
  auto pending = self->request(nodes_[at]->pool, caf::infinite, cache_atom_v, command.finish());
  run();
  pending.receive([](const tmsg::cachrpt&) {},
                  [](const caf::error& err) { ADD_FAILURE() << message_of(err); });
}

tmsg::cachrpt cache_cluster::stats(std::size_t at, schema::CacheAction action) {
  caf::scoped_actor self{*system_};
  message_builder<schema::CacheCommand> command;
  command->setAction(action);
  auto pending = self->request(nodes_[at]->pool, caf::infinite, cache_atom_v, command.finish());
  run();
  tmsg::cachrpt found;
  pending.receive([&found](const tmsg::cachrpt& report) { found = report; },
                  [](const caf::error& err) { ADD_FAILURE() << message_of(err); });
  return found;
}

void cache_cluster::fill(std::size_t at, const tmsg::cachent& entry) {
  caf::anon_send(nodes_[at]->shard, fill_atom_v, entry);
  run();
}

std::string cache_cluster::text_of(std::uint32_t number) const {
  return std::string{view(results_.at(number).read()->getText())};
}

unsigned cache_cluster::level_of(std::uint32_t number) const {
  return results_.at(number).read()->getCache().getLevel();
}

std::string cache_cluster::reason_of(std::uint32_t number) const {
  return std::string{view(results_.at(number).read()->getCache().getReason())};
}

errc cache_cluster::code_of_result(std::uint32_t number) const {
  return static_cast<errc>(results_.at(number).read()->getError().getCode());
}

std::uint64_t cache_cluster::calls() const {
  std::uint64_t sum = 0;
  for (const auto& each : nodes_) sum += each->engine.calls;
  return sum;
}

std::string cache_cluster::expected(std::size_t at, const cached_wish& what) const {
  return answer(what.tenant, what.prompt, nodes_[at]->engine.weights);
}

}  // namespace tandem::testing
