#include "tests/actor/mesh/mesh_fixture.hpp"

#include "schema/errc.hpp"

namespace tandem::testing {

Mesh::Mesh() {
  config_ = std::move(*system_config::make({.threads = 1}));
  config_->set("scheduler.policy", caf::atom("testing"));
  system_ = std::make_unique<caf::actor_system>(*config_);
}

Mesh::~Mesh() {
  while (!places_.empty()) kill(places_.begin()->first);
  for (const auto& [between, actor] : wires_) caf::anon_send_exit(actor, caf::exit_reason::kill);
  for (const auto& actor : actors_) caf::anon_send_exit(actor, caf::exit_reason::kill);
  run();
  wires_.clear();
  actors_.clear();
}

caf::actor Mesh::listen(place& at) {
  auto* told = &at;
  auto listener = system_->spawn([told](caf::event_based_actor*) -> caf::behavior {
    return {[told](member_atom, const tmsg::member& member, const peer_handles& handles) {
      auto reader = member.read();
      auto state = reader->getState();
      auto lives = state == schema::MemberState::ALIVE || state == schema::MemberState::SUSPECT;
      auto sound = lives == static_cast<bool>(handles.mesh) &&
                   lives == static_cast<bool>(handles.supervisor);
      told->told.push_back(to_text(state) + ' ' + std::string{view(reader->getName())} + ' ' +
                           std::to_string(reader->getIncarnation()) +
                           (reader->getDraining() ? " draining" : "") +
                           (sound ? "" : " with wrong handles"));
      told->handles.push_back(handles);
    }};
  });
  actors_.push_back(listener);
  return listener;
}

Mesh::place& Mesh::start(const std::string& name, std::uint64_t incarnation, const texts& joins,
                         cluster_config config) {
  auto& made = places_[name];
  made.own = {.name = name, .incarnation = incarnation};
  made.listener = listen(made);
  mesh_setup setup;
  setup.config = std::move(config);
  for (const auto& join : joins) setup.config.join.push_back(join + ":7420");
  setup.own = member_of(made.own);
  setup.handles.supervisor = idle();
  setup.listeners = {caf::actor_cast<member_listener>(made.listener)};
  setup.random_seed = incarnation;
  setup.dial = [this, name](caf::actor_system&, const std::string& address,
                            const caf::actor& whom) {
    auto to = address.substr(0, address.rfind(':'));
    places_.at(name).dialed.push_back(to);
    auto found = places_.find(to);
    auto reached =
        found != places_.end() && found->second.mesh && !is_cut(name, to) && !is_cut(to, name);
    caf::anon_send(whom, done_atom_v, address,
                   reached ? caf::actor_cast<caf::actor>(greeter(name, to)) : caf::actor{},
                   reached ? caf::error{} : make_error(errc::unavailable, "nobody there"));
  };
  made.mesh = system_->spawn(mesh_behavior, std::move(setup));
  run();
  return made;
}

void Mesh::end(const std::string& name, caf::exit_reason reason) {
  auto& ended = places_.at(name);
  caf::anon_send_exit(ended.mesh, reason);
  ended.mesh = nullptr;
  run();
  caf::anon_send_exit(ended.listener, caf::exit_reason::kill);
  for (auto i = wires_.begin(); i != wires_.end();) {
    auto here = i++;
    if (here->first.first != name && here->first.second != name) continue;
    caf::anon_send_exit(here->second, caf::exit_reason::kill);
    wires_.erase(here);
  }
  run();
  places_.erase(name);
}

void Mesh::disconnect(const std::string& a, const std::string& b) {
  for (const auto& between : {std::pair{a, b}, std::pair{b, a}}) {
    caf::anon_send_exit(wires_[between], caf::exit_reason::kill);
    wires_.erase(between);
  }
  run();
}

caf::actor Mesh::idle() {
  auto made =
      system_->spawn([](caf::event_based_actor*) -> caf::behavior { return {[](caf::unit_t) {}}; });
  actors_.push_back(made);
  return made;
}

caf::actor Mesh::counter(std::shared_ptr<int> pulses, std::shared_ptr<int> lists) {
  auto made = system_->spawn([pulses, lists](caf::event_based_actor*) -> caf::behavior {
    return {[pulses](pulse_atom, const tmsg::pulse&) { ++*pulses; },
            [lists](member_atom, const tmsg::memlist&) { ++*lists; }};
  });
  actors_.push_back(made);
  return made;
}

peer_handles Mesh::wire(const std::string& from, const std::string& to) {
  auto& made = wires_[{from, to}];
  if (!made) {
    made = system_->spawn([this, from, to](caf::event_based_actor* self) -> caf::behavior {
      auto target = [this, from, to]() -> mesh_actor {
        auto found = places_.find(to);
        if (is_cut(from, to) || found == places_.end()) return {};
        return caf::actor_cast<mesh_actor>(found->second.mesh);
      };
      return {[this, self, from, to](hello_atom, const tmsg::hello& hello, const peer_handles&) {
                return self->delegate(greeter(from, to), hello_atom_v, hello, peer_handles{});
              },
              [self, target](pulse_atom, const tmsg::pulse& pulse) {
                if (auto mesh = target()) self->send(mesh, pulse_atom_v, pulse);
              },
              [self, target](member_atom, const tmsg::memlist& list) {
                if (auto mesh = target()) self->send(mesh, member_atom_v, list);
              },
              [self, target](leave_atom, const tmsg::member& member) {
                if (auto mesh = target()) self->send(mesh, leave_atom_v, member);
              }};
    });
  }
  peer_handles result;
  result.supervisor = made;
  result.mesh = made;
  if (auto found = places_.find(to); found != places_.end())
    result.exchange = found->second.exchange;
  return result;
}

greeter_actor Mesh::greeter(const std::string& from, const std::string& to) {
  auto made = system_->spawn([this, from,
                              to](greeter_actor::pointer self) -> greeter_actor::behavior_type {
    return {[this, self, from, to](hello_atom, const tmsg::hello& hello,
                                   const peer_handles&) -> caf::result<tmsg::hello, peer_handles> {
      auto promise = self->make_response_promise<tmsg::hello, peer_handles>();
      auto found = places_.find(to);
      if (found == places_.end() || is_cut(from, to)) return promise;
      auto mesh = caf::actor_cast<mesh_actor>(found->second.mesh);
      self->request(mesh, caf::infinite, hello_atom_v, hello, wire(to, from))
          .then(
              [this, promise, from, to](const tmsg::hello& answer, const peer_handles&) mutable {
                if (!is_cut(to, from)) promise.deliver(answer, wire(from, to));
              },
              [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
      return promise;
    }};
  });
  actors_.push_back(caf::actor_cast<caf::actor>(made));
  return made;
}

void Mesh::pass(std::chrono::milliseconds time) {
  auto step = time < 10s ? 10ms : 100ms;
  for (auto passed = 0ms; passed < time; passed += step) {
    scheduler().advance_time(std::min<std::chrono::milliseconds>(step, time - passed));
    run();
  }
}

std::chrono::milliseconds Mesh::until_told(place& at, const std::string& text,
                                           std::chrono::milliseconds most) {
  auto passed = 0ms;
  while (std::find(at.told.begin(), at.told.end(), text) == at.told.end()) {
    if (passed >= most) {
      ADD_FAILURE() << at.own.name << " was not told '" << text << "'";
      break;
    }
    pass(10ms);
    passed += 10ms;
  }
  return passed;
}

void Mesh::forget_told() {
  for (auto& [name, at] : places_) {
    at.told.clear();
    at.handles.clear();
    at.dialed.clear();
  }
}

Mesh::texts Mesh::members(place& at) {
  texts result;
  caf::scoped_actor self{*system_};
  auto pending = self->request(at.mesh, caf::infinite, member_atom_v);
  run();
  pending.receive(
      [&result](const tmsg::memlist& list) {
        auto reader = list.read();
        for (auto member : reader->getMembers())
          result.push_back(to_text(member.getState()) + ' ' + std::string{view(member.getName())});
      },
      [](const caf::error& err) { ADD_FAILURE() << caf::to_string(err); });
  return result;
}

caf::error Mesh::say_hello(place& at, const greeting& what, const peer_handles& handles) {
  caf::error result;
  caf::scoped_actor self{*system_};
  auto pending = self->request(at.mesh, caf::infinite, hello_atom_v, hello_of(what), handles);
  run();
  pending.receive([](const tmsg::hello&, const peer_handles&) {},
                  [&result](caf::error& err) { result = std::move(err); });
  return result;
}

}  // namespace tandem::testing
