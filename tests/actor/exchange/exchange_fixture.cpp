#include "tests/actor/exchange/exchange_fixture.hpp"

namespace tandem::testing {

Exchange::Exchange() = default;

Exchange::~Exchange() {
  alpha_ = {};
  beta_ = {};
}

exchange_actor Exchange::spawn_exchange(const site& of, exchange_config config) {
  config.incarnation = of.incarnation;
  for (const auto& model : models_) config.models.push_back(model.name);
  exchange_actor handle = system_->spawn(exchange_behavior, config, of.router);
  actors_.push_back(caf::actor_cast<caf::actor>(handle));
  return handle;
}

void Exchange::start_two(const exchange_config& config) {
  start_pool();
  alpha_ = {.name = "alpha",
            .incarnation = 11,
            .router = caf::actor_cast<router_inside>(router_),
            .exchange = {}};
  alpha_.exchange = spawn_exchange(alpha_, config);
  beta_ = {.name = "beta", .incarnation = 22, .router = {}, .exchange = {}};
  beta_.router = system_->spawn(
      router_behavior, router_start{.models = models_, .first_decision = std::uint64_t{8} << 32});
  actors_.push_back(caf::actor_cast<caf::actor>(beta_.router));
  beta_.exchange = spawn_exchange(beta_, config);
  run();
  connect(alpha_, beta_);
}

void Exchange::tell(const site& a, const site& b, schema::MemberState state, bool draining) {
  message_builder<schema::Member> member;
  member->setName(b.name);
  member->setIncarnation(b.incarnation);
  member->setState(state);
  member->setDraining(draining);
  peer_handles handles;
  if (state == schema::MemberState::ALIVE || state == schema::MemberState::SUSPECT)
    handles.exchange = caf::actor_cast<caf::actor>(b.exchange);
  caf::anon_send(a.exchange, member_atom_v, member.finish(), handles);
  settle();
}

void Exchange::tell(const site& a, const site& b, const caf::actor& exchange) {
  auto other = b;
  other.exchange = caf::actor_cast<exchange_actor>(exchange);
  tell(a, other);
}

void Exchange::report(const site& at, held_engine& engine, schema::Health health,
                      std::uint32_t concurrency, const std::string& model, std::uint32_t limit) {
  message_builder<schema::EngineStatus> status;
  status->setName(engine.name);
  status->setModel(model);
  status->setHealth(health);
  status->setConcurrency(concurrency);
  status->setLimit(limit);
  caf::anon_send(at.router, engine_atom_v, status.finish(),
                 caf::actor_cast<engine_actor>(engine.handle));
  settle();
}

held_engine& Exchange::hold(const site& at, const std::string& name, const std::string& model,
                            std::uint32_t concurrency) {
  auto& book = held_[name];
  book.name = name;
  book.handle = system_->spawn(held_engine_behavior, &book);
  actors_.push_back(caf::actor_cast<caf::actor>(book.handle));
  report(at, book, schema::Health::HEALTHY, concurrency, model);
  return book;
}

engine_inside Exchange::simulate(const site& at, const engine_config& config) {
  auto of = std::find_if(models_.begin(), models_.end(),
                         [&](const auto& model) { return model.name == config.model; });
  auto handle = system_->spawn(engine_behavior, config, *of, at.router, backend_services{});
  engines_.insert_or_assign(config.name, handle);
  actors_.push_back(caf::actor_cast<caf::actor>(handle));
  settle();
  return handle;
}

std::map<std::string, Exchange::listed> Exchange::list(const site& at) {
  std::map<std::string, listed> all;
  caf::scoped_actor self{*system_};
  auto pending = self->request(at.exchange, caf::infinite, list_atom_v);
  run();
  pending.receive(
      [&](const tmsg::offer& offer) {
        auto reader = offer.read();
        for (auto each : reader->getEngines())
          all[std::string{view(each.getStatus().getName())}] = {
              each.getCredits(), std::string{view(each.getReason())}, each.getStatus().getHealth()};
      },
      [](const caf::error& err) { FAIL() << message_of(err); });
  return all;
}

void Exchange::send_stream(std::uint32_t number, const std::string& prompt, heard* to,
                           std::size_t padding) {
  message_builder<schema::Attempt> out;
  out.copy(*attempt(number, {.prompt = prompt, .tier = "small"}).read());
  out->setStream(true);
  if (padding != 0) out->setFinished(std::string(padding, 'x'));
  auto sink = system_->spawn([to](chunk_sink::pointer) -> chunk_sink::behavior_type {
    return {[to](chunk_atom, const tmsg::chunk& chunk) {
      auto reader = chunk.read();
      auto bytes = reader->getText().asChars();
      to->chunks.emplace_back(bytes.begin(), bytes.size());
      to->numbers.push_back(reader->getNumber());
    }};
  });
  system_->spawn([this, number, sink, request = out.finish()](caf::event_based_actor* self) {
    self->request(pool_, caf::infinite, attempt_atom_v, request, sink)
        .then([this, number](const tmsg::attres& result) {
          order_.push_back(number);
          results_.insert_or_assign(number, result);
        });
  });
  run();
}

}  // namespace tandem::testing
