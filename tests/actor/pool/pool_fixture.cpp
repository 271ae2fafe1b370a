#include "tests/actor/pool/pool_fixture.hpp"

namespace tandem::testing {

void held_engine::answer(const reply& with) {
  ASSERT_FALSE(calls.empty()) << name << " was asked nothing";
  auto oldest = std::move(calls.front());
  calls.erase(calls.begin());
  auto decision = oldest.decision.read();
  message_builder<schema::AttemptResult> result;
  result->setFence(oldest.attempt.read()->getFence());
  if (with.code != errc::unknown) {
    result->initError().setCode(static_cast<schema::Errc>(with.code));
    result->getError().setMessage("as the test says");
  }
  if (!with.text.empty()) result->setText(with.text);
  result->setFinish(with.code == errc::unknown ? schema::Finish::STOP : schema::Finish::ERROR);
  result->setEngine(name);
  result->setModel(decision->getModel());
  result->setTier(decision->getTier());
  result->setWeightVersion(decision->getWeightVersion());
  result->setDecision(decision->getId());
  result->setRetryAfterMs(with.retry_after_ms);
  auto usage = result->initUsage();
  usage.setCalls(1);
  usage.setPromptTokens(with.prompt_tokens);
  usage.setCompletionTokens(with.completion_tokens);
  usage.setCostNanousd(
      static_cast<std::int64_t>(with.prompt_tokens) * decision->getInputPriceNanousd() +
      static_cast<std::int64_t>(with.completion_tokens) * decision->getOutputPriceNanousd());
  answers.emplace_back(std::move(oldest), result.finish());
  caf::anon_send(handle, wake_atom_v);
}

held_engine_actor::behavior_type held_engine_behavior(held_engine_actor::pointer self,
                                                      held_engine* book) {
  return {[self, book](attempt_atom, const tmsg::attempt& attempt, const tmsg::decisn& decision,
                       const chunk_sink& sink) {
            auto promise = self->make_response_promise<tmsg::attres>();
            book->calls.push_back({attempt, decision, promise, sink});
            return promise;
          },
          [book](cancel_atom, const tmsg::cancel& cancel) {
            book->cancels.emplace_back(view(cancel.read()->getReason()));
          },
          [](engine_atom) { return tmsg::engstat{}; },
          [](engine_atom, const tmsg::engqry&) { return tmsg::engrep{}; },
          [](status_atom) { return tmsg::actstat{}; },
          [book](wake_atom) {
            for (auto& [call, result] : std::exchange(book->answers, {}))
              call.promise.deliver(result);
          }};
}

Pool::Pool() {
  config_ = std::move(*system_config::make({.threads = 1}));
  config_->set("scheduler.policy", caf::atom("testing"));
  system_ = std::make_unique<caf::actor_system>(*config_);
  models_ = {{.name = "big", .tier = "large", .input_price = 10, .output_price = 10},
             {.name = "tiny", .tier = "small", .input_price = 1, .output_price = 1}};
}

Pool::~Pool() {
  for (const auto& actor : actors_) caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  scheduler().run();
  actors_.clear();
  held_.clear();
  router_ = nullptr;
  pool_ = nullptr;
  engines_.clear();
  scheduler().run();
}

void Pool::start_pool(const executor_pool_config& config, const executor_pool_services& services) {
  router_ = system_->spawn(router_behavior, router_start{.config = routing_,
                                                         .models = models_,
                                                         .first_decision = std::uint64_t{7} << 32});
  pool_ = system_->spawn(executor_pool_behavior, config, router_, services);
  actors_ = {caf::actor_cast<caf::actor>(router_), caf::actor_cast<caf::actor>(pool_)};
  run();
}

void Pool::start(const executor_pool_config& config, std::uint32_t concurrency) {
  start_pool(config);
  for (const auto& model : models_) add_engine(model.name + "-1", model.name, concurrency);
}

engine_inside Pool::add_engine(engine_config engine) {
  auto of = std::find_if(models_.begin(), models_.end(),
                         [&](const auto& model) { return model.name == engine.model; });
  auto handle = system_->spawn(engine_behavior, engine, *of, router_, backend_services{});
  engines_.insert_or_assign(engine.name, handle);
  actors_.push_back(caf::actor_cast<caf::actor>(handle));
  run();
  return handle;
}

held_engine& Pool::hold_engine(const std::string& name, const std::string& model,
                               const std::string& weights) {
  auto& book = held_[name];
  book.name = name;
  book.model = model;
  book.handle = system_->spawn(held_engine_behavior, &book);
  actors_.push_back(caf::actor_cast<caf::actor>(book.handle));
  serve(book, weights);
  run();
  return book;
}

void Pool::serve(const held_engine& engine, const std::string& weights) {
  message_builder<schema::EngineStatus> status;
  status->setName(engine.name);
  status->setModel(engine.model);
  status->setWeightVersion(weights);
  status->setHealth(schema::Health::HEALTHY);
  status->setConcurrency(4);
  status->setPassesOn(true);
  caf::anon_send(router_, engine_atom_v, status.finish(),
                 caf::actor_cast<engine_actor>(engine.handle));
}

tmsg::attempt Pool::attempt(std::uint32_t number, const wish& how) {
  message_builder<schema::Attempt> out;
  out->initFence().getJob().setNumber(how.job);
  out->getFence().setStep(number);
  out->getFence().setAttempt(number);
  out->setPurpose(how.purpose);
  out->setKind(how.kind);
  auto messages = out->initMessages(how.output.empty() ? 1 : 2);
  messages[0].setRole(schema::Role::USER);
  messages[0].setContent(how.prompt);
  if (!how.output.empty()) {
    messages[1].setRole(schema::Role::ASSISTANT);
    messages[1].setContent(how.output);
  }
  out->setMaxTokens(how.max_tokens);
  out->setPriority(how.priority);
  out->setTimeoutMs(how.timeout_ms);
  out->setTier(how.tier);
  out->setTenant(how.tenant);
  out->setHedge(how.hedge);
  if (how.allowance.limited()) {
    out->initAllowance().setTokens(how.allowance.tokens);
    out->getAllowance().setCostNanousd(how.allowance.cost_nanousd);
  }
  if (!how.client_body.empty()) {
    auto client = out->initClient();
    client.setPath(schema::ClientPath::CHAT);
    client.setBody(
        {reinterpret_cast<const kj::byte*>(how.client_body.data()), how.client_body.size()});
  }
  if (!how.check_kind.empty()) {
    out->initCheck().setKind(how.check_kind);
    out->getCheck().setArgument(how.check_argument);
  }
  return out.finish();
}

void Pool::send(std::uint32_t number, const wish& how) {
  system_->spawn([this, number, request = attempt(number, how)](caf::event_based_actor* self) {
    self->request(pool_, caf::infinite, attempt_atom_v, request, chunk_sink{})
        .then([this, number](const tmsg::attres& result) {
          order_.push_back(number);
          results_.emplace(number, result);
        });
  });
  run();
}

void Pool::cancel(std::uint32_t number) {
  message_builder<schema::Cancel> out;
  out->setFence(attempt(number, {}).read()->getFence());
  caf::anon_send(pool_, cancel_atom_v, out.finish());
  run();
}

tmsg::engstat Pool::engine_status(const std::string& name) {
  caf::scoped_actor self{*system_};
  auto pending = self->request(engines_.at(name), caf::infinite, engine_atom_v);
  run();
  tmsg::engstat found;
  pending.receive([&](const tmsg::engstat& reply) { found = reply; },
                  [](const caf::error& err) { FAIL() << message_of(err); });
  return found;
}

errc Pool::code(std::uint32_t number) const {
  auto found = results_.find(number);
  return found == results_.end() ? errc::internal
                                 : static_cast<errc>(found->second.read()->getError().getCode());
}

std::uint64_t Pool::tokens_of(std::uint32_t number) const {
  auto result = results_.at(number).read();
  return result->getUsage().getPromptTokens() + result->getUsage().getCompletionTokens();
}

std::vector<std::string> Pool::refusals_of(std::uint32_t number) const {
  std::vector<std::string> all;
  auto result = results_.at(number).read();
  for (auto each : result->getRefusals()) all.emplace_back(view(each));
  return all;
}

}  // namespace tandem::testing
